# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Organised point clouds from depth, in the optical frame: x right, y down, z forward."""

import sys

from depth_refiner_ros.core.checks import check_at_least, check_camera, check_color, check_plane
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera, Lens
import torch

POINT_BYTES = 16
"""x, y, z as float32, then the color bytes B, G, R, 0 in place of a fourth float."""


class CloudBuilder:
    """
    Packs depth and color into the bytes of an organised PointCloud2, one buffer for all frames.

    :param camera: of the depth map; that of a lens is the distance along its rays
    :param stride: keep every ``stride``-th row and column
    :param device: of depth and color
    :raises InputError: if ``stride`` is below 1 or the machine is big-endian
    """

    def __init__(
        self, camera: Camera, stride: int = 1, *, device: torch.device | str = 'cpu'
    ) -> None:
        check_at_least('stride', stride, 1)
        if sys.byteorder != 'little':
            raise InputError(
                f'point clouds need a little-endian machine; this one is {sys.byteorder}-endian'
            )
        self._camera = camera
        self._stride = stride
        self._z_hw: torch.Tensor | None = None
        if isinstance(camera, Lens):
            rays_3hw = torch.tensor(camera.rays()[:, ::stride, ::stride], device=device)
            self._x, self._y, self._z_hw = rays_3hw
        else:
            rays_2hw = camera.rays(device=device)[:, ::stride, ::stride]
            self._x, self._y = rays_2hw[0, 0].clone(), rays_2hw[1, :, :1].clone()
        self.height = len(range(0, camera.height, stride))
        self.width = len(range(0, camera.width, stride))
        self._cloud_hw4 = torch.empty(self.height, self.width, 4, device=device)
        self._bytes_hw16 = self._cloud_hw4.view(torch.uint8)
        # Alpha stays 0: with 255, half of all colors would be NaN when read as float32.
        self._bytes_hw16[..., 12:] = 0

    def build(self, depth_m_HW: torch.Tensor, rgb_HW3: torch.Tensor) -> torch.Tensor:
        """
        Fill the buffer with one frame.

        :param depth_m_HW: multiples of the camera's rays, in metres; NaN, inf and values <= 0
            give NaN points
        :param rgb_HW3: uint8 colors of the same pixels
        :return: ``cloud_hw4`` float32, contiguous: x, y, z in metres and the packed color;
            valid until the next call, which overwrites it
        :raises InputError: if a size or dtype does not fit
        """
        check_plane('depth', depth_m_HW)
        check_camera('depth', depth_m_HW, self._camera)
        check_color('color', rgb_HW3, self._camera.height, self._camera.width)
        stride = self._stride
        depth_hw = depth_m_HW[::stride, ::stride].float()
        # 0 * log(z) is 0 for a usable depth and NaN for NaN, inf, 0 and below: one pass.
        depth_hw = depth_hw.log().mul_(0.0).add_(depth_hw)
        torch.mul(depth_hw, self._x, out=self._cloud_hw4[..., 0])
        torch.mul(depth_hw, self._y, out=self._cloud_hw4[..., 1])
        self._cloud_hw4[..., 2] = depth_hw if self._z_hw is None else depth_hw * self._z_hw
        for channel in range(3):
            self._bytes_hw16[..., 14 - channel] = rgb_HW3[::stride, ::stride, channel]
        return self._cloud_hw4
