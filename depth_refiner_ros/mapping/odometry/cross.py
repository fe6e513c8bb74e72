# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The cross product as a matrix."""

import numpy as np


def cross(points_N3: np.ndarray) -> np.ndarray:
    """Return the N x 3 x 3 matrices of which each gives the product of its point with another."""
    x, y, z = np.asarray(points_N3, dtype=np.float64).T
    zero = np.zeros_like(x)
    return np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
