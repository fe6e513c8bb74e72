# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pinhole camera model and how it changes when its image is resized, cropped or binned."""

from dataclasses import dataclass, replace
import math
from typing import TYPE_CHECKING

from depth_refiner_ros.core.errors import InputError
import numpy as np

if TYPE_CHECKING:  # nodes that run no network start without torch
    import torch

FIX = 'correct it where it is written: camera_info, calibration.yaml or fx_fy_cx_cy'
LEAST_FOCAL, MOST_FOCAL = 1e-3, 1e6
"""Focal length over image size: fields of view from 179.8 deg down to 0.2 arc seconds."""
MOST_SLOPE = 1e3
"""Principal point over focal length: the slope of a ray 89.9 deg off the axis."""


@dataclass(frozen=True, kw_only=True)
class Intrinsics:
    """
    Pinhole intrinsics in pixels; integer coordinates are pixel centres (ROS, OpenCV).

    :param fx: horizontal focal length
    :param fy: vertical focal length
    :param cx: column of the principal point
    :param cy: row of the principal point
    :param width: image columns
    :param height: image rows
    :raises InputError: if a value is not finite, a size is below 1, or a focal length or the
        principal point is implausible
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        for name in ('fx', 'fy', 'cx', 'cy'):
            if not math.isfinite(getattr(self, name)):
                raise InputError(
                    f'intrinsics: {name} = {getattr(self, name)} is not a number; {FIX}'
                )
        for name in ('fx', 'fy', 'width', 'height'):
            if getattr(self, name) <= 0:
                raise InputError(
                    f'intrinsics: {name} = {getattr(self, name)} must be positive; {FIX}'
                )
        self._check_plausible('fx', 'cx', self.width)
        self._check_plausible('fy', 'cy', self.height)

    def _check_plausible(self, focal: str, center: str, size: int) -> None:
        """Raise for implausible finite values, whose products would overflow float32 later."""
        f, c = getattr(self, focal), getattr(self, center)
        if not LEAST_FOCAL * size <= f <= MOST_FOCAL * size:
            raise InputError(
                f'intrinsics: {focal} = {f:g} px is implausible for {size} pixels; {FIX}'
            )
        if abs(c) > MOST_SLOPE * f:
            raise InputError(
                f'intrinsics: {center} = {c:g} px is implausibly far outside {size} pixels: with '
                f'{focal} = {f:g} px the camera would look aside by 90 deg; {FIX}'
            )

    @classmethod
    def from_fov(cls, width: int, height: int, horizontal_fov_deg: float) -> 'Intrinsics':
        """
        Return a centred camera with square pixels and a given horizontal field of view.

        :raises InputError: if the angle is not between 0 and 180 degrees
        """
        if not 0.0 < horizontal_fov_deg < 180.0:
            raise InputError(f'field of view {horizontal_fov_deg} deg must lie between 0 and 180')
        focal = width / (2.0 * math.tan(math.radians(horizontal_fov_deg) / 2.0))
        return cls(
            fx=focal, fy=focal, cx=(width - 1) / 2, cy=(height - 1) / 2, width=width, height=height
        )

    def resized(self, width: int, height: int) -> 'Intrinsics':
        """
        Return the intrinsics of the image resized to ``width`` x ``height``.

        Pixel centres map by c' = s (c + 0.5) - 0.5, as in the resampling of the image.
        """
        sx, sy = width / self.width, height / self.height
        return Intrinsics(
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=sx * (self.cx + 0.5) - 0.5,
            cy=sy * (self.cy + 0.5) - 0.5,
            width=width,
            height=height,
        )

    def cropped(self, left: int, top: int, width: int, height: int) -> 'Intrinsics':
        """
        Return the intrinsics of a crop whose first pixel is column ``left``, row ``top``.

        :raises InputError: if the crop leaves the image
        """
        inside = (
            0 <= left and 0 <= top and left + width <= self.width and top + height <= self.height
        )
        if not inside:
            raise InputError(
                f'crop {width}x{height}+{left}+{top} leaves the {self.width}x{self.height} image'
            )
        return Intrinsics(
            fx=self.fx, fy=self.fy, cx=self.cx - left, cy=self.cy - top, width=width, height=height
        )

    def extended(self, width: int, height: int) -> 'Intrinsics':
        """Return the intrinsics of the image with pixels added below and on the right."""
        return replace(self, width=width, height=height)

    def binned(self, binning_x: int, binning_y: int) -> 'Intrinsics':
        """Return the intrinsics after binning; a factor of 0 means 1 (REP-104)."""
        step_x, step_y = max(1, binning_x), max(1, binning_y)
        covered = self.cropped(0, 0, self.width // step_x * step_x, self.height // step_y * step_y)
        return covered.resized(self.width // step_x, self.height // step_y)

    def flipped(self) -> 'Intrinsics':
        """Return the intrinsics of the image mirrored left to right."""
        return Intrinsics(
            fx=self.fx,
            fy=self.fy,
            cx=self.width - 1 - self.cx,
            cy=self.cy,
            width=self.width,
            height=self.height,
        )

    def matrix(self) -> np.ndarray:
        """Return the 3 x 3 camera matrix K as float64."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def rays(self, *, device: 'torch.device | str' = 'cpu') -> 'torch.Tensor':
        """
        Return the viewing rays of all pixels, x/z and y/z.

        :return: ``rays_2HW`` float32, right and down positive
        """
        import torch

        columns = torch.arange(self.width, device=device, dtype=torch.float32) - self.cx
        rows = torch.arange(self.height, device=device, dtype=torch.float32) - self.cy
        x_HW = (columns / self.fx).expand(self.height, self.width)
        y_HW = (rows / self.fy)[:, None].expand(self.height, self.width)
        return torch.stack([x_HW, y_HW])
