# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera models as CameraInfo messages; ``sources/ros/camera.py`` reads them."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.message_fields import camera_fields
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header


def info_from_intrinsics(header: Header, camera: Intrinsics) -> CameraInfo:
    """Return the message for a rectified image: no distortion, no binning, equal K and P."""
    return CameraInfo(header=header, **camera_fields(camera))
