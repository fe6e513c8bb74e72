# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Recover the shift along Z, and the focal length, of points that are known up to both.

A pinhole camera sees the point (x, y, z + shift) at focal * (x, y) / (z + shift). MoGe (arXiv
2410.19115, section 3.1) finds the shift, and the focal length if no camera is known, for which the
points are seen where their pixels are, by least squares. There is only one unknown to search for:
the best focal length for a shift is a ratio of two sums. All sums are weighted by powers of
1 / (z + shift), so a step costs five of them, on the device, without waiting for it.

MoGe's own code ends the fit early, which is part of its result: see :mod:`minpack`.
"""

from depth_refiner_ros.priors.minpack import least, Squares, TINY
import torch
from torch.nn import functional

SAMPLED = (64, 64)
"""Rows and columns of the points that take part."""
ENOUGH = 1e-3
"""The fit ends when a step changes the sum of squares by less than this part."""


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
        functional.interpolate(value.float(), SAMPLED, mode='nearest').flatten(2).double()
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

    def squares(shift_B: torch.Tensor) -> tuple[Squares, torch.Tensor]:
        return error(whole_B, *_sums(seen_BN, size_BN, z_BN, shift_B))

    shift_B = least(lambda value_B: squares(value_B)[0], torch.zeros_like(whole_B), ENOUGH)
    best, found_B = squares(shift_B)
    enough_B = (weight_BN.sum(dim=1) >= 2.0) & torch.isfinite(best.error_B)
    shift_B = torch.where(enough_B, shift_B, 0.0)
    if focal_B2 is None:
        focal_B2 = torch.where(enough_B, found_B, 1.0)[:, None].expand(-1, 2)
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
) -> tuple[Squares, torch.Tensor]:
    """
    Return the sums of |q - plane|^2, where q = sides / (z + shift), dq/dshift = -q / (z + shift).

    :return: with the focal length relative to the given one, which is 1
    """
    error = (size2 - 2.0 * seen1 + whole).clamp_min(0.0)
    squares = Squares(error_B=error, slope_B=seen2 - size3, curve_B=size4)
    return squares, torch.ones_like(size2)


def _without_focal(
    whole: torch.Tensor,
    seen1: torch.Tensor,
    seen2: torch.Tensor,
    size2: torch.Tensor,
    size3: torch.Tensor,
    size4: torch.Tensor,
) -> tuple[Squares, torch.Tensor]:
    """Return the sums of |f q - plane|^2 at the best f, <q, plane> / <q, q>, and that f."""
    size2 = size2.clamp_min(TINY)
    focal = seen1 / size2
    change = (2.0 * focal * size3 - seen2) / size2
    squares = Squares(
        error_B=(whole - focal * seen1).clamp_min(0.0),
        slope_B=focal * (seen2 - focal * size3),
        curve_B=change.square() * size2 - 2.0 * change * focal * size3 + focal.square() * size4,
    )
    return squares, focal
