# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Tell poses that jump from a camera that moves.

A map that is corrected, as at a loop closure, moves the camera without a motion; depth maps before
and after then seem to differ in scale.
"""

import numpy as np

MOST_M_PER_S2 = 20.0
"""Two g: neither hands nor drones change the velocity of a camera faster."""
NOISE_M = 0.05
LONGEST_S = 1.0
"""After a gap as long as this, a camera may be anywhere."""


class PoseJumps:
    """Compares each pose with where the two before it lead."""

    def __init__(self) -> None:
        self._before: list[tuple[int, np.ndarray]] = []

    def jump_m(self, stamp_ns: int, map_from_camera: np.ndarray) -> float:
        """
        Return by how much the camera is off where it could have moved to; 0 if it is not.

        :param stamp_ns: a step back in time, or a long gap, is no jump
        """
        position_m_3 = map_from_camera[:3, 3]
        before, self._before = self._before, [*self._before[-1:], (stamp_ns, position_m_3)]
        if len(before) < 2:
            return 0.0
        (first_ns, first_m_3), (second_ns, second_m_3) = before
        last_s, this_s = (second_ns - first_ns) * 1e-9, (stamp_ns - second_ns) * 1e-9
        if min(last_s, this_s) <= 0 or max(last_s, this_s) > LONGEST_S:
            return 0.0
        velocity_m_per_s_3 = (second_m_3 - first_m_3) / last_s
        off_m = float(np.linalg.norm(position_m_3 - second_m_3 - velocity_m_per_s_3 * this_s))
        if off_m <= NOISE_M + MOST_M_PER_S2 * this_s * (last_s + this_s) / 2:
            return 0.0
        self._before = self._before[-1:]  # the step of the jump is no velocity
        return off_m
