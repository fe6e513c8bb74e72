# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Cameras that are no pinholes: distorted and fisheye lenses, and panoramas.

Beyond 180 degrees there is no depth along the optical axis, so the depth of such an image is the
distance along the ray of each pixel. In both kinds of camera a point is depth times ray: rays of
:class:`Intrinsics` reach to z = 1, those of a :class:`Lens` have length 1.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens_models import (
    fisheye_radius,
    fisheye_rays,
    opencv_distorted,
    opencv_rays,
    panorama_rays,
)
from depth_refiner_ros.core.messages import shown
import numpy as np

OPENCV_MODELS = ('', 'plumb_bob', 'rational_polynomial')
FISHEYE_MODELS = ('equidistant', 'fisheye')
PANORAMA = 'equirectangular'
OPENCV_COUNTS = (4, 5, 8, 12, 14)
VIEW_DEG = 90.0
"""Field of view of the pinhole camera that shows the middle of a panorama."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """
    A camera with a lens model of OpenCV, or a panorama.

    :param model: ``plumb_bob``, ``rational_polynomial``, ``equidistant`` (Kannala and Brandt, "A
        generic camera model", PAMI 2006) or ``equirectangular``
    :param matrix: focal lengths and principal point in pixels, and the size of its images; for a
        panorama the focal lengths are pixels per radian
    :param coefficients: k1 k2 p1 p2 k3 ... (OpenCV), or k1 to k4 of a fisheye lens
    :param view: pinhole camera that its images are rectified to
    :raises InputError: if the model is unknown or does not fit the coefficients
    """

    model: str
    matrix: Intrinsics
    coefficients: tuple[float, ...] = ()
    view: Intrinsics

    def __post_init__(self) -> None:
        count, listed = len(self.coefficients), listed_numbers(self.coefficients)
        if self.model not in (*OPENCV_MODELS, *FISHEYE_MODELS, PANORAMA):
            raise InputError(
                f'distortion model {shown(self.model)} is not supported; use plumb_bob, '
                'rational_polynomial, equidistant or equirectangular, or rectify the images first'
            )
        counts = {PANORAMA: (0,)} | dict.fromkeys(FISHEYE_MODELS, (4,))
        if count not in counts.get(self.model, OPENCV_COUNTS):
            raise InputError(
                f'distortion {listed} has {count} coefficients, but {wanted(self.model)}; '
                'correct it'
            )

    @classmethod
    def panorama(
        cls, width: int, height: int, across_deg: float = 360.0, down_deg: float = 180.0
    ) -> 'Lens':
        """
        Return the camera of an equirectangular image, which looks along its middle.

        :param across_deg: horizontal field of view
        :param down_deg: vertical field of view
        :raises InputError: if a field of view is not of a panorama
        """
        for name, value, most in (('across', across_deg, 360.0), ('down', down_deg, 180.0)):
            if not 0.0 < value <= most:
                raise InputError(
                    f'panorama: {value:g} deg {name} must be above 0 and at most {most:g}'
                )
        matrix = Intrinsics(
            fx=width / math.radians(across_deg),
            fy=height / math.radians(down_deg),
            cx=(width - 1) / 2,
            cy=(height - 1) / 2,
            width=width,
            height=height,
        )
        edge = max(1, round(width * VIEW_DEG / across_deg))
        return cls(model=PANORAMA, matrix=matrix, view=Intrinsics.from_fov(edge, edge, VIEW_DEG))

    @property
    def width(self) -> int:
        """Return the columns of its images."""
        return self.matrix.width

    @property
    def height(self) -> int:
        """Return the rows of its images."""
        return self.matrix.height

    @property
    def is_wide(self) -> bool:
        """Whether the model is one that a pinhole cannot show as a whole."""
        return self.model in FISHEYE_MODELS or self.model == PANORAMA

    @property
    def fov_deg(self) -> float:
        """Return the angle between the first and the last ray of the middle row, over the axis."""
        row_hw = np.full((1, 2), (self.height - 1) / 2)
        rays_3hw, _ = self.rays_at(np.array([[-0.5, self.width - 0.5]]), row_hw)
        return float(np.degrees(np.arccos(np.clip(rays_3hw[2], -1.0, 1.0)).sum()))

    def resized(self, width: int, height: int) -> 'Lens':
        """Return the camera of the image resized, see :meth:`Intrinsics.resized`."""
        columns = max(1, round(self.view.width * width / self.width))
        rows = max(1, round(self.view.height * height / self.height))
        return replace(
            self, matrix=self.matrix.resized(width, height), view=self.view.resized(columns, rows)
        )

    def extended(self, width: int, height: int) -> 'Lens':
        """Return the camera of the image with pixels added below and on the right."""
        return replace(self, matrix=self.matrix.extended(width, height))

    def rays(self) -> np.ndarray:
        """
        Return the unit viewing rays of all pixels, kept for the last cameras.

        :return: ``rays_3HW`` float32, read-only, x right, y down and z forward; NaN where the
            model shows nothing
        """
        return _rays(self)

    def rays_at(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the unit viewing rays of places in the image, or beside it.

        :param columns: ``columns_hw``, whole numbers at pixel centres
        :param rows: ``rows_hw``
        :return: ``rays_3hw`` float64, and bool ``seen_hw``; where the model shows nothing, the ray
            of a place near by
        """
        matrix = self.matrix
        x_hw, y_hw = (columns - matrix.cx) / matrix.fx, (rows - matrix.cy) / matrix.fy
        if self.model == PANORAMA:
            return panorama_rays(x_hw, y_hw)
        if self.model in FISHEYE_MODELS:
            return fisheye_rays(x_hw, y_hw, self.coefficients)
        return opencv_rays(x_hw, y_hw, self.coefficients)

    def project(self, points_N3: np.ndarray) -> np.ndarray:
        """
        Return where points are seen, ``places_N2`` as columns and rows, float64.

        :param points_N3: in the optical frame, at any distance; of a model of OpenCV in front
        """
        points_N3 = np.asarray(points_N3, np.float64)
        x_N, y_N, z_N = points_N3.T
        across_N = np.hypot(x_N, y_N)
        if self.model == PANORAMA:
            x_N, y_N = np.arctan2(x_N, z_N), np.arctan2(y_N, np.hypot(x_N, z_N))
        elif self.model in FISHEYE_MODELS:
            radius_N, _ = fisheye_radius(np.arctan2(across_N, z_N), self.coefficients)
            scale_N = radius_N / np.maximum(across_N, 1e-12)
            x_N, y_N = x_N * scale_N, y_N * scale_N
        else:
            flat_N2 = opencv_distorted(np.stack((x_N / z_N, y_N / z_N), -1), self.coefficients)
            x_N, y_N = flat_N2.T
        matrix = self.matrix
        return np.stack((x_N * matrix.fx + matrix.cx, y_N * matrix.fy + matrix.cy), -1)


Camera = Intrinsics | Lens


@lru_cache(maxsize=4)
def _rays(lens: Lens) -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(lens.width), np.arange(lens.height))
    rays_3HW, seen_HW = lens.rays_at(columns, rows)
    found = np.where(seen_HW, rays_3HW, np.nan).astype(np.float32)
    found.setflags(write=False)
    return found


def wanted(model: str) -> str:
    """Return the coefficients that a model takes, for messages."""
    if model == PANORAMA:
        return f'{model} takes none'
    if model in FISHEYE_MODELS:
        return f'{model} takes k1 k2 k3 k4'
    return (
        f'{model or "plumb_bob"} takes k1 k2 p1 p2, then k3, then k4 k5 k6 and so on: 4, 5, 8, 12 '
        'or 14 numbers'
    )


def listed_numbers(values: tuple[float, ...]) -> str:
    """Return coefficients as in a calibration, for messages."""
    return ' '.join(f'{value:g}' for value in values)
