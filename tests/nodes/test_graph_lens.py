# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The refiner as a process on images of a fisheye lens that are not rectified."""

import signal

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.sources.rectify import Rectifier
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from tests.nodes.node_graph import camera_of, picture, Probe
from tests.nodes.test_graph_refiner import Bench, floats, PARAMETERS

pytestmark = pytest.mark.slow
MATRIX = Intrinsics(fx=30.0, fy=30.5, cx=47.0, cy=31.0, width=96, height=64)
K4 = (0.01, -0.003, 0.0004, -0.0001)
LENS = Lens(model='equidistant', matrix=MATRIX, coefficients=K4, view=MATRIX)
OUTPUTS = {
    'depth/image': Image,
    'depth/camera_info': CameraInfo,
    'depth/confidence': Image,
    'range/image': Image,
    'points': PointCloud2,
    'color/image': Image,
}


def test_nothing_is_published_where_a_rectified_image_shows_nothing():
    matrix, k = Intrinsics.from_fov(96, 64, 90.0), (0.3, 0.0, 0.0, 0.0, 0.0)
    info = info_from_intrinsics(header_of(0, ''), matrix)
    info.distortion_model, info.d = 'plumb_bob', list(k)
    bent = Lens(model='plumb_bob', matrix=matrix, coefficients=k, view=matrix)
    seen_HW = Rectifier(bent).seen_HW
    assert 0.2 < seen_HW.mean() < 0.9
    with (
        Probe() as probe,
        probe.run('refiner', {**PARAMETERS, 'prior': 'smeared', 'fill_holes': True}) as refiner,
    ):
        topics = {topic: kind for topic, kind in OUTPUTS.items() if topic != 'range/image'}
        bench = Bench(probe, refiner, topics)
        depth_m = np.ones((64, 96), np.float32)
        stamp_ns = bench.send(info=info, depth_m=depth_m, rgb=picture(96, 64))
        found = {topic: bench.output(topic, stamp_ns) for topic in topics}
        assert refiner.stop(signal.SIGTERM) == 0, refiner.output
    assert not np.isfinite(floats(found['depth/image'])[~seen_HW]).any()
    assert not floats(found['depth/confidence'])[~seen_HW].any()
    points = np.frombuffer(found['points'].data, np.float32).reshape(64, 96, 4)
    assert not np.isfinite(points[~seen_HW][:, :3]).any()
    assert np.isfinite(points[seen_HW][:, 2]).mean() > 0.5


def test_range_is_of_all_and_depth_of_the_pinhole_view():
    info = info_from_intrinsics(header_of(0, ''), MATRIX)
    info.distortion_model, info.d = 'equidistant', list(K4)
    rgb, depth = picture(96, 64), np.ones((64, 96), np.float32)
    # Ranges grow steeply far off the axis.
    parameters = {**PARAMETERS, 'rectify': 'never', 'edge_filter.enable': False}
    with Probe() as probe, probe.run('refiner', parameters) as refiner:
        bench = Bench(probe, refiner, OUTPUTS)
        stamp_ns = bench.send(info=info, depth_m=depth, rgb=rgb)
        found = {topic: bench.output(topic, stamp_ns) for topic in OUTPUTS}
        assert refiner.stop(signal.SIGTERM) == 0, refiner.output
    ahead_HW = LENS.rays()[2]
    range_m_HW = np.where(ahead_HW > 0.02, 1.0 / ahead_HW, np.nan)
    np.testing.assert_allclose(floats(found['range/image']), range_m_HW, rtol=1e-6)
    assert camera_of(found['depth/camera_info']) == MATRIX
    np.testing.assert_allclose(floats(found['depth/image']), 1.0, rtol=1e-6)
    assert (floats(found['depth/confidence']) > 0.5).all()
    assert bytes(found['color/image'].data) != rgb.tobytes(), 'that of the view'
    points = np.frombuffer(found['points'].data, np.float32).reshape(64, 96, 4)
    known_HW = np.isfinite(points[..., 2])
    np.testing.assert_array_equal(known_HW, np.isfinite(range_m_HW))
    np.testing.assert_allclose(points[known_HW][:, 2], 1.0, rtol=1e-5)
    assert 'deg across (equidistant); using them as they are' in refiner.output
