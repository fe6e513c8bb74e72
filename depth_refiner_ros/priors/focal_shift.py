# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Recover the shift along Z, and the focal length, of points that are known up to both.

A pinhole camera sees the point (x, y, z + shift) at focal * (x, y) / (z + shift). MoGe (arXiv
2410.19115, section 3.1) finds the shift, and the focal length if no camera is known, for which the
points are seen where their pixels are, by least squares. There is only one unknown to search for:
the best focal length for a shift is a ratio of two sums. All sums are weighted by powers of
1 / (z + shift), so a step costs five of them, on the device, without waiting for it.

The steps are those of MINPACK (More, 1978), by which MoGe's own code fits, and end where it ends:
for points that fit no camera the error falls without end, and where to stop is part of the result.
"""

from collections.abc import Callable
from dataclasses import dataclass
import math

from depth_refiner_ros.core.checks import surely_everywhere
import torch
from torch.nn import functional

SAMPLED = (64, 64)
"""Rows and columns of the points that take part."""
STEPS = 20
ENOUGH = 1e-3
"""The fit ends when a step changes the sum of squares by less than this part, as was expected."""
FIRST_BOUND = 100.0
"""On the first step."""
NOTHING = 1e-14
"""Part of the sum of squares that is rounding."""
TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class Fit:
    """
    Sum of squares at a shift, with what the next step needs.

    :param error_B: sum of all squared residuals
    :param slope_B: half its derivative
    :param curve_B: sum of the squared derivatives of all residuals
    :param focal_B: focal length at this shift, relative to a given one
    """

    error_B: torch.Tensor
    slope_B: torch.Tensor
    curve_B: torch.Tensor
    focal_B: torch.Tensor

    def replaced(self, where_B: torch.Tensor, other: 'Fit') -> 'Fit':
        """Return this fit with the images of another one in some places."""
        return Fit(
            error_B=torch.where(where_B, other.error_B, self.error_B),
            slope_B=torch.where(where_B, other.slope_B, self.slope_B),
            curve_B=torch.where(where_B, other.curve_B, self.curve_B),
            focal_B=torch.where(where_B, other.focal_B, self.focal_B),
        )


def recovered(
    points_B3HW: torch.Tensor,
    plane_B2HW: torch.Tensor,
    usable_B1HW: torch.Tensor,
    focal_B2: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Fit shift and focal length to some of the points.

    :param points_B3HW: right, down, forward
    :param plane_B2HW: where their pixels lie on the image plane, from its middle
    :param usable_B1HW: bool, which points count
    :param focal_B2: known focal lengths across and down in units of the plane; None fits one
        for both
    :return: ``focal_B2`` and ``shift_B``; 1 and 0 for an image with less than two usable points,
        or with one at no depth
    """
    points, plane, usable = (
        functional.interpolate(value.double(), SAMPLED, mode='nearest').flatten(2)
        for value in (points_B3HW, plane_B2HW, usable_B1HW)
    )
    weight_BN = usable[:, 0]
    points = torch.where(usable > 0.0, points, 1.0)  # nothing times NaN would be NaN
    sides, z_BN = points[:, :2], points[:, 2]
    if focal_B2 is not None:
        sides = sides * focal_B2.double()[:, :, None]
    seen_BN = (sides * plane).sum(dim=1) * weight_BN
    size_BN = sides.square().sum(dim=1) * weight_BN
    whole_B = (plane.square().sum(dim=1) * weight_BN).sum(dim=1)
    error = _without_focal if focal_B2 is None else _with_focal

    def fit(shift_B: torch.Tensor) -> Fit:
        return error(whole_B, *_sums(seen_BN, size_BN, z_BN, shift_B))

    shift_B, best = _least(fit, whole_B)
    enough_B = (weight_BN.sum(dim=1) >= 2.0) & torch.isfinite(best.error_B)
    shift_B = torch.where(enough_B, shift_B, 0.0)
    if focal_B2 is None:
        focal_B2 = torch.where(enough_B, best.focal_B, 1.0)[:, None].expand(-1, 2)
    return focal_B2.to(points_B3HW.dtype), shift_B.to(points_B3HW.dtype)


