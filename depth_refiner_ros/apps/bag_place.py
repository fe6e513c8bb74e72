# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether a command writes a copy of a bag, and of which."""

from collections.abc import Sequence
from pathlib import Path

from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.sources.ros.bag_paths import BAG_SUFFIXES, is_bag

HOW = f'add --bag, or end --out in {" or ".join(BAG_SUFFIXES)}'


def is_wanted(out: Path, *, as_bag: bool) -> bool:
    """Whether a copy of a bag is to be written rather than a folder of depth maps."""
    return as_bag or out.suffix.lower() in BAG_SUFFIXES


def source_of(locations: Sequence[str], given: Sequence[str]) -> Path:
    """
    Return the bag to copy.

    :param given: flags that were given and mean nothing for a bag
    :raises SettingsError: if there are any, or several sources
    :raises SourceError: if it is no bag
    """
    if given:
        raise SettingsError(f'{given[0]} has no effect on a copy of a bag; leave it out')
    if len(locations) > 1:
        raise SettingsError(
            f'one bag is copied at a time, and there are {len(locations)} sources; run the '
            'command once for each'
        )
    path = Path(locations[0]).expanduser()
    if not path.exists() or not is_bag(path):
        what = 'is no bag' if path.exists() else 'does not exist'
        raise SourceError(
            f'{shown(locations[0])} {what}, and only a bag can be copied with depth added; for a '
            'folder of depth maps give --out a name without a suffix'
        )
    return path


def check_unset(added: BagCopySettings) -> None:
    """
    Refuse options of a copy of a bag where none is written.

    :raises SettingsError: naming the first
    """
    usual = values(BagCopySettings())
    for name, value in values(added).items():
        if value != usual[name]:
            raise SettingsError(
                f'{name} = {shown(value)} has no effect on a folder of depth maps; for a copy of '
                f'a bag {HOW}'
            )
