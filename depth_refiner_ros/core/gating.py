# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The disagreement of two depth maps, which decides what the refiner may change.

SharpDepth section 4.1: the difference map e of the metric depth d and the diffusion depth
d-tilde, the noise-aware gate of eq. 4, and the choice of pixels for the final realignment.
"""

from dataclasses import dataclass
from typing import Literal

from depth_refiner_ros.core.alignment import fit_scale_shift
from depth_refiner_ros.core.checks import check_map, check_one_of, check_same_shape
from depth_refiner_ros.core.errors import InputError
import torch
import torch.nn.functional as F

Align = Literal['none', 'minmax', 'lstsq']
Scale = Literal['max', 'range']
Downsample = Literal['nearest', 'area']
ALIGNS: tuple[Align, ...] = ('none', 'minmax', 'lstsq')
SCALES: tuple[Scale, ...] = ('max', 'range')
DOWNSAMPLES: tuple[Downsample, ...] = ('nearest', 'area')


@dataclass(frozen=True)
class DifferenceRule:
    """
    Rule for a difference map.

    :param align: how d-tilde is first aligned to d: not at all, to its minimum and maximum, or
        by least squares
    :param scale: divisor of abs(d-tilde - d): its own maximum per image, or the range of d
    :raises InputError: if one of them is unknown
    """

    align: Align = 'none'
    scale: Scale = 'max'

    def __post_init__(self) -> None:
        check_one_of('align', self.align, ALIGNS)
        check_one_of('scale', self.scale, SCALES)


# Both maps are assumed to be in [-1, 1] already. Dividing by the maximum opens the gate fully
# somewhere in every image, even if both maps agree.
OFFICIAL_CODE = DifferenceRule(align='none', scale='max')
# 'We first scale and shift d-tilde to the range of d.' The paper states no normalisation; in units
# of that range the difference is in [0, 1] by itself, and stays near 0 where a prior is already
# sharp.
PAPER = DifferenceRule(align='minmax', scale='range')


def difference_map(
    metric_B1HW: torch.Tensor, relative_B1HW: torch.Tensor, *, rule: DifferenceRule = OFFICIAL_CODE
) -> torch.Tensor:
    """
    Return how much two depth maps disagree, per image (SharpDepth section 4.1).

    :param metric_B1HW: d, normalised or in metres; NaN where unknown (padding, holes)
    :param relative_B1HW: d-tilde in the same unit
    :param rule: :data:`PAPER` and :data:`OFFICIAL_CODE` are the published ones
    :return: e in [0, 1]; 1 where either map has no value, 0 everywhere if they are equal
    :raises InputError: if shapes differ
    """
    check_map('metric depth', metric_B1HW)
    check_same_shape('relative depth', relative_B1HW, 'metric depth', metric_B1HW)
    # 0 * value is 0 for numbers and NaN for NaN and inf: half the cost of isfinite.
    known_B1HW = (metric_B1HW + relative_B1HW) * 0 == 0
    aligned_B1HW = _aligned(relative_B1HW, metric_B1HW, known_B1HW, rule.align)
    difference_B1HW = (aligned_B1HW - metric_B1HW).abs()
    if rule.scale == 'max':
        _, unit_B111 = _range(difference_B1HW, known_B1HW)
    else:
        low_B111, high_B111 = _range(metric_B1HW, known_B1HW)
        unit_B111 = high_B111 - low_B111
    return torch.where(known_B1HW, _ratio(difference_B1HW, unit_B111).clamp(0, 1), 1.0)


def downsample_difference(
    e_B1HW: torch.Tensor, factor: int = 8, *, mode: Downsample = 'nearest'
) -> torch.Tensor:
    """
    Return e at the latent's size, ceil(H / factor) x ceil(W / factor).

    :param e_B1HW: difference map
    :param factor: pixels per latent cell and axis
    :param mode: ``nearest`` takes the top left pixel of each cell, like the official code's
        interpolate; ``area`` the mean over the pixels of the cell
    :return: ``e_B1hw``
    :raises InputError: if ``factor`` is below 1 or the mode is unknown
    """
    check_map('difference', e_B1HW)
    check_one_of('mode', mode, DOWNSAMPLES)
    if factor < 1:
        raise InputError(f'factor = {factor} must be at least 1')
    if mode == 'nearest':
        return e_B1HW[..., ::factor, ::factor]
    return F.avg_pool2d(e_B1HW, factor, ceil_mode=True)


def gate_latent(
    latent_BChw: torch.Tensor, e_B1hw: torch.Tensor, noise_BChw: torch.Tensor
) -> torch.Tensor:
    """
    Blend noise into the latent where the maps disagree (SharpDepth eq. 4).

    :param latent_BChw: z_d, the latent of the metric depth
    :param e_B1hw: e-hat in [0, 1] at the latent's size
    :param noise_BChw: result for e-hat = 1: Gaussian noise, or the first pass's latent with noise
    :return: z'_d = e-hat * noise + (1 - e-hat) * z_d
    :raises InputError: if the sizes do not match
    """
    check_same_shape('noise', noise_BChw, 'latent', latent_BChw)
    expected = (latent_BChw.shape[0], 1, *latent_BChw.shape[-2:])
    if tuple(e_B1hw.shape) != expected:
        raise InputError(
            f'difference: expected shape {expected} to gate the latent, got '
            f'{tuple(e_B1hw.shape)}; use downsample_difference'
        )
    return e_B1hw * noise_BChw + (1 - e_B1hw) * latent_BChw


def select_agreeing(
    e_B1HW: torch.Tensor, threshold: float = 0.5, *, min_pixels: int = 32
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Choose the pixels of the final scale-shift fit: those with e < threshold.

    :param e_B1HW: difference map at full resolution
    :param threshold: the official code's lsq threshold; 1 takes every pixel
    :param min_pixels: with fewer agreeing pixels than this, all pixels are taken
    :return: ``mask_B1HW`` and ``fallback_B``, both bool; sum the second to count fallbacks
    :raises InputError: if e is not a map
    """
    check_map('difference', e_B1HW)
    agree_B1HW = e_B1HW < threshold
    if threshold >= 1.0:  # also where there is no value
        agree_B1HW = torch.ones_like(agree_B1HW)
    fallback_B = agree_B1HW.sum(dim=(1, 2, 3), dtype=torch.int32) < min_pixels
    return agree_B1HW | fallback_B.view(-1, 1, 1, 1), fallback_B


