# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which files and folders are bags; kept apart because ``rosbags`` is slow to import."""

from pathlib import Path

from depth_refiner_ros.sources.names import natural_key

METADATA = 'metadata.yaml'
BAG_SUFFIXES = ('.mcap', '.db3')
PACKED = '.zstd'
"""Suffix of a storage file that rosbag2 compressed as a whole."""


def is_bag(path: Path) -> bool:
    """Whether a path is a bag: a storage file, or a folder with metadata or storage files."""
    if path.is_dir():
        return (path / METADATA).is_file() or bool(storage_files(path))
    return _is_storage(path)


def storage_files(path: Path) -> list[Path]:
    """Return the storage files of a bag in the order in which they were recorded."""
    if path.is_file():
        return [path]
    return sorted(filter(_is_storage, path.iterdir()), key=natural_key)


def _is_storage(path: Path) -> bool:
    return path.name.lower().removesuffix(PACKED).endswith(BAG_SUFFIXES)
