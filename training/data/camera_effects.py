# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What lens, sensor and processing of a camera do to an image; the true depth stays what it is.

Light passes the lens (vignette, glare, blur of focus and of motion), is exposed as
:func:`photometric` draws it, gets the sensor's noise, and is then sharpened and compressed.
"""

import torch
from torch.nn import functional
from training.config import DataConfig
from training.data.jpeg import jpeg
from training.data.photometric import photometric

_KERNEL_PX = 9


def camera_image(
    rgb_B3HW: torch.Tensor, config: DataConfig, generator: torch.Generator
) -> torch.Tensor:
    """
    Return images as cameras give them.

    :param rgb_B3HW: color in 0..1
    :param config: its ``camera_effects`` and ``photometric`` are the strengths
    :param generator: on the CPU; one state gives one result on every device
    :return: color in 0..1
    """
    strength = config.camera_effects
    if strength == 0.0:
        return photometric(rgb_B3HW, config.photometric, generator)
    draw = _Draws(rgb_B3HW, strength, generator)
    through_lens = _blurred(_veiled(rgb_B3HW, draw), draw)
    exposed = photometric(through_lens, config.photometric, generator)
    return _processed(_noisy(exposed, draw), draw).clamp(0.0, 1.0)


class _Draws:
    """Draws one number per image, shaped to multiply the batch."""

    def __init__(
        self, like_B3HW: torch.Tensor, strength: float, generator: torch.Generator
    ) -> None:
        self._like, self.strength, self._generator = like_B3HW, strength, generator

    def up_to(self, most: float, power: float = 1.0) -> torch.Tensor:
        """Return numbers of 0..most times the strength; a larger power makes them smaller."""
        drawn = torch.rand(len(self._like), 1, 1, 1, generator=self._generator)
        return (drawn**power * (most * self.strength)).to(self._like)

    def normal(self, *shape: int) -> torch.Tensor:
        """Return normal noise of this shape for each image."""
        return torch.randn(len(self._like), *shape, generator=self._generator).to(self._like)


def _veiled(rgb_B3HW: torch.Tensor, draw: _Draws) -> torch.Tensor:
    """Darken the corners by up to 45 %, and lay up to 15 % of the mean light over the image."""
    height, width = rgb_B3HW.shape[-2:]
    y = torch.linspace(-1, 1, height).to(rgb_B3HW)[:, None]
    x = torch.linspace(-1, 1, width).to(rgb_B3HW)
    darker = 1.0 - draw.up_to(0.45, 2) * (x * x + y * y) / 2
    mean = rgb_B3HW.mean(dim=(2, 3), keepdim=True)
    return torch.lerp(rgb_B3HW, mean, draw.up_to(0.15, 3)) * darker


def _blurred(rgb_B3HW: torch.Tensor, draw: _Draws) -> torch.Tensor:
    """
    Blur each image along a direction of its own by motion, and in all of them by focus.

    Deviations are at most 2.3 pixels along and 1.2 across, most often far less.
    """
    focus, motion = draw.up_to(1.2, 3), draw.up_to(2.0, 4)
    turn = draw.normal(1, 1, 1) * 3.0
    reach = torch.arange(_KERNEL_PX).to(rgb_B3HW) - _KERNEL_PX // 2
    y, x = reach[:, None], reach
    along, across = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    narrow = focus.square() + 0.02
    weight = (
        -0.5 * (along.square() / (narrow + motion.square()) + across.square() / narrow)
    ).exp()
    kernels_B1kk = weight / weight.sum((2, 3), keepdim=True)
    images, channels, height, width = rgb_B3HW.shape
    edge = _KERNEL_PX // 2
    padded = functional.pad(rgb_B3HW, (edge, edge, edge, edge), mode='replicate')
    # One group per image and channel: each image has its own kernel.
    flat = padded.reshape(1, images * channels, *padded.shape[-2:])
    kernels = kernels_B1kk.repeat_interleave(channels, 0)
    return functional.conv2d(flat, kernels, groups=images * channels).view(
        images, channels, height, width
    )


def _noisy(rgb_B3HW: torch.Tensor, draw: _Draws) -> torch.Tensor:
    """Add noise of two pixels' width, as left by demosaicing, more of it in the light."""
    height, width = rgb_B3HW.shape[-2:]
    coarse = draw.normal(3, height // 2 + 1, width // 2 + 1)
    grain = functional.interpolate(coarse, size=(height, width), mode='bilinear')
    return rgb_B3HW + grain * draw.up_to(0.04, 2) * (0.3 + rgb_B3HW.clamp(0.0, 1.0).sqrt())


def _processed(rgb_B3HW: torch.Tensor, draw: _Draws) -> torch.Tensor:
    """Sharpen by up to one and a half times the detail, then compress at quality 25-98."""
    padded = functional.pad(rgb_B3HW, (1, 1, 1, 1), mode='replicate')
    detail = rgb_B3HW - functional.avg_pool2d(padded, 3, 1)
    sharpened = (rgb_B3HW + draw.up_to(1.5, 2) * detail).clamp(0.0, 1.0)
    quality = (98.0 - draw.up_to(73.0, 2)).clamp(5.0, 98.0)
    return jpeg(sharpened, quality.flatten())
