# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rotary position embedding (RoPE, arXiv 2104.09864) for tokens on a grid of rows and columns."""

import torch

BASE = 100.0

Turn = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines by token, axis (down, right) and frequency."""


def places_of(
    rows: int, columns: int, *, first: float = 0.0, device: torch.device | None = None
) -> torch.Tensor:
    """Return ``places_N2``, row and column of each token of a grid, which count from first."""
    axes = (torch.arange(first, first + count, device=device) for count in (rows, columns))
    return torch.stack(torch.meshgrid(*axes, indexing='ij'), dim=-1).flatten(0, 1)


def turn_of(places_N2: torch.Tensor, frequencies: int) -> Turn:
    """
    Return the angles by which tokens at these rows and columns are rotated.

    :param frequencies: per axis, a quarter of a head's features
    """
    steps = torch.arange(frequencies, device=places_N2.device) / frequencies
    return turn_by(places_N2[..., None] * BASE**-steps)


def turn_by(angles_N2f: torch.Tensor) -> Turn:
    """Return the rotation by these angles, in radians."""
    return angles_N2f.cos(), angles_N2f.sin()


def turned(features_BhNd: torch.Tensor, turn: Turn) -> torch.Tensor:
    """Rotate pairs of features: the first half by the token's row, the second by its column."""
    cos_N2f, sin_N2f = turn
    pairs = features_BhNd.unflatten(-1, (2, 2, -1))
    one, other = pairs[..., 0, :], pairs[..., 1, :]
    rotated = (one * cos_N2f - other * sin_N2f, other * cos_N2f + one * sin_N2f)
    return torch.stack(rotated, dim=-2).flatten(-3)
