# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether a command writes copies of bags, of which, and where."""

from collections.abc import Sequence
import os
from pathlib import Path

from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.places import exists, user_path
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.sources.ros.bag_paths import BAG_SUFFIXES, is_bag

HOW = f'add --bag, or end --out in {" or ".join(BAG_SUFFIXES)}'


def is_wanted(out: Path, *, as_bag: bool) -> bool:
    """Whether copies of bags are to be written rather than a folder of depth maps."""
    return as_bag or out.suffix.lower() in BAG_SUFFIXES


def copies_of(locations: Sequence[str], out: Path, given: Sequence[str]) -> dict[Path, Path]:
    """
    Return the place of the copy of each bag: ``out``, or for several bags in this folder.

    There a copy is called as its bag, or, where two have one name, also as the folders that tell
    them apart.

    :param given: flags that were given and mean nothing for a bag
    :raises SettingsError: if there are any, a bag is there twice, or several would be one file
    :raises SourceError: if a location is no bag
    """
    if given:
        raise SettingsError(f'{given[0]} has no effect on a copy of a bag; leave it out')
    bags = list(map(_bag, locations))
    if len(bags) == 1:
        return {bags[0]: out}
    if out.suffix.lower() in BAG_SUFFIXES:
        raise SettingsError(
            f'the copies of {len(bags)} bags go into a folder: --bag --out {out.with_suffix("")}'
        )
    whole = [bag.resolve() for bag in bags]
    for bag in bags:
        if whole.count(bag.resolve()) > 1:
            raise SettingsError(f'the bag {bag} is there twice; leave out one of them')
    names = [path.name for path in whole]
    if len(set(names)) < len(names):
        above = os.path.commonpath([path.parent for path in whole])
        names = [str(path.relative_to(above)) for path in whole]
    return {bag: out / name for bag, name in zip(bags, names)}


def _bag(location: str) -> Path:
    path = user_path(location)
    if not exists(path) or not is_bag(path):
        what = 'is no bag' if path.exists() else 'does not exist'
        raise SourceError(
            f'{shown(location)} {what}, and only a bag can be copied with depth added; for a '
            'folder of depth maps give --out a name without a suffix'
        )
    return path


def check_unset(added: BagCopySettings, given: Sequence[str]) -> None:
    """
    Refuse options of a copy of a bag where none is written.

    :param given: flags that were given and mean nothing elsewhere
    :raises SettingsError: naming the first
    """
    usual = values(BagCopySettings())
    changed = [
        f'{name} = {shown(value)}' for name, value in values(added).items() if value != usual[name]
    ]
    for words in (*changed, *given):
        raise SettingsError(
            f'{words} has no effect on a folder of depth maps; for a copy of a bag {HOW}'
        )
