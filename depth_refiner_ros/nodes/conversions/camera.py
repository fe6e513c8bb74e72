# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera models as CameraInfo messages; ``sources/ros/camera.py`` reads them."""

from depth_refiner_ros.core.camera import Intrinsics
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header


def info_from_intrinsics(header: Header, camera: Intrinsics) -> CameraInfo:
    """Return the message for a rectified image: no distortion, no binning, equal K and P."""
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
