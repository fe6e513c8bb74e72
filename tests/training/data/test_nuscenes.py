# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import os

from depth_refiner_ros.backends.engine_cache import default_folder
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
from training.data.readers.nuscenes import open_set, projected

FRONT, BACK = (f'samples/CAM_{name}/a.jpg' for name in ('FRONT', 'BACK'))


def sample_of(samples, name):
    (found,) = [samples[i] for i in range(len(samples)) if samples.items[i][0] == name]
    return found


def test_points_of_the_lidar_are_seen_by_the_camera(open_tree, names_of):
    samples = open_tree('nuscenes')
    assert sorted(names_of(samples)) == [BACK, FRONT], 'not the sweeps between the key frames'
    sample = sample_of(samples, FRONT)
    depth, camera = sample.depth_m_HW, sample.intrinsics
    assert (camera.fx, camera.cx, camera.cy) == (20.0, 7.0, 5.0)
    # Points 1 m below the LiDAR are level with the camera: of 10 and 12 m the nearer counts.
    assert depth[5, 7] == pytest.approx(10.0, abs=1e-5)
    # 2 m left and 1.2 m below it at 8 m: column 7 - 20 * 2 / 8, row 5 + 20 * 1.2 / 8.
    assert depth[8, 2] == pytest.approx(8.0, abs=1e-5)
    assert np.isfinite(depth).sum() == 2, 'neither the point behind nor the one of the car itself'


def test_the_car_moves_between_sweep_and_image(open_tree):
    depth = sample_of(open_tree('nuscenes'), BACK).depth_m_HW
    # Turned by a quarter, the car drives along the map's y: 2 m nearer.
    assert depth[5, 7] == pytest.approx(8.0, abs=1e-5)


def test_points_beside_the_image_do_not_count():
    camera = np.array([10.0, 10.0, 1.0, 1.0])
    points = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, 1.5], [9.0, 0.0, 2.0], [-9.0, 0.0, 2.0]])
    depth = projected(points, camera, 3, 3)
    assert depth[1, 1] == 1.5
    assert np.isfinite(depth).sum() == 1


def test_scenes_and_lists(open_tree, tmp_path, names_of):
    assert len(open_tree('nuscenes', split='scene-0103')) == 2
    (tmp_path / 'scenes.txt').write_text('scene-0103\n')
    assert len(open_tree('nuscenes', split=f'{tmp_path}/scenes.txt@2')) == 1
    (tmp_path / 'images.txt').write_text(f'{FRONT}\n')
    assert names_of(open_tree('nuscenes', split=f'{tmp_path}/images.txt')) == [FRONT]
    (tmp_path / 'images.txt').write_text('samples/CAM_FRONT/b.jpg\n')
    with pytest.raises(SourceError, match='is not a key frame of a camera'):
        open_tree('nuscenes', split=f'{tmp_path}/images.txt')


def test_a_sweep_that_is_cut_short_costs_its_images(open_tree, tmp_path):
    samples = open_tree('nuscenes')
    path = tmp_path / 'set/samples/LIDAR_TOP/a.pcd.bin'
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(FrameError, match=r'a\.pcd\.bin \(97 bytes\) is cut short'):
        samples[0]


def test_tables_are_parsed_once(open_tree, tmp_path):
    first = open_tree('nuscenes')[0]
    table = tmp_path / 'set/v1.0-mini/scene.json'
    before, content = table.stat(), table.read_text()
    table.write_text('x' * len(content))
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = open_set(tmp_path / 'set', '')[0]
    np.testing.assert_array_equal(first.depth_m_HW, again.depth_m_HW)


def test_kept_tables_that_a_power_cut_has_spoilt_are_made_again(open_tree):
    """They ended every run in a traceback until they were deleted by hand."""
    first = open_tree('nuscenes')[0]
    kept = max((default_folder() / 'tables').glob('nuscenes-*.npz'), key=os.path.getmtime)
    whole = kept.read_bytes()
    for spoilt in (whole[: len(whole) // 2], b'', whole[:200] + b'x' * 50 + whole[250:]):
        kept.write_bytes(spoilt)
        np.testing.assert_array_equal(open_tree('nuscenes')[0].depth_m_HW, first.depth_m_HW)
    assert kept.read_bytes() == whole


def test_tables_of_something_else(open_tree, tmp_path):
    open_tree('nuscenes')
    (tmp_path / 'set/v1.0-mini/scene.json').write_text('[{"token": "s"}]')
    with pytest.raises(SourceError, match='are not those of nuScenes'):
        open_set(tmp_path / 'set', '')
    (tmp_path / 'set/v1.0-mini/ego_pose.json').unlink()
    with pytest.raises(SourceError, match=r'ego_pose\.json is missing'):
        open_set(tmp_path / 'set', '')
