# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Errors of real priors, simulated on exact depth.

``smeared``  an image-sized network: area-downsampled 6 to 18 times, smoothly upsampled, outlines
             shifted by up to two pixels; ``mild`` is downsampled 3 to 6 times, ``strong`` 18 to 30
``sensor``   a depth camera: noise that grows with depth squared, holes and shadows at outlines
``noisy``    sharp, with correlated noise of one to three percent
``sharp``    exact

All but ``sharp`` also carry a low-frequency scale warp and a global scale error. These cannot be
seen in the image, so they are part of the target too: a refiner learns not to change scale.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from depth_refiner_ros.core.edges import depth_boundaries, dilate
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.priors.smeared import scale_error, smear
import torch
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class Degraded:
    """
    A prior and its target.

    :param prior_m_B1HW: metres, NaN in holes
    :param target_m_B1HW: sharp depth at the prior's scale
    """

    prior_m_B1HW: torch.Tensor
    target_m_B1HW: torch.Tensor


KINDS = ('smeared', 'sensor', 'noisy', 'sharp', 'mild', 'strong')
SMEARS = {'smeared': (6.0, 18.0), 'mild': (3.0, 6.0), 'strong': (18.0, 30.0)}
"""Least and greatest number of pixels that are averaged into one."""


def degrade(depth_m_B1HW: torch.Tensor, kinds: list[str], generator: torch.Generator) -> Degraded:
    """
    Degrade each image of a batch in its own way.

    :param depth_m_B1HW: exact depth, finite everywhere
    :param kinds: one of :data:`KINDS` per image
    :param generator: on the CPU, so that one seed gives one sample on every device
    :raises SettingsError: for an unknown kind
    """
    if not set(kinds) <= set(KINDS):
        raise SettingsError(
            f'degradations {sorted(set(kinds) - set(KINDS))} must be among {KINDS}'
        )
    target = depth_m_B1HW * scale_error(depth_m_B1HW, generator).to(depth_m_B1HW)
    smears = {kind: partial(_smeared, factors=factors) for kind, factors in SMEARS.items()}
    makers: dict[str, Callable[..., torch.Tensor]]
    makers = {**smears, 'sensor': _sensor, 'noisy': _noisy}
    priors, targets = [], []
    for index, kind in enumerate(kinds):
        exact, scaled = depth_m_B1HW[index : index + 1], target[index : index + 1]
        maker = makers.get(kind)
        priors.append(exact if maker is None else maker(scaled, generator))
        targets.append(exact if maker is None else scaled)
    return Degraded(prior_m_B1HW=torch.cat(priors), target_m_B1HW=torch.cat(targets))


def _smeared(
    depth_m_11HW: torch.Tensor, generator: torch.Generator, *, factors: tuple[float, float]
) -> torch.Tensor:
    least, greatest = factors
    draw = torch.rand(4, generator=generator)
    factor = least + (greatest - least) * float(draw[0])
    mode = 'bicubic' if float(draw[1]) < 0.5 else 'bilinear'
    shifted = _shift(depth_m_11HW, 2.0 * float(draw[2]), generator)
    # Networks average disparity or its logarithm as often as depth.
    if float(draw[3]) < 0.5:
        return smear(shifted, factor, mode)
    return smear(shifted.log() + 10.0, factor, mode).sub(10.0).exp()


def _shift(depth_m_11HW: torch.Tensor, pixels: float, generator: torch.Generator) -> torch.Tensor:
    """Move outlines smoothly, by up to this many pixels."""
    height, width = depth_m_11HW.shape[-2:]
    coarse = torch.randn(1, 2, max(2, height // 40), max(2, width // 40), generator=generator)
    flow = functional.interpolate(coarse, size=(height, width), mode='bilinear') * pixels
    rows = (torch.arange(height)[:, None] + 0.5 + flow[0, 1]) * 2.0 / height - 1.0
    columns = (torch.arange(width)[None, :] + 0.5 + flow[0, 0]) * 2.0 / width - 1.0
    grid = torch.stack([columns.expand(height, width), rows.expand(height, width)], dim=-1)
    return functional.grid_sample(
        depth_m_11HW,
        grid[None].to(depth_m_11HW),
        mode='nearest',
        padding_mode='border',
        align_corners=False,
    )


def _noisy(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    amount = 0.01 + 0.02 * float(torch.rand((), generator=generator))
    return depth_m_11HW * (1.0 + amount * _speckle(depth_m_11HW, generator))


def _sensor(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    draw = torch.rand(4, generator=generator)
    sigma = (0.0015 + 0.003 * float(draw[0])) * depth_m_11HW.square()
    depth = _shift(depth_m_11HW, 1.5 * float(draw[1]), generator)
    depth = depth + sigma * _speckle(depth_m_11HW, generator)
    depth = smear(depth, 1.0 + 3.0 * float(draw[2]), 'bilinear')
    outline = dilate(depth_boundaries(depth_m_11HW), 1 + int(5 * float(draw[3])))
    blobs = _blobs(depth_m_11HW, generator)
    return torch.where((outline & (blobs > -0.5)) | (blobs > 1.8), torch.nan, depth)


def _speckle(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw noise of deviation 0.6 that is correlated over about two pixels."""
    height, width = like.shape[-2:]
    coarse = torch.randn(1, 1, height // 2 + 1, width // 2 + 1, generator=generator)
    return functional.interpolate(coarse, size=(height, width), mode='bilinear').to(like)


def _blobs(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw a smooth field whose peaks are holes some 20 pixels wide."""
    height, width = like.shape[-2:]
    coarse = torch.randn(1, 1, height // 16 + 2, width // 16 + 2, generator=generator)
    return functional.interpolate(coarse, size=(height, width), mode='bicubic').to(like)
