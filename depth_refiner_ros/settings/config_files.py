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
    return dict.fromkeys(PROFILE_VARIABLES, str(profile))


def config_file(name: str) -> Path | None:
    """Return a file of ``config/``, from the checkout or from where pip and colcon install it."""
    prefixes = [
        Path(prefix) for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(':') if prefix
    ] + [Path(sys.prefix)]
    folders = [
        Path(__file__).resolve().parents[2] / 'config',
        *(prefix / 'share' / 'depth_refiner_ros' / 'config' for prefix in prefixes),
    ]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)
