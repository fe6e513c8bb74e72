"""Which files and folders are bags; kept apart because ``rosbags`` is slow to import."""

from pathlib import Path
import re

METADATA = 'metadata.yaml'
BAG_SUFFIXES = ('.mcap', '.db3')
PACKED = '.zstd'
"""What rosbag2 appends to a storage file that it compressed as a whole."""


def is_bag(path: Path) -> bool:
    """Whether a path is a bag: a storage file, or a folder with metadata or storage files."""
    if path.is_dir():
        return (path / METADATA).is_file() or bool(storage_files(path))
    return _is_storage(path)


def storage_files(path: Path) -> list[Path]:
    """Return the storage files of a bag in the order in which they were recorded."""
    if path.is_file():
        return [path]
    return sorted(filter(_is_storage, path.iterdir()), key=_natural)


def _is_storage(path: Path) -> bool:
    return path.name.lower().removesuffix(PACKED).endswith(BAG_SUFFIXES)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts bag_2 before bag_10."""
    parts = re.split('([0-9]+)', path.name)
    return [(int(part), '') if part.isdecimal() else (-1, part) for part in parts]
