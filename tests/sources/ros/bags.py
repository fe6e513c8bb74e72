# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Write small bags for the tests."""

from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

STORE = get_typestore(Stores.ROS2_HUMBLE)
TYPES = STORE.types


FRAME = 'camera'


def header(stamp_ns: int, frame: str = FRAME):
    stamp = TYPES['builtin_interfaces/msg/Time'](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return TYPES['std_msgs/msg/Header'](stamp=stamp, frame_id=frame)


def image(
    stamp_ns: int, pixels: np.ndarray, encoding: str, *, padding: int = 0, big_endian: bool = False
):
    rows = pixels.astype(pixels.dtype.newbyteorder('>')) if big_endian else pixels
    row_bytes = rows[0].nbytes if len(rows) else 0
    rows = np.frombuffer(rows.tobytes(), np.uint8).reshape(pixels.shape[0], row_bytes)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return TYPES['sensor_msgs/msg/Image'](
        header=header(stamp_ns),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=rows.shape[1],
        data=rows.reshape(-1),
    )


def compressed(stamp_ns: int, data: bytes, form: str):
    return TYPES['sensor_msgs/msg/CompressedImage'](
        header=header(stamp_ns), format=form, data=np.frombuffer(data, dtype=np.uint8)
    )


def png(pixels: np.ndarray) -> bytes:
    return cv2.imencode('.png', pixels)[1].tobytes()


def camera_info(
    stamp_ns: int,
    width: int,
    height: int,
    k: tuple[float, float, float, float],
    *,
    d: tuple[float, ...] = (),
    p: tuple[float, float, float, float] | None = None,
    model: str = 'plumb_bob',
    binning: tuple[int, int] = (0, 0),
    roi: tuple[int, int, int, int] = (0, 0, 0, 0),
):
    """Return a CameraInfo; the region of interest is x, y, width, height."""
    fx, fy, cx, cy = k
    px, py, pcx, pcy = p or k
    x_offset, y_offset, roi_width, roi_height = roi
    region = TYPES['sensor_msgs/msg/RegionOfInterest'](
        x_offset=x_offset,
        y_offset=y_offset,
        height=roi_height,
        width=roi_width,
        do_rectify=bool(roi_width),
    )
    return TYPES['sensor_msgs/msg/CameraInfo'](
        header=header(stamp_ns),
        height=height,
        width=width,
        distortion_model=model,
        d=np.array(d, dtype=np.float64),
        k=np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1.0]),
        r=np.eye(3).reshape(-1),
        p=np.array([px, 0, pcx, 0, 0, py, pcy, 0, 0, 0, 1.0, 0]),
        binning_x=binning[0],
        binning_y=binning[1],
        roi=region,
    )


def pose(stamp_ns: int, x_m: float, quaternion=(0.0, 0.0, 0.0, 1.0)):
    return TYPES['geometry_msgs/msg/PoseStamped'](
        header=header(stamp_ns, 'map'), pose=_pose(x_m, quaternion)
    )


def odometry(stamp_ns: int, x_m: float, *, child: str = FRAME, quaternion=(0.0, 0.0, 0.0, 1.0)):
    zero = TYPES['geometry_msgs/msg/Vector3'](x=0.0, y=0.0, z=0.0)
    twist = TYPES['geometry_msgs/msg/Twist'](linear=zero, angular=zero)
    return TYPES['nav_msgs/msg/Odometry'](
        header=header(stamp_ns, 'odom'),
        child_frame_id=child,
        pose=TYPES['geometry_msgs/msg/PoseWithCovariance'](
            pose=_pose(x_m, quaternion), covariance=np.zeros(36)
        ),
        twist=TYPES['geometry_msgs/msg/TwistWithCovariance'](twist=twist, covariance=np.zeros(36)),
    )


def transform(stamp_ns: int, parent: str, child: str, xyz_m, quaternion=(0.0, 0.0, 0.0, 1.0)):
    x, y, z = xyz_m
    qx, qy, qz, qw = quaternion
    return TYPES['geometry_msgs/msg/TransformStamped'](
        header=header(stamp_ns, parent),
        child_frame_id=child,
        transform=TYPES['geometry_msgs/msg/Transform'](
            translation=TYPES['geometry_msgs/msg/Vector3'](x=x, y=y, z=z),
            rotation=TYPES['geometry_msgs/msg/Quaternion'](x=qx, y=qy, z=qz, w=qw),
        ),
    )


def transforms(*stamped):
    return TYPES['tf2_msgs/msg/TFMessage'](transforms=list(stamped))


def _pose(x_m, quaternion):
    x, y, z, w = quaternion
    return TYPES['geometry_msgs/msg/Pose'](
        position=TYPES['geometry_msgs/msg/Point'](x=x_m, y=0.0, z=0.0),
        orientation=TYPES['geometry_msgs/msg/Quaternion'](x=x, y=y, z=z, w=w),
    )


def write_bag(path: Path, messages, *, plugin: str = 'sqlite3', compressed: str = '') -> Path:
    """
    Write ``(topic, bag time in ns, message)`` in the order given.

    :param compressed: ``message``, ``file`` or, within an MCAP file, ``storage``
    """
    storage = StoragePlugin.MCAP if plugin == 'mcap' else StoragePlugin.SQLITE3
    writer = Writer(path, version=8, storage_plugin=storage)
    if compressed:
        writer.set_compression(CompressionMode[compressed.upper()], CompressionFormat.ZSTD)
    with writer:
        links = {}
        for topic, bag_ns, message in messages:
            kind = message.__msgtype__
            if topic not in links:
                links[topic] = writer.add_connection(topic, kind, typestore=STORE)
            writer.write(links[topic], bag_ns, STORE.serialize_cdr(message, kind))
    return path
