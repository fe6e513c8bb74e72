# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Organised point clouds from depth, in the optical frame: x right, y down, z forward."""

import sys

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.checks import check_at_least, check_camera, check_color, check_plane
from depth_refiner_ros.core.errors import InputError
import torch

POINT_BYTES = 16
"""x, y, z as float32, then the color bytes B, G, R, 0 in place of a fourth float."""


class CloudBuilder:
    """
    Packs depth and color into the bytes of an organised PointCloud2, one buffer for all frames.

    :param intrinsics: camera of the depth map
    :param stride: keep every ``stride``-th row and column
    :param device: of depth and color
    :raises InputError: if ``stride`` is below 1 or the machine is big-endian
    """

    def __init__(
        self, intrinsics: Intrinsics, stride: int = 1, *, device: torch.device | str = 'cpu'
    ) -> None:
        check_at_least('stride', stride, 1)
        if sys.byteorder != 'little':
            raise InputError(
                f'point clouds need a little-endian machine; this one is {sys.byteorder}-endian'
            )
        self._intrinsics = intrinsics
        self._stride = stride
        rays_2hw = intrinsics.rays(device=device)[:, ::stride, ::stride]
        self._x_per_z_w = rays_2hw[0, 0].clone()
        self._y_per_z_h1 = rays_2hw[1, :, :1].clone()
        self.height, self.width = rays_2hw.shape[1:]
        self._cloud_hw4 = torch.empty(self.height, self.width, 4, device=device)
        self._bytes_hw16 = self._cloud_hw4.view(torch.uint8)
        # Alpha stays 0: with 255, half of all colors would be NaN when read as float32.
        self._bytes_hw16[..., 12:] = 0

    def build(self, depth_m_HW: torch.Tensor, rgb_HW3: torch.Tensor) -> torch.Tensor:
        """
        Fill the buffer with one frame.

        :param depth_m_HW: depth in metres; NaN, inf and values <= 0 give NaN points
        :param rgb_HW3: uint8 colors of the same pixels
        :return: ``cloud_hw4`` float32, contiguous: x, y, z in metres and the packed color;
            valid until the next call, which overwrites it
        :raises InputError: if a size or dtype does not fit
        """
        check_plane('depth', depth_m_HW)
        check_camera('depth', depth_m_HW, self._intrinsics)
        check_color('color', rgb_HW3, self._intrinsics.height, self._intrinsics.width)
        stride = self._stride
        z_hw = depth_m_HW[::stride, ::stride].float()
        # 0 * log(z) is 0 for a usable depth and NaN for NaN, inf, 0 and below: one pass.
        z_hw = z_hw.log().mul_(0.0).add_(z_hw)
        torch.mul(z_hw, self._x_per_z_w, out=self._cloud_hw4[..., 0])
        torch.mul(z_hw, self._y_per_z_h1, out=self._cloud_hw4[..., 1])
        self._cloud_hw4[..., 2] = z_hw
        for channel in range(3):
            self._bytes_hw16[..., 14 - channel] = rgb_HW3[::stride, ::stride, channel]
        return self._cloud_hw4