def _aligned(
    relative_B1HW: torch.Tensor, metric_B1HW: torch.Tensor, known_B1HW: torch.Tensor, align: Align
) -> torch.Tensor:
    if align == 'none':
        return relative_B1HW
    if align == 'lstsq':
        return fit_scale_shift(relative_B1HW, metric_B1HW).apply(relative_B1HW)
    low_B111, high_B111 = _range(relative_B1HW, known_B1HW)
    target_low_B111, target_high_B111 = _range(metric_B1HW, known_B1HW)
    unit_B1HW = _ratio(relative_B1HW - low_B111, high_B111 - low_B111)
    return target_low_B111 + unit_B1HW * (target_high_B111 - target_low_B111)


def _range(map_B1HW: torch.Tensor, known_B1HW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return minimum and maximum of the known pixels, 0 and 0 if there are none."""
    axes = (1, 2, 3)
    low_B111 = torch.where(known_B1HW, map_B1HW, torch.inf).amin(dim=axes, keepdim=True)
    high_B111 = torch.where(known_B1HW, map_B1HW, -torch.inf).amax(dim=axes, keepdim=True)
    some_B111 = known_B1HW.any(dim=3, keepdim=True).any(dim=2, keepdim=True)
    return torch.where(some_B111, low_B111, 0.0), torch.where(some_B111, high_B111, 0.0)


def _ratio(values_B1HW: torch.Tensor, unit_B111: torch.Tensor) -> torch.Tensor:
    """Divide; the result is 0 where the unit is 0, as a map without spread has no difference."""
    return values_B1HW * torch.where(unit_B111 > 0, 1.0 / unit_B111, 0.0)
