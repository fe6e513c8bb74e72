# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sharp metric depth from one camera: a metric prior and a one-step refiner for ROS 2."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depth_refiner_ros.refiner.refiner import DepthRefiner as DepthRefiner

__version__ = '0.1.0'

# Read when torch loads GNU's OpenMP: a thread that has nothing to do spins for so long. By default
# that is milliseconds, in which the threads of ncnn or ONNX Runtime find no free core: a frame of
# the bundled networks took 208 ms on two cores, and 187 with this.
if 'OMP_WAIT_POLICY' not in os.environ:
    os.environ.setdefault('GOMP_SPINCOUNT', '10000')


def __getattr__(name: str) -> object:
    """Return ``DepthRefiner``, imported on first use: torch takes seconds to load."""
    if name == 'DepthRefiner':
        from depth_refiner_ros.refiner.refiner import DepthRefiner

        return DepthRefiner
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
