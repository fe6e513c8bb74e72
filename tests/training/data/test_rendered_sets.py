# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sintel, UnrealStereo4K, Spring, and Booster, whose depth is disparity too."""

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
from training.data.readers import spring
from training.data.readers.maps import depth_of_disparity

from tests.training.data.trees import ramp, write_rgb, write_text


def test_disparity_becomes_depth_and_nothing_is_clamped():
    depth = depth_of_disparity(np.array([[0.0, -1.0, np.nan, 4.0, 0.001]]), 8.0)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, [[np.nan, np.nan, np.nan, 2.0, 8000.0]])


def test_sintel_depth_and_camera(open_tree, names_of):
    samples = open_tree('sintel')
    assert names_of(samples) == ['final/alley_1/frame_0001.png', 'final/alley_1/frame_0002.png']
    np.testing.assert_array_equal(samples[0].depth_m_HW, ramp(16, 12, 1.0, 0.5))
    camera = samples[0].intrinsics
    assert (camera.fx, camera.cx, camera.cy) == (22.0, 7.5, 5.5)
    assert names_of(open_tree('sintel', split='clean'))[0].startswith('clean/')


def test_a_sintel_file_without_its_tag_costs_its_frame(open_tree, tmp_path):
    samples = open_tree('sintel')
    path = tmp_path / 'set/training/depth/alley_1/frame_0001.dpt'
    path.write_bytes(b'\0' + path.read_bytes()[1:])
    with pytest.raises(FrameError, match='is not depth of 16x12'):
        samples[0]


def test_unrealstereo_depth_is_960_over_disparity(open_tree):
    sample = open_tree('unrealstereo4k')[0]
    assert np.isnan(sample.depth_m_HW[0, 0])
    assert sample.depth_m_HW[0, 1] == 480.0, 'beyond 200 m, which only the evaluation cuts off'
    assert sample.depth_m_HW[0, 2] == 240.0
    assert sample.intrinsics.fx == pytest.approx(1920.0 / 240)
    assert sample.intrinsics.cx == 7.5


def test_booster_has_a_focal_length_for_each_camera(open_tree):
    left, right = (open_tree('booster', split=split) for split in ('left', 'right'))
    assert len(open_tree('booster')) == 4
    # 80 mm apart: 0.08 m * 50 px / 0.5 px
    assert left[0].depth_m_HW[0, 1] == pytest.approx(8.0)
    assert right[0].depth_m_HW[0, 1] == pytest.approx(9.6)
    assert (left[0].intrinsics.fx, right[0].intrinsics.fx) == (50.0, 60.0)


def test_a_booster_scene_without_calibration_costs_its_images(open_tree, tmp_path):
    samples = open_tree('booster')
    (tmp_path / 'set/train/balanced/Bathroom/calib_00-02.xml').unlink()
    with pytest.raises(FrameError, match=r'calib_00-02\.xml is missing'):
        samples[0]


def test_spring_takes_every_second_disparity(tmp_path):
    h5py = pytest.importorskip('h5py')
    scene = tmp_path / 'spring/train/0001'
    for number in (1, 2):
        write_rgb(scene / f'frame_left/frame_left_{number:04d}.png', 16, 12)
        (scene / 'disp1_left').mkdir(exist_ok=True)
        disparity = ramp(32, 24, 0.0, 1.0).astype(np.float32)
        with h5py.File(scene / f'disp1_left/disp1_left_{number:04d}.dsp5', 'w') as file:
            file['disparity'] = disparity
    write_text(scene / 'cam_data/intrinsics.txt', '1000 1000 8 6\n2000 2000 8 6\n')
    first, second = spring.open_set(tmp_path, '')
    assert np.isnan(first.depth_m_HW[0, 0])
    # Value (2, 2) of rows of 32 is 66 px: 1000 px * 0.065 m / 66 px.
    assert first.depth_m_HW[1, 1] == pytest.approx(65.0 / 66.0)
    assert second.depth_m_HW[1, 1] == pytest.approx(130.0 / 66.0)
    assert (second.intrinsics.fx, second.intrinsics.cx) == (2000.0, 7.5)
    with pytest.raises(SourceError, match='looked for'):
        spring.open_set(scene, '')