def _sums(
    seen_BN: torch.Tensor, size_BN: torch.Tensor, z_BN: torch.Tensor, shift_B: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Return sums of ``seen`` over (z + shift) to the powers 1, 2; of ``size`` to 2, 3, 4."""
    inverse = (z_BN + shift_B[:, None]).reciprocal()
    square = inverse.square()
    powers = (
        (seen_BN, inverse),
        (seen_BN, square),
        (size_BN, square),
        (size_BN, square * inverse),
        (size_BN, square.square()),
    )
    # A point of no weight may lie at z = -shift.
    return tuple(torch.where(one == 0.0, 0.0, one * other).sum(dim=1) for one, other in powers)


def _with_focal(
    whole: torch.Tensor,
    seen1: torch.Tensor,
    seen2: torch.Tensor,
    size2: torch.Tensor,
    size3: torch.Tensor,
    size4: torch.Tensor,
) -> Fit:
    """Sum of |q - plane|^2, where q = sides / (z + shift) and dq/dshift = -q / (z + shift)."""
    return Fit(
        error_B=(size2 - 2.0 * seen1 + whole).clamp_min(0.0),
        slope_B=seen2 - size3,
        curve_B=size4,
        focal_B=torch.ones_like(size2),
    )


def _without_focal(
    whole: torch.Tensor,
    seen1: torch.Tensor,
    seen2: torch.Tensor,
    size2: torch.Tensor,
    size3: torch.Tensor,
    size4: torch.Tensor,
) -> Fit:
    """Sum of |f q - plane|^2 at the best f = <q, plane> / <q, q>, which changes with the shift."""
    size2 = size2.clamp_min(TINY)
    focal = seen1 / size2
    change = (2.0 * focal * size3 - seen2) / size2
    return Fit(
        error_B=(whole - focal * seen1).clamp_min(0.0),
        slope_B=focal * (seen2 - focal * size3),
        curve_B=change.square() * size2 - 2.0 * change * focal * size3 + focal.square() * size4,
        focal_B=focal,
    )


def _least(fit: Callable[[torch.Tensor], Fit], whole_B: torch.Tensor) -> tuple[torch.Tensor, Fit]:
    """Return the shifts of least error from 0 on, and what was found there."""
    shift_B = torch.zeros_like(whole_B)
    bound_B = torch.full_like(whole_B, math.inf)
    best = fit(shift_B)
    done_B = best.error_B <= NOTHING * whole_B
    for number in range(STEPS):
        free_B = -best.slope_B / best.curve_B.clamp_min(TINY)
        if number == 0:
            bound_B = free_B.abs().clamp_max(FIRST_BOUND)
        is_free_B = free_B.abs() <= 1.1 * bound_B
        step_B = torch.where(is_free_B, free_B, free_B.sign() * bound_B)
        trial = fit(shift_B + step_B)
        error_B = best.error_B.clamp_min(TINY)
        close_B = 0.01 * trial.error_B < error_B
        gain_B = torch.where(close_B, 1.0 - trial.error_B / error_B, -1.0)
        # Two parts of the expected gain: that of the linear model, and what the bound cost.
        linear_B = best.curve_B * step_B.square() / error_B
        cost_B = torch.where(
            is_free_B, 0.0, best.slope_B.abs() * step_B.abs() / error_B - linear_B
        )
        expected_B = linear_B + 2.0 * cost_B
        ratio_B = torch.where(expected_B > 0.0, gain_B / expected_B.clamp_min(TINY), 0.0)
        bound_B = _next_bound(bound_B, step_B.abs(), gain_B, linear_B + cost_B, ratio_B, is_free_B)
        better_B = (ratio_B >= 1e-4) & ~done_B
        shift_B = torch.where(better_B, shift_B + step_B, shift_B)
        best = best.replaced(better_B, trial)
        done_B = done_B | (best.error_B <= NOTHING * whole_B)
        done_B = done_B | ((gain_B.abs() <= ENOUGH) & (expected_B <= ENOUGH) & (ratio_B <= 2.0))
        if surely_everywhere(done_B):
            break
    return shift_B, best


def _next_bound(
    bound_B: torch.Tensor,
    length_B: torch.Tensor,
    gain_B: torch.Tensor,
    falling_B: torch.Tensor,
    ratio_B: torch.Tensor,
    is_free_B: torch.Tensor,
) -> torch.Tensor:
    """Return how far the next step may go: less after a poor step, more after a good one."""
    shorter_B = 0.5 * falling_B / (falling_B - 0.5 * gain_B).clamp_min(TINY)
    shorter_B = torch.where(gain_B >= 0.0, 0.5, shorter_B.clamp_min(0.1))
    poor_B = shorter_B * torch.minimum(bound_B, 10.0 * length_B)
    good_B = torch.where(is_free_B | (ratio_B >= 0.75), 2.0 * length_B, bound_B)
    return torch.where(ratio_B <= 0.25, poor_B, good_B)
