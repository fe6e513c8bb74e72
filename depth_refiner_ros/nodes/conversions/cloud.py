# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""PointCloud2 messages from points, and points from them."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.message_fields import cloud_fields, point_offsets
from depth_refiner_ros.nodes.conversions.headers import buffer_of, filled
import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

AXES = ['x', 'y', 'z']


def cloud_from_points(
    header: Header, cloud_hw4: np.ndarray, layout: str = 'packed16', *, organized: bool = True
) -> PointCloud2:
    """
    Return the message of an organised cloud; see :func:`cloud_fields` for the parameters.

    :raises InputError: if the layout is unknown
    """
    fields = cloud_fields(cloud_hw4, layout, organized=organized)
    buffer = buffer_of(fields.pop('data'))
    points = [
        PointField(name=name, offset=offset, datatype=PointField.FLOAT32, count=1)
        for name, offset in point_offsets(layout).items()
    ]
    return filled(PointCloud2(header=header, fields=points, **fields), buffer)


def points_from_cloud(cloud: PointCloud2) -> np.ndarray:
    """
    Return the points of a cloud, float32 ``points_N3`` row after row.

    :raises InputError: if it has no float32 x, y and z, or its data are shorter than it says
    """
    offsets = {
        field.name: field.offset
        for field in cloud.fields
        if field.name in AXES and field.datatype == PointField.FLOAT32
    }
    if set(offsets) != set(AXES) or max(offsets.values()) + 4 > cloud.point_step:
        raise InputError('the cloud has no float32 fields x, y and z within its points')
    size, width = cloud.row_step * cloud.height, cloud.point_step * cloud.width
    if width > cloud.row_step or len(cloud.data) < size:
        raise InputError(
            f'the cloud of {cloud.width}x{cloud.height} points of {cloud.point_step} bytes has '
            f'{len(cloud.data)} bytes in rows of {cloud.row_step}'
        )
    number = '>f4' if cloud.is_bigendian else '<f4'
    point = np.dtype(
        {
            'names': AXES,
            'formats': [number] * 3,
            'offsets': [offsets[axis] for axis in AXES],
            'itemsize': cloud.point_step,
        }
    )
    rows = np.frombuffer(cloud.data, np.uint8, size).reshape(cloud.height, cloud.row_step)
    points = np.ascontiguousarray(rows[:, :width]).reshape(-1).view(point)
    return np.stack([points[axis] for axis in AXES], axis=-1).astype(np.float32)


def cloud_of_distances(
    question: PointCloud2, points_m_N3: np.ndarray, distance_m_N: np.ndarray
) -> PointCloud2:
    """Return the points of a cloud with the float32 field ``distance``, NaN where unknown."""
    buffer = buffer_of(np.column_stack([points_m_N3, distance_m_N]).astype(np.float32))
    fields = [
        PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate((*AXES, 'distance'))
    ]
    answer = PointCloud2(
        header=question.header,
        height=question.height,
        width=question.width,
        fields=fields,
        point_step=16,
        row_step=16 * question.width,
    )
    return filled(answer, buffer)
