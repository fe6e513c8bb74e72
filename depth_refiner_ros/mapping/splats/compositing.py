# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Blend projected Gaussians front to back on a CPU (Kerbl et al. 2023, equation 3), with gradients.

The image is cut into small tiles, and each tile draws the splats that reach it. Tiles of about
as many splats are drawn together as dense arrays, a few at a time, so that these fit into the
cache; the backward pass draws them again instead of keeping them. Over a tile, the exponent of a
Gaussian is a polynomial of six terms in row and column: forward it is one product of matrices,
backward the six moments of its gradient are another.

Shape letters: B tiles drawn together, K splats of a tile, T pixels of a tile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.mapping.splats.projection import LEAST_ALPHA, Projected
import torch

TILE_PX = 8
MOST_ALPHA = 0.999
LEAST_LIGHT = 1e-4
"""A ray ends before the splat that would leave less transmittance than this."""
ROWS_TOGETHER = 8192
"""Pairs of tile and splat that are drawn together."""


def composited(seen: Projected, width: int, height: int) -> torch.Tensor:
    """Return the image on black, ``rgb_HW3`` of the splats' type."""
    across, down = -(-width // TILE_PX), -(-height // TILE_PX)
    with torch.no_grad():
        groups = list(_groups(seen, across, down))
    tiles_NT3 = _Blend.apply(
        seen.centre_px_N2, seen.conic_N3, seen.opacity_N, seen.rgb_N3, groups, across * down
    )
    rows_HW3 = tiles_NT3.view(down, across, TILE_PX, TILE_PX, 3).transpose(1, 2)
    return rows_HW3.reshape(down * TILE_PX, across * TILE_PX, 3)[:height, :width]


@dataclass(frozen=True, kw_only=True)
class _Group:
    """
    Tiles that are drawn together.

    :param tile_B: their numbers
    :param corner_px_B12: column and row of their first pixels
    :param splat_BK: from near to far; the number of splats fills up
    """

    tile_B: torch.Tensor
    corner_px_B12: torch.Tensor
    splat_BK: torch.Tensor


def _groups(seen: Projected, across: int, down: int) -> Iterator[_Group]:
    """Yield all tiles that any splat reaches, those of most splats first."""
    splat_P, count_N = _pairs(seen, across, down)
    first_N = count_N.cumsum(0) - count_N
    tile_N = torch.argsort(count_N, descending=True)
    tile_N = tile_N[: int((count_N > 0).sum())]
    # Behind the last pair, and at each place past a tile's last: a splat that does not exist.
    splat_P = torch.cat([splat_P, splat_P.new_tensor([len(seen.opacity_N)])])
    while len(tile_N):
        most = int(count_N[tile_N[0]])
        tile_B, tile_N = tile_N.tensor_split([max(1, ROWS_TOGETHER // most)])
        place_BK = torch.arange(most).expand(len(tile_B), most)
        pair_BK = first_N[tile_B, None] + place_BK
        pair_BK = torch.where(place_BK < count_N[tile_B, None], pair_BK, len(splat_P) - 1)
        corner_px_B2 = TILE_PX * torch.stack([tile_B % across, tile_B // across], dim=1)
        yield _Group(
            tile_B=tile_B,
            corner_px_B12=corner_px_B2[:, None].to(seen.centre_px_N2.dtype),
            splat_BK=splat_P[pair_BK],
        )


def _pairs(seen: Projected, across: int, down: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the splats of all tiles, tile by tile from near to far, and how many each has."""
    most = torch.tensor([across - 1, down - 1])
    first_N2 = ((seen.centre_px_N2 - seen.reach_px_N2) / TILE_PX).floor().long().clamp(min=0)
    last_N2 = ((seen.centre_px_N2 + seen.reach_px_N2) / TILE_PX).floor().long().minimum(most)
    columns_N, rows_N = (last_N2 - first_N2 + 1).clamp(min=0).unbind(1)
    tiles_N = columns_N * rows_N
    splat_P = torch.repeat_interleave(tiles_N)
    place_P = torch.arange(len(splat_P)) - (tiles_N.cumsum(0) - tiles_N)[splat_P]
    column_P = first_N2[splat_P, 0] + place_P % columns_N[splat_P]
    row_P = first_N2[splat_P, 1] + place_P // columns_N[splat_P]
    tile_P, order_P = torch.sort(row_P * across + column_P, stable=True)
    return splat_P[order_P], torch.bincount(tile_P, minlength=across * down)


class _Blend(torch.autograd.Function):
    """Draws the groups of tiles, forward and backward."""

    @staticmethod
    def forward(
        context: Any,
        centre_px_N2: torch.Tensor,
        conic_N3: torch.Tensor,
        opacity_N: torch.Tensor,
        rgb_N3: torch.Tensor,
        groups: list[_Group],
        tiles: int,
    ) -> torch.Tensor:
        """Return the pixels of all tiles."""
        context.save_for_backward(centre_px_N2, conic_N3, opacity_N, rgb_N3)
        context.groups = groups
        splats = _padded(centre_px_N2, conic_N3, opacity_N, rgb_N3)
        tiles_NT3 = rgb_N3.new_zeros(tiles, TILE_PX**2, 3)
        for group in groups:
            drawn = _drawn(group, splats)
            tiles_NT3[group.tile_B] = drawn.weight_BKT.mT @ drawn.rgb_BK3
        return tiles_NT3

    @staticmethod
    def backward(context: Any, grad_NT3: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of centres, conics, opacities and colors."""
        splats = _padded(*context.saved_tensors)
        total = torch.zeros_like(splats)
        for group in context.groups:
            drawn, grad_BT3 = _drawn(group, splats), grad_NT3[group.tile_B]
            grad_BK9 = _gradients(drawn, grad_BT3)
            total.index_add_(0, group.splat_BK.flatten(), grad_BK9.flatten(0, 1))
        centre, conic, opacity, rgb = total[:-1].split([2, 3, 1, 3], dim=1)
        return centre, conic, opacity[:, 0], rgb, None, None


def _padded(
    centre_px_N2: torch.Tensor,
    conic_N3: torch.Tensor,
    opacity_N: torch.Tensor,
    rgb_N3: torch.Tensor,
) -> torch.Tensor:
    """Return the nine numbers of each splat, and last a splat that covers nothing."""
    rows = torch.cat([centre_px_N2, conic_N3, opacity_N[:, None], rgb_N3], dim=1)
    return torch.cat([rows, rows.new_zeros(1, rows.shape[1])])


@dataclass(frozen=True, kw_only=True)
class _Drawn:
    """
    The splats of a group over its pixels.

    :param centre_px_BK2: from the first pixel of the tile
    :param alpha_BKT: what a splat covers, 0 below ``LEAST_ALPHA``
    :param light_BKT: transmittance that reaches it, 0 behind the end of a ray
    """

    centre_px_BK2: torch.Tensor
    conic_BK3: torch.Tensor
    opacity_BK1: torch.Tensor
    rgb_BK3: torch.Tensor
    alpha_BKT: torch.Tensor
    light_BKT: torch.Tensor
    weight_BKT: torch.Tensor


def _drawn(group: _Group, splats: torch.Tensor) -> _Drawn:
    centre, conic, opacity, rgb = splats[group.splat_BK].split([2, 3, 1, 3], dim=2)
    centre = centre - group.corner_px_B12
    (x, y), (xx, xy, yy) = centre.split(1, dim=2), conic.split(1, dim=2)
    to_x, to_y = xx * x + xy * y, xy * x + yy * y
    # -(half the squared distance in standard deviations) over 1, u, v, u², uv, v²
    terms = torch.cat([-0.5 * (to_x * x + to_y * y), to_x, to_y, -0.5 * xx, -xy, -0.5 * yy], dim=2)
    alpha = torch.exp(terms @ _basis(terms).mT).mul_(opacity).clamp_(max=MOST_ALPHA)
    alpha = alpha.masked_fill_(alpha < LEAST_ALPHA, 0.0)
    after = torch.cumprod(1.0 - alpha, dim=1)
    light = torch.cat([torch.ones_like(after[:, :1]), after[:, :-1]], dim=1)
    light = light.masked_fill_(after <= LEAST_LIGHT, 0.0)
    return _Drawn(
        centre_px_BK2=centre,
        conic_BK3=conic,
        opacity_BK1=opacity,
        rgb_BK3=rgb,
        alpha_BKT=alpha,
        light_BKT=light,
        weight_BKT=alpha * light,
    )


def _gradients(drawn: _Drawn, grad_BT3: torch.Tensor) -> torch.Tensor:
    """Return the gradients of the nine numbers of each splat, in the order of ``_padded``."""
    grad_rgb = drawn.weight_BKT @ grad_BT3
    worth_BKT = drawn.rgb_BK3 @ grad_BT3.mT
    gained = (drawn.weight_BKT * worth_BKT).cumsum(dim=1)
    behind = gained[:, -1:] - gained
    alpha = drawn.alpha_BKT
    grad_alpha = drawn.light_BKT * worth_BKT - behind / (1.0 - alpha)
    # Where a splat covers all that it may, or nothing, alpha does not follow its parameters.
    grad_exponent = torch.where(alpha < MOST_ALPHA, grad_alpha * alpha, 0.0)
    moments = grad_exponent @ _basis(grad_exponent)
    one, u, v, uu, uv, vv = moments.split(1, dim=2)
    (x, y), (xx, xy, yy) = drawn.centre_px_BK2.split(1, dim=2), drawn.conic_BK3.split(1, dim=2)
    du, dv = u - x * one, v - y * one
    grad_conic = torch.cat(
        [
            -0.5 * (uu - 2 * x * u + x * x * one),
            -(uv - x * v - y * u + x * y * one),
            -0.5 * (vv - 2 * y * v + y * y * one),
        ],
        dim=2,
    )
    grad_opacity = one / drawn.opacity_BK1.clamp(min=LEAST_ALPHA)
    return torch.cat(
        [xx * du + xy * dv, xy * du + yy * dv, grad_conic, grad_opacity, grad_rgb], dim=2
    )


def _basis(like: torch.Tensor) -> torch.Tensor:
    """Return 1, u, v, u², uv and v² of the pixels of a tile, T x 6."""
    axis = torch.arange(TILE_PX, dtype=like.dtype)
    v, u = (grid.flatten() for grid in torch.meshgrid(axis, axis, indexing='ij'))
    return torch.stack([torch.ones_like(u), u, v, u * u, u * v, v * v], dim=1)
