# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The camera of UniK3D (arXiv 2503.16591, section 3.2): viewing rays, given or estimated.

Its own rays are a sphere seen through an estimated field of view, bent by spherical harmonics up
to degree 3, so that they need not be those of a lens. The principal point counts from the corner
of the first pixel.
"""

from functools import lru_cache
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.priors.dpt import Size
from depth_refiner_ros.priors.unik3d_attention import Attention, Hidden
import numpy as np
import torch
from torch import nn

TOKENS = (3, 3, 5, 7)
"""Of field of view and principal point, and of the harmonics of degree 1, 2 and 3."""
RIGHT_ANGLE = 1.1
"""Added so that an output of 0 is a field of view of a right angle."""


def pinhole_rays(
    camera: Intrinsics, size: Size, scale: float, top: int, left: int, like: torch.Tensor
) -> torch.Tensor:
    """
    Return unit viewing rays of a pinhole camera, ``rays_13hw``.

    The image is stretched to whole patches, which the authors' rays do not follow.

    :param size: of the network's input
    :param scale: by which the image, with its borders, was resized before
    :param top: rows added above, in pixels of the image
    :param left: columns added on the left
    """
    (rows, columns), device = size, like.device
    down = torch.arange(rows, device=device, dtype=torch.float32) + 0.5
    right = torch.arange(columns, device=device, dtype=torch.float32) + 0.5
    x = (right - (camera.cx + 0.5 + left) * scale) / (camera.fx * scale)
    y = (down - (camera.cy + 0.5 + top) * scale) / (camera.fy * scale)
    across, along = x.expand(rows, -1), y[:, None].expand(-1, columns)
    rays = torch.stack((across, along, torch.ones_like(across)))[None]
    return rays / rays.norm(dim=1, keepdim=True)


@lru_cache(maxsize=4)
def lens_rays(
    lens: Lens, size: Size, scale: float, top: int, left: int, device: torch.device
) -> torch.Tensor:
    """
    Return unit viewing rays of a lens as :func:`pinhole_rays` those of a pinhole.

    They are found once and kept on the device. Where the lens shows nothing, they are those of its
    edge.
    """
    rows, columns = ((np.arange(count) + 0.5) / scale - 0.5 for count in size)
    rays_3hw, _ = lens.rays_at(*np.meshgrid(columns - left, rows - top))
    return torch.from_numpy(rays_3hw.astype(np.float32))[None].to(device)


@lru_cache(maxsize=4)
def seen_by(lens: Lens, device: torch.device) -> torch.Tensor:
    """Return the pixels that have a viewing ray, bool ``seen_11HW``, kept on the device."""
    return torch.from_numpy(np.isfinite(lens.rays()[2]))[None, None].to(device)


def harmonics(rays_BHW3: torch.Tensor) -> torch.Tensor:
    """Return the 15 real spherical harmonics of degree 1 to 3 of unit rays, in order of m."""
    x, y, z = rays_BHW3.unbind(dim=-1)
    pi = math.pi
    one = math.sqrt(3.0 / (4.0 * pi))
    two, flat = math.sqrt(15.0 / (4.0 * pi)), math.sqrt(5.0 / (16.0 * pi))
    outer, middle = math.sqrt(35.0 / (32.0 * pi)), math.sqrt(105.0 / (4.0 * pi))
    inner, axis = math.sqrt(21.0 / (32.0 * pi)), math.sqrt(7.0 / (16.0 * pi))
    values = (
        -one * y,
        one * z,
        -one * x,
        two * x * y,
        -two * y * z,
        flat * (3.0 * z * z - 1.0),
        -two * x * z,
        0.5 * two * (x * x - y * y),
        -outer * y * (3.0 * x * x - y * y),
        middle * x * y * z,
        inner * y * (1.0 - 5.0 * z * z),
        axis * z * (5.0 * z * z - 3.0),
        inner * x * (1.0 - 5.0 * z * z),
        0.5 * middle * z * (x * x - y * y),
        -outer * x * (x * x - 3.0 * y * y),
    )
    return torch.stack(values, dim=-1)


class CameraHead(nn.Module):
    """
    Estimates the viewing rays of an image.

    :param width: features of a token
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(1, sum(TOKENS), width))
        self.spread = nn.ModuleList(
            nn.Linear(width, count * width, bias=False) for count in TOKENS
        )
        self.attentions = nn.ModuleList(Attention(width, scaled=True) for _ in range(2))
        self.outs = nn.ModuleList(
            Hidden(width, expansion=1, outputs=outputs) for outputs in (1, 3, 3, 3)
        )

    def forward(self, tokens_B4C: torch.Tensor, size: Size) -> torch.Tensor:
        """
        Return unit rays, ``rays_B3hw``.

        :param tokens_B4C: class tokens of the four blocks of the encoder
        :param size: of the network's input
        """
        batch, _, width = tokens_B4C.shape
        tokens = torch.cat(
            [
                layer(one).reshape(batch, -1, width)
                for layer, one in zip(self.spread, tokens_B4C.split(1, dim=1), strict=True)
            ],
            dim=1,
        )
        for attention in self.attentions:
            tokens = attention(tokens, places=self.places)
        lens, *bent = (
            out(part) for out, part in zip(self.outs, tokens.split(TOKENS, dim=1), strict=True)
        )
        sphere_BHW3 = _sphere(lens.squeeze(-1).float(), size)
        rays = torch.einsum('bhwk,bkc->bchw', harmonics(sphere_BHW3), torch.cat(bent, 1).float())
        return rays / rays.norm(dim=1, keepdim=True).clamp_min(1e-5)


def _sphere(lens_B3: torch.Tensor, size: Size) -> torch.Tensor:
    rows, columns = size
    field_B11 = 2.0 * math.pi * torch.sigmoid(lens_B3[:, 0] - RIGHT_ANGLE).view(-1, 1, 1)
    middle_x, middle_y = (torch.sigmoid(lens_B3[:, index]).view(-1, 1, 1) for index in (1, 2))
    right = (torch.arange(columns, device=lens_B3.device) + 0.5) / columns
    down = ((torch.arange(rows, device=lens_B3.device) + 0.5) / rows)[:, None]
    longitude = ((right - middle_x) * field_B11).expand(-1, rows, -1)
    latitude = ((down - middle_y) * (field_B11 * (rows / columns))).expand(-1, -1, columns)
    x, z = latitude.cos() * longitude.sin(), latitude.cos() * longitude.cos()
    return torch.stack((x, -latitude.sin(), z), dim=-1)
