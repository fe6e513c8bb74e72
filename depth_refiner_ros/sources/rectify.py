# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Remove lens distortion from recorded images, so that every frame is a pinhole image.

Images for priors that take the rays of a lens are kept, and their depth is rectified.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
import math

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.core.lens import (
    Camera,
    FISHEYE_MODELS,
    Lens,
    listed_numbers,
    PANORAMA,
    wanted,
)
import numpy as np

LEAST_AHEAD = 0.02
"""Cosine of the angle off the axis, 89 degrees, beyond which depth along the axis says nothing."""
Keep = Callable[[Lens], bool]
"""Whether images of a lens are to be kept as they are."""


def none_kept(lens: Lens) -> bool:
    """Return False: images of all lenses are rectified."""
    return False


LEAST_RIGHT, MOST_FOLDED = 0.2, 0.3
"""
Shares of an undistorted image: right at least, and mirrored at most of what is not empty.

Calibrated lenses leave more than 0.9 and less than 0.01; wrong values of all kinds tried, such as
1000, -50 or two swapped coefficients of freiburg1, break one of these limits.
"""


def camera_of(
    matrix: Intrinsics,
    distortion: Sequence[float],
    *,
    model: str = 'plumb_bob',
    view: Intrinsics | None = None,
) -> Camera:
    """
    Return the camera of a calibration, as ROS reads it: coefficients of 0 are no distortion.

    :param matrix: camera model of the images as they are
    :param distortion: coefficients k1 k2 p1 p2 k3 ... (OpenCV), or k1 to k4 of a fisheye lens
    :param model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``
    :param view: pinhole camera to rectify images to, ``matrix`` by default
    :raises SourceError: if the model is unknown, or does not fit the coefficients
    """
    coefficients = tuple(float(value) for value in distortion)
    if not np.isfinite(coefficients).all():
        raise SourceError(f'distortion {list(distortion)} holds a value that is not a number')
    if not any(coefficients):
        return matrix
    if model in FISHEYE_MODELS and len(coefficients) > 4 and not any(coefficients[4:]):
        coefficients = coefficients[:4]
    try:
        return Lens(model=model, matrix=matrix, coefficients=coefficients, view=view or matrix)
    except InputError as error:
        raise SourceError(str(error)) from error


class Rectifier:
    """
    Remaps images of a lens to a pinhole camera, or leaves them as they are.

    :param camera: of the images; those of a pinhole camera stay as they are
    :param keep: for which lenses to leave images as they are, too
    :raises SourceError: if rectified images would be mostly empty or folded
    """

    def __init__(self, camera: Camera, keep: Keep = none_kept) -> None:
        self.camera = camera
        """Camera of the images as they come."""
        self.lens: Lens | None = None
        """Camera of images that are kept as they are, None if they are those of a pinhole."""
        self.intrinsics: Intrinsics = camera.view if isinstance(camera, Lens) else camera
        """Pinhole camera of rectified images."""
        self.seen_HW: np.ndarray | None = None
        """Bool, which pixels of rectified images the camera saw; None if all."""
        self._maps = None
        if isinstance(camera, Lens) and keep(camera):
            self.lens = camera
        elif isinstance(camera, Lens):
            self._maps = _maps(camera)
            if camera.coefficients:
                _check_image_left(self._maps, camera)
            everywhere_HW = np.ones((camera.height, camera.width), np.float32)
            seen_HW = np.isfinite(self.depth(everywhere_HW))
            self.seen_HW = None if seen_HW.all() else seen_HW

    @property
    def pinhole(self) -> Intrinsics | None:
        """Return the pinhole camera of the images that it returns, None if it keeps them."""
        return self.intrinsics if self.lens is None else None

    def rgb(self, rgb_HW3: np.ndarray) -> np.ndarray:
        """Rectify a color image; pixels from outside the image are black, see :attr:`seen_HW`."""
        if self._maps is None:
            return rgb_HW3
        return cv2.remap(rgb_HW3, *self._maps, cv2.INTER_LINEAR)

    def depth(self, depth_m_HW: np.ndarray) -> np.ndarray:
        """
        Return depth along the optical axis by nearest neighbour, NaN from outside the image.

        For images that are kept it becomes the distance along the rays of the lens.
        """
        if self.lens is not None:
            ahead_HW = self.lens.rays()[2]
            with np.errstate(invalid='ignore', divide='ignore'):
                distance_m_HW = depth_m_HW / ahead_HW
            return np.where(ahead_HW > LEAST_AHEAD, distance_m_HW, np.float32(np.nan))
        if self._maps is None:
            return depth_m_HW
        return cv2.remap(
            depth_m_HW,
            *self._maps,
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=float('nan'),
        )


