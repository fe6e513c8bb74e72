# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The loss of JPEG compression on any device: cosine blocks of 8 x 8, quantised (ITU T.81)."""

import math

import torch
from torch.nn import functional

# Tables K.1 and K.2 of ITU T.81: steps of the brightness and of the color at quality 50.
_BRIGHTNESS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_COLOR = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *(4 * ((99,) * 8,)),
)
_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def jpeg(rgb_B3HW: torch.Tensor, quality_B: torch.Tensor) -> torch.Tensor:
    """
    Return images as JPEG leaves them, color at full resolution.

    :param rgb_B3HW: color in 0..1
    :param quality_B: 1..100 of each image, as libjpeg counts
    :return: color that may leave 0..1 by a rounding error of the blocks
    """
    height, width = rgb_B3HW.shape[-2:]
    padded = functional.pad(rgb_B3HW, (0, -width % 8, 0, -height % 8), mode='replicate')
    to_ycc, dct = rgb_B3HW.new_tensor(_YCC), _cosines().to(rgb_B3HW)
    middle = 128.0 * to_ycc.sum(1)[:, None, None]
    ycc = torch.einsum('ij,bjhw->bihw', to_ycc, padded * 255.0) - middle
    blocks = ycc.unflatten(3, (-1, 8)).unflatten(2, (-1, 8))  # B 3 h 8 w 8
    spectra = torch.einsum('ui,vj,bchiwj->bchuwv', dct, dct, blocks)
    steps = _steps(quality_B.to(rgb_B3HW))[:, :, None, :, None, :]
    kept = (spectra / steps).round() * steps
    restored = torch.einsum('ui,vj,bchuwv->bchiwj', dct, dct, kept)
    ycc = restored.flatten(4, 5).flatten(2, 3)[..., :height, :width] + middle
    to_rgb = torch.linalg.inv(to_ycc.float()).to(rgb_B3HW)
    return torch.einsum('ij,bjhw->bihw', to_rgb, ycc) / 255.0


def _cosines() -> torch.Tensor:
    """Return the orthonormal cosine transform of eight values, (frequency, place)."""
    places = torch.arange(8) + 0.5
    rows = torch.cos(torch.arange(8)[:, None] * places * math.pi / 8) / 2
    rows[0] /= math.sqrt(2)
    return rows


def _steps(quality_B: torch.Tensor) -> torch.Tensor:
    """Return the quantisation steps of each image, (B, 3, 8, 8), scaled as libjpeg scales them."""
    percent = torch.where(quality_B < 50, 5000 / quality_B, 200 - 2 * quality_B)
    tables = quality_B.new_tensor((_BRIGHTNESS, _COLOR, _COLOR))
    return ((tables * percent[:, None, None, None] + 50) / 100).floor().clamp(1, 255)
