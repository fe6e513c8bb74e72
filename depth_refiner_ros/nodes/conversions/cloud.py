# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""PointCloud2 messages from packed points."""

import array

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.nodes.conversions.headers import buffer_of, filled
import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

LAYOUTS = {'packed16': (16, 12), 'pcl32': (32, 16)}
"""Name to bytes per point and offset of the color."""


def cloud_from_points(
    header: Header, cloud_hw4: np.ndarray, layout: str = 'packed16', *, organized: bool = True
) -> PointCloud2:
    """
    Return the message of an organised cloud.

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
    step, color_offset = LAYOUTS[layout]
    buffer = buffer_of(cloud_hw4) if layout == 'packed16' else _pcl32(cloud_hw4)
    return filled(
        PointCloud2(
            header=header,
            height=height,
            width=width,
            fields=_fields(color_offset),
            is_bigendian=False,
            point_step=step,
            row_step=step * width,
            is_dense=not organized,
        ),
        buffer,
    )


def _pcl32(cloud_hw4: np.ndarray) -> array.array:
    points_N4 = np.ascontiguousarray(cloud_hw4).reshape(-1, 4)
    buffer = array.array('B', [0]) * (32 * len(points_N4))
    words_N8 = np.frombuffer(buffer, np.uint32).reshape(-1, 8)
    np.frombuffer(buffer, 'V16').reshape(-1, 2)[:, :1] = points_N4.view('V16')
    words_N8[:, 4] = words_N8[:, 3]
    words_N8[:, 3] = 0
    return buffer


def _fields(color_offset: int) -> list[PointField]:
    offsets = {'x': 0, 'y': 4, 'z': 8, 'rgb': color_offset}
    return [
        PointField(name=name, offset=offset, datatype=PointField.FLOAT32, count=1)
        for name, offset in offsets.items()
    ]
