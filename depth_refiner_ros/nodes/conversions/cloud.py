# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""PointCloud2 messages from packed points."""

from depth_refiner_ros.core.message_fields import cloud_fields, point_offsets
from depth_refiner_ros.nodes.conversions.headers import buffer_of, filled
import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header


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
