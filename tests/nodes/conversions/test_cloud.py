# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.nodes.conversions.cloud import (
    cloud_from_points,
    cloud_of_distances,
    points_from_cloud,
)
from depth_refiner_ros.nodes.conversions.headers import header_of
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2, PointField
import torch

from tests.nodes.node_graph import picture, slope

CAMERA = Intrinsics(fx=60.0, fy=62.0, cx=31.0, cy=23.5, width=64, height=48)
HEADER = header_of(3, 'optical')


def cloud(depth, rgb, layout='packed16', *, organized=True, stride=1):
    built = CloudBuilder(CAMERA, stride).build(torch.from_numpy(depth), torch.from_numpy(rgb))
    return cloud_from_points(HEADER, built.numpy(), layout, organized=organized)


def read_back(message):
    """Read points by the field table only, like a consumer."""
    offsets = {field.name: field.offset for field in message.fields}
    dtype = np.dtype(
        {
            'names': list(offsets),
            'formats': ['<f4', '<f4', '<f4', '<u4'],
            'offsets': list(offsets.values()),
            'itemsize': message.point_step,
        }
    )
    return np.frombuffer(message.data, dtype).reshape(message.height, message.width)


@pytest.mark.parametrize(('layout', 'step', 'offset'), [('packed16', 16, 12), ('pcl32', 32, 16)])
def test_points_and_colors_come_back(layout, step, offset):
    depth, rgb = slope(), picture()
    depth[5, 7] = np.nan
    message = cloud(depth, rgb, layout)
    assert (message.width, message.height, message.is_dense) == (64, 48, False)
    assert (message.point_step, message.row_step) == (step, step * 64)
    assert message.fields[3].offset == offset
    assert len(message.data) == step * 64 * 48
    points = read_back(message)
    rows, columns = np.mgrid[:48, :64]
    np.testing.assert_allclose(points['x'], depth * (columns - 31.0) / 60.0, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(points['y'], depth * (rows - 23.5) / 62.0, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(points['z'], depth)
    assert np.isnan([points['x'][5, 7], points['y'][5, 7]]).all()
    red, green, blue = (rgb[..., channel].astype(np.uint32) for channel in range(3))
    np.testing.assert_array_equal(points['rgb'], red << 16 | green << 8 | blue)


def test_no_color_is_nan_for_readers_that_skip_nan_in_any_field():
    message = cloud(slope(), np.full((48, 64, 3), 255, np.uint8))
    colors = np.frombuffer(message.data, np.float32).reshape(-1, 4)[:, 3]
    assert np.isfinite(colors).all()


def test_compact_clouds_hold_known_points_only():
    depth, rgb = slope(), picture()
    depth[:, ::2] = np.nan
    message = cloud(depth, rgb, organized=False)
    assert (message.height, message.width, message.is_dense) == (1, 48 * 32, True)
    np.testing.assert_array_equal(read_back(message)['z'][0], depth[:, 1::2].ravel())


def test_a_cloud_without_any_point_is_empty():
    message = cloud(np.full((48, 64), np.nan, np.float32), picture(), organized=False)
    assert (message.height, message.width, len(message.data)) == (1, 0, 0)


def test_stride_keeps_every_third_pixel():
    depth, rgb = slope(), picture()
    message = cloud(depth, rgb, stride=3)
    assert (message.width, message.height) == (22, 16)
    np.testing.assert_array_equal(read_back(message)['z'], depth[::3, ::3])


def test_the_message_does_not_change_with_the_next_frame():
    builder = CloudBuilder(CAMERA)
    rgb = torch.from_numpy(picture())
    first = cloud_from_points(HEADER, builder.build(torch.from_numpy(slope()), rgb).numpy())
    before = first.data.tobytes()
    builder.build(torch.from_numpy(slope() + 1), rgb)
    assert first.data.tobytes() == before


def test_unknown_layout_is_refused():
    with pytest.raises(InputError, match="'xyz' is unknown; use packed16 or pcl32"):
        cloud_from_points(HEADER, np.zeros((1, 1, 4), np.float32), 'xyz')


def cloud_of(points_N3):
    header = header_of(7, 'map')
    question = PointCloud2(header=header, height=1, width=len(points_N3))
    return cloud_of_distances(question, points_N3, np.arange(len(points_N3)))


def test_points_and_their_distances_come_back():
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    message = cloud_of(points)
    assert [field.name for field in message.fields] == ['x', 'y', 'z', 'distance']
    np.testing.assert_array_equal(points_from_cloud(message), points)
    values = np.frombuffer(message.data, np.float32).reshape(5, 4)
    np.testing.assert_array_equal(values[:, 3], np.arange(5))
    assert (message.point_step, message.row_step, message.header.frame_id) == (16, 80, 'map')


def test_points_of_other_layouts_are_read():
    points = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    rows = np.zeros((2, 100), np.uint8)  # 3 points of 32 bytes, and 4 bytes of padding
    values = rows[:, :96].reshape(2, 3, 32)
    for axis, offset in enumerate((8, 20, 4)):
        values[..., offset : offset + 4] = (
            points[:, axis].astype('>f4').view(np.uint8).reshape(2, 3, 4)
        )
    message = PointCloud2(
        height=2,
        width=3,
        point_step=32,
        row_step=100,
        is_bigendian=True,
        data=rows.tobytes(),
        fields=[
            PointField(name=name, offset=offset, datatype=PointField.FLOAT32, count=1)
            for name, offset in zip('xyz', (8, 20, 4))
        ],
    )
    np.testing.assert_array_equal(points_from_cloud(message), points)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'data': b'\0' * 15}, 'of 1x1 points of 16 bytes has 15 bytes in rows of 16'),
        ({'row_step': 8}, 'has 16 bytes in rows of 8'),
        ({'fields': []}, 'no float32 fields x, y and z'),
        ({'point_step': 8}, 'no float32 fields x, y and z within its points'),
    ],
)
def test_broken_clouds_are_refused_by_name(change, words):
    message = cloud_of(np.zeros((1, 3), np.float32))
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(InputError, match=words):
        points_from_cloud(message)
