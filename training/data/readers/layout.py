# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Find the files of a set in its official layout, and choose among them by a split."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.sources.names import is_companion, natural_key
from depth_refiner_ros.sources.values import read_text
from training.data.readers.file_set import Item

LIST_SUFFIX = '.txt'
NOTHING = 'None'
"""Stands in Marigold's lists for depth that an image does not have."""

Rules = Mapping[str, Callable[[], list[Item]]]


def wrong_layout(reader: str, looked_for: Path, holds: str) -> SourceError:
    """Return the error for a folder that is not there, or is arranged otherwise."""
    return SourceError(
        f'reader {reader} looked for {looked_for}, {holds}; docs/data.md shows the layout'
    )


def folder_of(reader: str, candidates: Iterable[Path], holds: str) -> Path:
    """
    Return the first folder that exists.

    :param holds: what it should hold, for the message
    :raises SourceError: naming the first candidate, if there is none
    """
    places = list(candidates)
    for place in places:
        if place.is_dir():
            return place
    raise wrong_layout(reader, places[0], holds)


def in_order(root: Path, pattern: str) -> list[str]:
    """Return the files below a folder that fit a pattern, relative, in natural order."""
    found = [
        path.relative_to(root)
        for path in root.glob(pattern)
        if not is_companion(path) and path.is_file()
    ]
    return [
        path.as_posix()
        for path in sorted(
            found, key=lambda path: [natural_key(Path(part)) for part in path.parts]
        )
    ]


def images_of(reader: str, root: Path, pattern: str, holds: str) -> list[str]:
    """
    Return the files below a folder that fit a pattern; see :func:`in_order`.

    :param holds: what they are, for the message
    :raises SourceError: naming the pattern, if there is none
    """
    found = in_order(root, pattern)
    if not found:
        raise wrong_layout(reader, root / pattern, holds)
    return found


def select(
    reader: str, root: Path, split: str, rules: Rules, item_of: Callable[[str], Item]
) -> tuple[list[Item], int]:
    """
    Return the images of a split, and how many a list names that have no depth.

    A split is the name of a rule or a list file; ``@N`` behind it takes every N-th image.

    :param rules: by name; the rule '' is that of no split
    :param item_of: gives an image of a list its other files
    :raises SourceError: for an unknown split, or a list that cannot be read or does not fit
    """
    name, _, step = split.partition('@')
    if step and not (step.isascii() and step.isdecimal() and 1 <= int(step) <= 10**9):
        raise SourceError(f'split = {shown(split)}: @ must be followed by a whole number above 0')
    if name.endswith(LIST_SUFFIX):
        items, left_out = _of_list(root, Path(name).expanduser(), item_of)
    elif name in rules:
        items, left_out = rules[name](), 0
    else:
        words = [word for word in rules if word]
        raise SourceError(
            f'split = {shown(name)} of reader {reader} must be a list file ({LIST_SUFFIX}) or '
            f'{" or ".join(words) or "left out"}{nearest(name, words)}'
        )
    return items[:: int(step or 1)], left_out


def _of_list(root: Path, path: Path, item_of: Callable[[str], Item]) -> tuple[list[Item], int]:
    """Read lines of an image and, optionally, its depth, relative to the root."""
    lines = [line.split() for line in read_text(path).splitlines()]
    lines = [words for words in lines if words and not words[0].startswith('#')]
    items = [item_of(words[0]) for words in lines if NOTHING not in words[1:2]]
    if items and not (root / items[0][0]).is_file():
        raise SourceError(
            f'{path} names {items[0][0]}, which is not in {root}; name the folder that the '
            'list begins at'
        )
    return items, len(lines) - len(items)
