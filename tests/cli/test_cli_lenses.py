# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine`` on images of a fisheye lens as they are: files, points, and a copy of a bag."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.mapping.ply_format import VERTEX
import numpy as np

from tests.bags import mixed_bags
from tests.bags.mixed_bags import STORE
from tests.cli.recordings import PLAIN, wall, WALL_M
from tests.sources.ros import bags

MATRIX = Intrinsics(fx=20.0, fy=20.5, cx=31.0, cy=23.0, width=64, height=48)
K4 = (0.01, -0.003, 0.0004, -0.0001)
LENS = Lens(model='equidistant', matrix=MATRIX, coefficients=K4, view=MATRIX)
KEPT = (*PLAIN, 'sensor', '--rectify', 'never')
NS = 1_000_000_000


def test_files_hold_distance_along_rays_and_points_those_of_the_wall(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 1)
    (tmp_path / 'wall' / 'calibration.yaml').write_text(
        'width: 64\nheight: 48\nfx: 20.0\nfy: 20.5\ncx: 31.0\ncy: 23.0\n'
        f'distortion_model: equidistant\ndistortion: {list(K4)}\n'
    )
    ended = depth_refiner('refine', 'wall', *KEPT, '--ply', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    (file,) = (tmp_path / 'out' / 'wall').glob('*.npy')
    ahead_HW = LENS.rays()[2]
    wanted_m_HW = np.where(ahead_HW > 0.02, WALL_M / ahead_HW, np.nan)
    wanted_m_HW[:4] = np.nan
    np.testing.assert_allclose(np.load(file), wanted_m_HW, rtol=1e-6)
    start, data = file.with_suffix('.ply').read_bytes().split(b'end_header\n')
    points = np.frombuffer(data, VERTEX)
    assert f'element vertex {len(points)}\n'.encode() in start
    assert len(points) == np.isfinite(wanted_m_HW).sum()
    np.testing.assert_allclose(points['position'][:, 2], WALL_M, rtol=1e-6)
    assert np.ptp(points['color'].astype(float)) > 50.0


def test_a_copy_of_a_bag_has_the_view_as_depth_and_all_points(depth_refiner, tmp_path):
    rgb_HW3 = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    info = bags.camera_info(
        NS, 64, 48, (20.0, 20.5, 31.0, 23.0), d=K4, model='equidistant', p=(30.0, 30.0, 31.5, 23.5)
    )
    depth = np.full((48, 64), 1000, np.uint16)
    bags.write_bag(
        tmp_path / 'drive',
        [
            ('/cam/image_raw', NS, bags.image(NS, rgb_HW3, 'rgb8')),
            ('/cam/depth', NS, bags.image(NS, depth, '16UC1')),
            ('/cam/camera_info', NS, info),
        ],
    )
    whole = ('--no-edge-filter-enable', '--bag')  # ranges grow steeply far off the axis
    ended = depth_refiner('refine', 'drive', *KEPT, *whole, '--out', 'refined')
    assert ended.returncode == 0, ended.stderr
    links, found = mixed_bags.added(tmp_path / 'refined', tmp_path / 'drive')
    read = {topic: STORE.deserialize_cdr(data, links[topic][0]) for topic, _, data in found}
    depth, info, points = (
        read[f'/cam/refined/{name}'] for name in ('depth/image', 'depth/camera_info', 'points')
    )
    assert (info.k[0], info.distortion_model) == (30.0, 'plumb_bob')
    np.testing.assert_allclose(depth.data.view(np.float32), 1.0, rtol=1e-6)
    points_m_HW3 = points.data.view(np.float32).reshape(48, 64, 4)[..., :3]
    known_HW = np.isfinite(points_m_HW3[..., 2])
    np.testing.assert_array_equal(known_HW, LENS.rays()[2] > 0.02)
    np.testing.assert_allclose(points_m_HW3[known_HW][:, 2], 1.0, rtol=1e-6)
    assert np.abs(points_m_HW3[known_HW]).max() > 5.0, 'far to the sides'


def test_a_prior_without_lenses_is_refused_by_name(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 1)
    ended = depth_refiner('refine', 'wall', '--rectify', 'never', '--out', 'out')
    assert ended.returncode == 2
    assert 'prior bundled takes rectified images only; use unik3d, sensor, smeared' in ended.stderr
