# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Camera models from CameraInfo messages of any library, shared by bags and live topics.

CameraInfo describes the sensor at full resolution. Region of interest (in full pixels) and binning
are applied after that (REP-104), and the image size shows whether the driver applied them.
"""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.core.lens import Camera, Lens, PANORAMA
from depth_refiner_ros.sources.rectify import camera_of, Keep, none_kept, Rectifier
from depth_refiner_ros.sources.ros.topic_names import base_name

K_INDICES, P_INDICES = (0, 4, 2, 5), (0, 5, 2, 6)
"""Positions of fx, fy, cx and cy in K and P."""
UNCALIBRATED = 'camera_info has K = 0, so the camera is not calibrated; calibrate it and publish K'


class CameraReader:
    """
    Finds the camera of the images of one topic, and undistorts raw images.

    A topic whose last name part is ``image_rect`` or begins with ``image_rect_`` carries rectified
    images, which P describes. All others are raw: K and D describe them, and if D is not zero
    they are mapped to the pinhole camera P. The rotation R of a stereo pair is not applied,
    because depth and pose are relative to the camera's own axes. The model ``equirectangular`` is
    a panorama of the whole sphere, which K and P do not describe.

    :param image_topic: name of the topic, with or without the suffix of its transport
    :param log: called with one line when images turn out to be distorted
    :param keep: for which lenses images are kept as they are
    """

    def __init__(
        self,
        image_topic: str,
        log: Callable[[str], None] = lambda line: None,
        keep: Keep = none_kept,
    ) -> None:
        self._topic, self._log, self._keep = image_topic, log, keep
        self._rectified = is_rectified(image_topic)
        self._key: tuple[Any, ...] | None = None
        self._rectifier: Rectifier | None = None

    def rectifier(self, info: Any, width: int, height: int) -> Rectifier | None:
        """
        Return the rectifier that turns images of this size into pinhole images.

        The undistortion maps are kept until the calibration changes.

        :param info: CameraInfo with all its fields
        :return: None if the camera is not calibrated (K and P are zero)
        :raises InputError: if the calibration cannot be used or is for another image size
        """
        key = _calibration(info), width, height
        if key != self._key:
            self._rectifier = self._new_rectifier(info, width, height)
            self._key = key
        return self._rectifier

    def _new_rectifier(self, info: Any, width: int, height: int) -> Rectifier | None:
        try:
            camera = self._found(info, width, height)
            rectifier = None if camera is None else Rectifier(camera, self._keep)
        except SourceError as error:
            raise InputError(f'camera_info: {error}') from error
        if rectifier is not None and isinstance(camera, Lens):
            what = 'distorted' if not camera.is_wide else f'{camera.fov_deg:.0f} deg across'
            done = 'undistorting them' if rectifier.lens is None else 'using them as they are'
            self._log(
                f'images of {self._topic} are {what} ({camera.model or "plumb_bob"}); {done}'
            )
        return rectifier

    def _found(self, info: Any, width: int, height: int) -> Camera | None:
        if info.distortion_model == PANORAMA and not self._rectified:
            return Lens.panorama(width, height)
        projected = _camera(info, 'P', width, height)
        raw = projected if self._rectified else None
        raw = raw or _camera(info, 'K', width, height) or projected
        if raw is None or self._rectified:
            return raw
        return camera_of(raw, info.d, model=info.distortion_model, view=projected)


def is_rectified(image_topic: str) -> bool:
    """Whether the last part of a topic's name announces rectified images."""
    name = base_name(image_topic)
    return name == 'image_rect' or name.startswith('image_rect_')


def _calibration(info: Any) -> tuple[Any, ...]:
    """Return the fields that a camera model depends on, to see whether they changed."""
    roi = info.roi
    return (
        (info.width, info.height, info.distortion_model, info.binning_x, info.binning_y),
        (roi.x_offset, roi.y_offset, roi.width, roi.height),
        tuple(info.k),
        tuple(info.d),
        tuple(info.p),
    )


def _camera(info: Any, name: str, width: int, height: int) -> Intrinsics | None:
    """
    Return the pinhole camera that K or P describes.

    :param name: ``K`` or ``P``
    :return: None if the matrix is not filled in
    """
    matrix, indices = (info.k, K_INDICES) if name == 'K' else (info.p, P_INDICES)
    fx, fy, cx, cy = (float(matrix[index]) for index in indices)
    if fx == 0.0 and fy == 0.0:
        return None
    try:
        full = Intrinsics(
            fx=fx, fy=fy, cx=cx, cy=cy, width=int(info.width), height=int(info.height)
        )
    except InputError as error:
        raise InputError(f'camera_info, matrix {name}: {error}') from error
    return _as_delivered(full, info, width, height)


def _as_delivered(full: Intrinsics, info: Any, width: int, height: int) -> Intrinsics:
    """Apply region of interest and binning where the size of the image shows that they apply."""
    roi = info.roi
    delivered = full
    if roi.width and roi.height:
        delivered = full.cropped(roi.x_offset, roi.y_offset, roi.width, roi.height)
    delivered = delivered.binned(info.binning_x, info.binning_y)
    if (delivered.width, delivered.height) == (width, height):
        return delivered
    if (full.width, full.height) == (width, height):
        return full  # the calibration is for the image as received
    raise InputError(
        f'the image is {width}x{height} but camera_info describes '
        f'{delivered.width}x{delivered.height}; choose the camera_info of this image '
        '(info_topic of a recording; remap camera_info for a node)'
    )
