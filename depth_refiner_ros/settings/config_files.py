# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Find the files of ``config/`` wherever they are installed, including the DDS profile."""

import os
from pathlib import Path
import sys

PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
"""Fast DDS 2 (Humble, Jazzy) reads the first, Fast DDS 3 (from Kilted on) the second."""


def profile_environment() -> dict[str, str]:
    """
    Return the variables that select our DDS profile, which is sized for images and clouds.

    :return: variables to set; none if the caller has selected a profile
    """
    profile = config_file('fastdds.xml')
    if profile is None or any(name in os.environ for name in PROFILE_VARIABLES):
        return {}
    return dict.fromkeys(profile_variables(), str(profile))


def profile_variables() -> tuple[str, ...]:
    """Return the variable that the installed Fast DDS reads, both if it is not found."""
    for library, variable in zip(('libfastrtps.so', 'libfastdds.so'), PROFILE_VARIABLES):
        if any((prefix / 'lib' / library).exists() for prefix in _prefixes()):
            return (variable,)  # Fast DDS 3 warns about the variable of Fast DDS 2
    return PROFILE_VARIABLES


def config_file(name: str) -> Path | None:
    """Return a file of ``config/``, from the checkout or from where pip and colcon install it."""
    folders = [
        Path(__file__).resolve().parents[2] / 'config',
        *(prefix / 'share' / 'depth_refiner_ros' / 'config' for prefix in _prefixes()),
    ]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _prefixes() -> list[Path]:
    named = os.environ.get('AMENT_PREFIX_PATH', '').split(':')
    return [*(Path(prefix) for prefix in named if prefix), Path(sys.prefix)]
