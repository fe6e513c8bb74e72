"""Camera models from CameraInfo fields, for messages of any library."""

from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.sources.rectify import Rectifier


def rectifier_from_info(info: Any, *, image_topic: str) -> Rectifier:
    """
    Return what turns the images of a topic into pinhole images.

    A driver's ``image_rect`` is described by P of its CameraInfo, ``image_raw`` by K and D. The
    rotation R of a stereo pair is left out: depth and pose belong to the camera's own axis.

    :param info: CameraInfo with fields k, d, p, distortion_model, width, height
    :param image_topic: the word ``rect`` in it says that the images are rectified
    :raises SourceError: where the calibration is missing or unknown
    """
    raw = _intrinsics(info, *(float(info.k[index]) for index in (0, 4, 2, 5)))
    projected = raw
    if float(info.p[0]) > 0:
        projected = _intrinsics(info, *(float(info.p[index]) for index in (0, 5, 2, 6)))
    if any('rect' in part for part in image_topic.split('/')):
        return Rectifier(projected, ())
    if not any(info.d):
        return Rectifier(raw, ())
    return Rectifier(
        raw, [float(value) for value in info.d], rectified=projected, model=info.distortion_model
    )


def _intrinsics(info: Any, fx: float, fy: float, cx: float, cy: float) -> Intrinsics:
    try:
        return Intrinsics(
            fx=fx, fy=fy, cx=cx, cy=cy, width=int(info.width), height=int(info.height)
        )
    except InputError as error:
        raise SourceError(f'camera_info is not calibrated: {error}') from error
