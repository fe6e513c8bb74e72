"""PointCloud2 messages from packed points."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.nodes.conversions.headers import buffer_of
import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

LAYOUTS = {'packed16': (16, 12), 'pcl32': (32, 16)}
"""Name to bytes per point and offset of the colour."""


def cloud_from_points(header: Header, cloud_hw4: np.ndarray, layout: str = 'packed16', *,
                      organized: bool = True) -> PointCloud2:
    """
    Give the message of an organised cloud.

    :param cloud_hw4: float32 x, y, z and the colour bytes B, G, R in place of a fourth float; NaN
        where there is no point
    :param layout: ``packed16`` or ``pcl32``, the padded layout of PCL's point types
    :param organized: keep rows and columns; otherwise points without depth are left out
    :raises InputError: where the layout is unknown
    """
    if layout not in LAYOUTS:
        raise InputError(f'point layout {layout!r} is unknown; use {" or ".join(LAYOUTS)}')
    if not organized:
        cloud_hw4 = cloud_hw4[np.isfinite(cloud_hw4[..., 2])][None]
    step, color_offset = LAYOUTS[layout]
    height, width = cloud_hw4.shape[:2]
    return PointCloud2(header=header, height=height, width=width, fields=_fields(color_offset),
                       is_bigendian=False, point_step=step, row_step=step * width,
                       is_dense=not organized, data=buffer_of(_packed(cloud_hw4, step)))


def _packed(cloud_hw4: np.ndarray, step: int) -> np.ndarray:
    if step == 16:
        packed = np.array(cloud_hw4, order='C')
        color_offset = 12
    else:
        packed = np.zeros((*cloud_hw4.shape[:2], step // 4), dtype=np.float32)
        packed[..., :3] = cloud_hw4[..., :3]
        packed.view(np.uint32)[..., 4] = np.ascontiguousarray(cloud_hw4).view(np.uint32)[..., 3]
        color_offset = 16
    # An opaque alpha byte makes half of all colours NaN when read as float32, and readers that
    # skip NaN in any field then lose those points.
    packed.view(np.uint8)[..., color_offset + 3] = 0
    return packed


def _fields(color_offset: int) -> list[PointField]:
    offsets = {'x': 0, 'y': 4, 'z': 8, 'rgb': color_offset}
    return [PointField(name=name, offset=offset, datatype=PointField.FLOAT32, count=1)
            for name, offset in offsets.items()]
