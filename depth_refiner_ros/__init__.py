# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sharp metric depth from one camera: a metric prior and a one-step refiner for ROS 2."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depth_refiner_ros.refiner.refiner import DepthRefiner as DepthRefiner

__version__ = '0.1.0'


def __getattr__(name: str) -> object:
    """Return ``DepthRefiner``, imported on first use: torch takes seconds to load."""
    if name == 'DepthRefiner':
        from depth_refiner_ros.refiner.refiner import DepthRefiner

        return DepthRefiner
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
