"""CameraInfo to the intrinsics of the image at hand, and back."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header


def intrinsics_from_info(info: CameraInfo) -> Intrinsics:
    """
    Return the camera of the rectified image that comes with this message.

    Calibration is at full resolution; region of interest (in full pixels) and binning are applied
    on top of it (REP-104). A rectified image follows P; where P is not filled in, K.

    :raises InputError: where the camera is not calibrated or the sizes are impossible
    """
    matrix = _filled(info)
    full = Intrinsics(
        fx=matrix[0],
        fy=matrix[1],
        cx=matrix[2],
        cy=matrix[3],
        width=info.width,
        height=info.height,
    )
    roi = info.roi
    if roi.width and roi.height:
        full = full.cropped(roi.x_offset, roi.y_offset, roi.width, roi.height)
    return full.binned(info.binning_x, info.binning_y)


def intrinsics_of_image(info: CameraInfo, width: int, height: int) -> Intrinsics:
    """
    Return the camera of an image of this size.

    :raises InputError: as :func:`intrinsics_from_info`, and where the image is of another size
    """
    camera = intrinsics_from_info(info)
    if (camera.width, camera.height) != (width, height):
        raise InputError(
            f'the image is {width}x{height} but camera_info describes '
            f'{camera.width}x{camera.height}; remap camera_info to the one of this '
            'image'
        )
    return camera


def is_distorted(info: CameraInfo) -> bool:
    """Return whether the lens model bends straight lines; images must come rectified."""
    return any(coefficient != 0.0 for coefficient in info.d)


def info_from_intrinsics(header: Header, camera: Intrinsics) -> CameraInfo:
    """Return the message of a rectified image: no distortion, no binning, K and P alike."""
    k = [camera.fx, 0.0, camera.cx, 0.0, camera.fy, camera.cy, 0.0, 0.0, 1.0]
    p = [camera.fx, 0.0, camera.cx, 0.0, 0.0, camera.fy, camera.cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return CameraInfo(
        header=header,
        width=camera.width,
        height=camera.height,
        k=k,
        p=p,
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        distortion_model='plumb_bob',
        d=[0.0] * 5,
    )


def _filled(info: CameraInfo) -> tuple[float, float, float, float]:
    """Return fx, fy, cx, cy of P, or of K where P is not filled in."""
    k, p = info.k, info.p
    if not k[0] > 0.0:
        raise InputError(
            f'camera_info: K[0] = {k[0]:g}, so the camera is not calibrated; '
            'calibrate it and publish K'
        )
    if p[0] > 0.0:
        return float(p[0]), float(p[5]), float(p[2]), float(p[6])
    return float(k[0]), float(k[4]), float(k[2]), float(k[5])
