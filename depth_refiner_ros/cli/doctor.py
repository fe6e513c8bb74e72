# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner doctor``: what is installed, what is missing, how to fix it."""

from depth_refiner_ros.cli.flags import JsonFile


def doctor(json: JsonFile = None) -> None:
    """Check the installation and show how to fix what is missing."""
    from depth_refiner_ros.apps.doctor import run

    run(json)
