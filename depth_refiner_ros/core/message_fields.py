# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The fields of ROS messages made of depth, cameras and points, without the header.

The nodes fill the messages of rclpy with them and a bag those of ``rosbags``, so that a depth map
is the same bytes live and in a recording.
"""

from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
import numpy as np

LAYOUTS = {'packed16': (16, 12), 'pcl32': (32, 16)}
"""Name to bytes per point and offset of the color."""
RECTIFIED = 'plumb_bob'


def depth_fields(depth_m_HW: np.ndarray) -> dict[str, Any]:
    """Return the fields of a 32FC1 Image in metres (REP-118); ``data`` is uint8."""
    height, width = depth_m_HW.shape
    return {
        'height': height,
        'width': width,
        'encoding': '32FC1',
        'is_bigendian': 0,
        'step': 4 * width,
        'data': as_bytes(depth_m_HW.astype(np.float32, copy=False)),
    }


def camera_fields(camera: Intrinsics) -> dict[str, Any]:
    """
    Return the fields of the CameraInfo of a rectified image: no distortion, equal K and P.

    Binning and region of interest are left at their defaults, which apply neither.
    """
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return {
        'height': camera.height,
        'width': camera.width,
        'distortion_model': RECTIFIED,
        'd': [0.0] * 5,
        'k': [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        'r': [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        'p': [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    }


def cloud_fields(
    cloud_hw4: np.ndarray, layout: str = 'packed16', *, organized: bool = True
) -> dict[str, Any]:
    """
    Return the fields of a PointCloud2 but ``fields``, see :func:`point_offsets`.

    :param cloud_hw4: float32 x, y, z and the color bytes B, G, R, 0 in place of a fourth float;
        NaN where there is no point
    :param layout: ``packed16`` or ``pcl32``, the padded layout of PCL's point types
    :param organized: keep rows and columns; otherwise points without depth are left out
    :raises InputError: if the layout is unknown
    """
    if layout not in LAYOUTS:
        raise InputError(f'point layout {shown(layout)} is unknown; use {" or ".join(LAYOUTS)}')
    if not organized:
        cloud_hw4 = cloud_hw4[np.isfinite(cloud_hw4[..., 2])][None]
    height, width = cloud_hw4.shape[:2]
    step, _ = LAYOUTS[layout]
    return {
        'height': height,
        'width': width,
        'is_bigendian': False,
        'point_step': step,
        'row_step': step * width,
        'data': as_bytes(cloud_hw4) if layout == 'packed16' else _pcl32(cloud_hw4),
        'is_dense': not organized,
    }


def point_offsets(layout: str) -> dict[str, int]:
    """Return the names of a point's float32 fields and their offsets in bytes."""
    return {'x': 0, 'y': 4, 'z': 8, 'rgb': LAYOUTS[layout][1]}


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Return the bytes of an array as flat uint8, without a copy if it is contiguous."""
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)


def _pcl32(cloud_hw4: np.ndarray) -> np.ndarray:
    points_N4 = np.ascontiguousarray(cloud_hw4).reshape(-1, 4)
    words_N8 = np.zeros((len(points_N4), 8), np.uint32)
    words_N8.view('V16')[:, :1] = points_N4.view('V16')
    words_N8[:, 4] = words_N8[:, 3]
    words_N8[:, 3] = 0
    return as_bytes(words_N8)