class PinholeView:
    """
    What the pinhole camera of a lens shows of refined images, for all that takes depth along Z.

    :param camera: of the images; those of a pinhole camera are shown as they are
    """

    def __init__(self, camera: Camera) -> None:
        self._rectifier = Rectifier(camera)
        self._ahead_HW = camera.rays()[2] if isinstance(camera, Lens) else None
        self.camera = self._rectifier.intrinsics
        self.rgb = self._rectifier.rgb

    def depth(self, depth_m_HW: np.ndarray, unknown_m: float = math.nan) -> np.ndarray:
        """
        Return depth along the optical axis of the view, from that along the camera's rays.

        :param unknown_m: stands in the depth, and is to stand in the view, where nothing is known
        """
        if self._ahead_HW is None:
            return depth_m_HW
        with np.errstate(invalid='ignore'):
            along_axis_m_HW = depth_m_HW * self._ahead_HW
        along_axis_m_HW[~(self._ahead_HW > 0.0)] = np.nan
        shown_m_HW = self._rectifier.depth(along_axis_m_HW)
        shown_m_HW[np.isnan(shown_m_HW)] = unknown_m
        return shown_m_HW

    def confidence(self, confidence_HW: np.ndarray) -> np.ndarray:
        """Return the confidence of the view, 0 where the camera shows nothing."""
        if self._ahead_HW is None:
            return confidence_HW
        return np.nan_to_num(self._rectifier.depth(confidence_HW), copy=False, nan=0.0)


@lru_cache(maxsize=4)
def view_of(camera: Camera) -> PinholeView:
    """Return the view of a camera, kept for the last ones."""
    return PinholeView(camera)


def _maps(lens: Lens) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pixels of the view lie in the image, columns and rows as float32."""
    size = (lens.view.width, lens.view.height)
    if lens.model == PANORAMA:
        rays_2HW = lens.view.rays().numpy()
        rays_3HW = np.concatenate((rays_2HW, np.ones_like(rays_2HW[:1])))
        places = lens.project(rays_3HW.reshape(3, -1).T).astype(np.float32)
        return places[:, 0].reshape(size[::-1]), places[:, 1].reshape(size[::-1])
    of_model = cv2.fisheye if lens.model in FISHEYE_MODELS else cv2
    return of_model.initUndistortRectifyMap(
        lens.matrix.matrix(),
        np.array(lens.coefficients),
        np.eye(3),
        lens.view.matrix(),
        size,
        cv2.CV_32FC1,
    )


def _check_image_left(maps: tuple[np.ndarray, np.ndarray], lens: Lens) -> None:
    """
    Raise if undistorted images would be mostly empty or folded, as with a wrong order of values.

    A lens maps neighbours to neighbours. Where a polynomial turns back, the image is mirrored.
    """
    x_HW, y_HW = (map_HW.astype(np.float64) for map_HW in maps)
    inside_HW = (x_HW >= 0) & (x_HW <= lens.width - 1) & (y_HW >= 0) & (y_HW <= lens.height - 1)
    folded_HW = np.zeros_like(inside_HW)
    if min(x_HW.shape) > 1:
        with np.errstate(all='ignore'):
            (x_down, x_right), (y_down, y_right) = np.gradient(x_HW), np.gradient(y_HW)
            folded_HW = inside_HW & ~(x_right * y_down - x_down * y_right > 0)
    right, folded = (inside_HW & ~folded_HW).mean(), folded_HW.sum() / max(1, inside_HW.sum())
    if right >= LEAST_RIGHT and folded <= MOST_FOLDED:
        return
    raise SourceError(
        f'distortion {listed_numbers(lens.coefficients)} leaves {right:.0%} of the image right, '
        f'the rest empty or mirrored; check values and order: {wanted(lens.model)}'
    )
