# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses as messages."""

from depth_refiner_ros.mapping.poses import quaternion_xyzw
from geometry_msgs.msg import Point, Pose, Quaternion, Transform, Vector3
import numpy as np


def pose_message(map_from_camera: np.ndarray) -> Pose:
    """Return a 4 x 4 pose as a message."""
    x, y, z = (float(value) for value in map_from_camera[:3, 3])
    return Pose(position=Point(x=x, y=y, z=z), orientation=_turn(map_from_camera))


def transform_message(map_from_camera: np.ndarray) -> Transform:
    """Return a 4 x 4 pose as a transform, which carries points from the camera to the map."""
    x, y, z = (float(value) for value in map_from_camera[:3, 3])
    return Transform(translation=Vector3(x=x, y=y, z=z), rotation=_turn(map_from_camera))


def _turn(map_from_camera: np.ndarray) -> Quaternion:
    x, y, z, w = (float(value) for value in quaternion_xyzw(map_from_camera))
    return Quaternion(x=x, y=y, z=z, w=w)
