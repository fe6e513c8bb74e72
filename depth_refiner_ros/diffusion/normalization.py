# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Normalise depth in metres to the unit range of a latent codec, and back.

Every published model has its own rule. Each is a choice of *space* and *range*, so all of them
are an invertible affine map after a monotone function.
"""

from dataclasses import dataclass

from depth_refiner_ros.core.checks import masked
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
import torch

SPACES = ('depth', 'log', 'disparity')
RANGES = ('minmax', 'quantile', 'centre', 'none')
UNBOUNDED = ('centre', 'none')
NEAREST_M, FARTHEST_M = 1e-3, 1e3
MAX_SAMPLES = 1_000_000
"""For larger images only every n-th pixel is used, with nearly the same quantiles."""


@dataclass(frozen=True, kw_only=True)
class Normalized:
    """
    Normalised depth with the values needed to undo it.

    :param unit_B1HW: normalised depth; (-1, 1) for ``minmax`` and ``quantile``, around 0 for
        ``centre``, unchanged for ``none``; 0 at invalid pixels
    :param scale_B111: unit = (space(depth) - offset) * scale
    :param offset_B111: see ``scale_B111``
    """

    unit_B1HW: torch.Tensor
    scale_B111: torch.Tensor
    offset_B111: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class DepthNormalizer:
    """
    The normalisation of one model.

    :param space: ``depth`` (SharpDepth, ApDepth's target), ``log`` or ``disparity``
    :param range: ``minmax`` (SharpDepth 4.1), ``quantile`` 2 to 98 % (ApDepth, Marigold), or
        ``centre``: subtract the mean without scaling, so that equal relative depth steps look
        equal in every scene, or ``none``: unchanged (the raw disparity of ApDepth's code)
    :param clip: clip to -1 and 1, as ``minmax`` and ``quantile`` models were trained
    :raises InputError: for an unknown space or range
    """

    space: str = 'depth'
    range: str = 'minmax'
    clip: bool = True

    def __post_init__(self) -> None:
        if self.space not in SPACES or self.range not in RANGES:
            raise InputError(
                f'normalisation {shown(self.space)}/{shown(self.range)} is unknown; '
                f'spaces are {SPACES}, ranges {RANGES}'
            )

    def normalize(self, depth_m_B1HW: torch.Tensor, valid_B1HW: torch.Tensor) -> Normalized:
        """
        Normalise depth over the valid pixels of each image.

        :param depth_m_B1HW: metres
        :param valid_B1HW: bool, pixels that set the range; others become 0
        """
        values = masked(self._to_space(depth_m_B1HW), valid_B1HW, 0.0)
        offset, scale = self._range(values, valid_B1HW)
        unit = values - offset
        if self.range not in UNBOUNDED:
            unit = unit * scale
            unit = unit.clamp(-1.0, 1.0) if self.clip else unit
        return Normalized(
            unit_B1HW=masked(unit, valid_B1HW, 0.0), scale_B111=scale, offset_B111=offset
        )

    def apply(self, depth_m_B1HW: torch.Tensor, like: Normalized) -> torch.Tensor:
        """Normalise other depth of the same images by the same map, unclipped."""
        return (self._to_space(depth_m_B1HW) - like.offset_B111) * like.scale_B111

    def denormalize(self, unit_B1HW: torch.Tensor, like: Normalized) -> torch.Tensor:
        """Return metres again; ``depth`` may be negative, ``disparity`` is at most 1 km."""
        if self.range not in UNBOUNDED:  # elsewhere the scale is 1
            unit_B1HW = unit_B1HW / like.scale_B111
        values = unit_B1HW + like.offset_B111
        if self.space == 'log':
            return values.exp()
        if self.space == 'disparity':
            return 1.0 / values.clamp_min(1.0 / FARTHEST_M)
        return values

    def _to_space(self, depth_m: torch.Tensor) -> torch.Tensor:
        if self.space == 'log':
            return depth_m.clamp_min(NEAREST_M).log()
        if self.space == 'disparity':
            return 1.0 / depth_m.clamp_min(NEAREST_M)
        return depth_m

    def _range(
        self, values: torch.Tensor, valid: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self.range == 'none':
            ones = torch.ones_like(values[:, :1, :1, :1])
            return torch.zeros_like(ones), ones
        if self.range == 'centre':
            count = valid.sum((1, 2, 3), keepdim=True).clamp_min(1)
            mean = values.sum((1, 2, 3), keepdim=True) / count
            return mean, torch.ones_like(mean)
        if self.range == 'minmax':
            low = torch.where(valid, values, torch.inf).amin((1, 2, 3), keepdim=True)
            high = torch.where(valid, values, -torch.inf).amax((1, 2, 3), keepdim=True)
        else:
            low, high = _quantiles(values, valid, 0.02, 0.98)
        empty = ~valid.flatten(1).any(1).view(-1, 1, 1, 1)
        low, high = low.masked_fill(empty, 0.0), high.masked_fill(empty, 0.0)
        # A constant image keeps scale 1, as it is only an offset; this avoids division by zero.
        span = torch.where(high > low, high - low, 2.0)
        return (low + high) / 2.0, 2.0 / span


def _quantiles(
    values: torch.Tensor, valid: torch.Tensor, low: float, high: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Interpolate like torch.quantile, without reading the number of valid pixels back."""
    step = max(1, values[0].numel() // MAX_SAMPLES)
    inside_BN = torch.where(valid, values, torch.inf).flatten(1)[:, ::step].float()
    sorted_BN = inside_BN.sort(dim=1).values
    last_B1 = valid.flatten(1)[:, ::step].sum(dim=1, keepdim=True).sub(1).clamp_min(0)
    bounds = (_at(sorted_BN, last_B1.float() * share) for share in (low, high))
    first, second = (bound_B1.to(values.dtype).view(-1, 1, 1, 1) for bound_B1 in bounds)
    return first, second


def _at(sorted_BN: torch.Tensor, rank_B1: torch.Tensor) -> torch.Tensor:
    """Return the values at fractional ranks."""
    below_B1, above_B1 = (
        sorted_BN.gather(1, rank.long()) for rank in (rank_B1.floor(), rank_B1.ceil())
    )
    return torch.lerp(below_B1, above_B1, rank_B1.frac())
