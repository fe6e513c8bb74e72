# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Compare the outputs of a backend with fp32 torch before the first frame."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.backends.base import Backend
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.images import image_batch
import torch
from torch.nn import functional

IMAGE = Path(__file__).parent / 'selfcheck.png'
MAX_VALUES = 10_000_000
"""torch.quantile refuses more than 2**24 values, so only every n-th is used."""


@dataclass(frozen=True)
class Deviation:
    """
    Relative difference of two outputs: per value, over the larger of it and the typical value.

    :param median: of all values
    :param p99: 99th percentile
    """

    median: float
    p99: float

    def __str__(self) -> str:
        return f'median {self.median:.2g}, p99 {self.p99:.2g}'


def deviation(result: Any, reference: Any) -> Deviation:
    """
    Compare the outputs of two runs; of several outputs the worst counts.

    A value near zero is compared with the root mean square of its output. Values that are not
    finite count as infinitely different.
    """
    if not isinstance(reference, torch.Tensor):
        pairs = [deviation(one, other) for one, other in zip(result, reference, strict=True)]
        return max(pairs, key=lambda pair: pair.p99)
    expected = reference.detach().float().cpu().flatten()
    got = result.detach().float().cpu().flatten()
    typical = expected.square().mean().sqrt().clamp_min(1e-12)
    relative = (got - expected).abs() / expected.abs().clamp_min(typical)
    relative = relative.nan_to_num(nan=torch.inf, posinf=torch.inf)
    ordered = relative[:: 1 + relative.numel() // MAX_VALUES].sort().values
    return Deviation(
        float(ordered[len(ordered) // 2]), float(ordered[int(0.99 * (len(ordered) - 1))])
    )


def check(
    backend: Backend, key: str, result: Any, reference: Any, max_abs_rel: float
) -> Deviation:
    """
    Refuse a backend whose outputs differ from fp32 torch.

    :param key: the network's name
    :param max_abs_rel: bound on :attr:`Deviation.p99`
    :raises BackendError: if it is exceeded, with both figures and the fix
    """
    found = deviation(result, reference)
    if not found.p99 <= max_abs_rel:
        raise BackendError(
            f'self-check: {key} with backend {backend.name} in {backend.precision} differs from '
            f'fp32 torch by {found} (relative), more than selfcheck.max_abs_rel = {max_abs_rel:g}'
            f'; {backend.fix}'
        )
    return found


def check_image(width: int, height: int) -> torch.Tensor:
    """
    Return the image of a simulated room on which every backend is tested.

    :return: ``rgb_B3HW`` uint8 of the requested size
    """
    import cv2

    picture_HW3 = cv2.imread(str(IMAGE))
    assert picture_HW3 is not None, f'{IMAGE} belongs to the package'
    rgb = image_batch(cv2.cvtColor(picture_HW3, cv2.COLOR_BGR2RGB)).float()
    sized = functional.interpolate(rgb, size=(height, width), mode='bilinear', antialias=True)
    return sized.round().clamp(0, 255).to(torch.uint8)


def check_depth(width: int, height: int) -> torch.Tensor:
    """
    Return depth to go with :func:`check_image`: a receding floor with a box in front.

    It is smeared like that of a cheap sensor. A refiner adds next to nothing to flat or sharp
    depth, and rounding errors would be large in comparison.

    :return: ``depth_m_B1HW`` of the requested size, 1 to 4 m
    """
    coarse_m_hw = torch.logspace(2.0, 0.0, 24, 2.0)[:, None].repeat(1, 32)
    coarse_m_hw[6:18, 10:22] = 1.3
    return functional.interpolate(coarse_m_hw[None, None], size=(height, width), mode='bilinear')
