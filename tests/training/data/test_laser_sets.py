# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ETH3D, DIODE and iBims-1."""

from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest

from tests.training.data.trees import ramp


def test_eth3d_files_are_rows_of_float32_infinite_where_unknown(open_tree):
    sample = open_tree('eth3d')[0]
    assert np.isnan(sample.depth_m_HW[0, 0])
    assert sample.depth_m_HW[1, 0] == 1.0 + 16 * 0.5
    assert sample.intrinsics is None, 'the images are distorted'


def test_eth3d_in_marigolds_places(open_tree, tmp_path, names_of):
    open_tree('eth3d')
    folder = tmp_path / 'set'
    (folder / 'rgb/office').mkdir(parents=True)
    (folder / 'depth/office_dslr_depth/office').mkdir(parents=True)
    (folder / 'office/images').rename(folder / 'rgb/office/images')
    depth = 'ground_truth_depth'
    (folder / f'office/{depth}').rename(folder / f'depth/office_dslr_depth/office/{depth}')
    samples = open_tree('eth3d')
    assert names_of(samples)[0] == 'rgb/office/images/dslr_images/DSC_0219.JPG'
    assert samples[0].depth_m_HW[1, 0] == 9.0


def test_eth3d_depth_of_another_size_costs_its_image(open_tree, tmp_path):
    samples = open_tree('eth3d')
    path = tmp_path / 'set/office/ground_truth_depth/dslr_images/DSC_0219.JPG'
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(FrameError, match='holds 764 bytes of depth, 16x12 need 768'):
        samples[0]
    assert samples[1].depth_m_HW is not None


def test_diode_masks_and_halves(open_tree):
    assert len(open_tree('diode')) == len(open_tree('diode', split='all')) == 5
    assert len(open_tree('diode', split='outdoor')) == 3
    sample = open_tree('diode', split='indoor')[0]
    assert sample.depth_m_HW[0, 0] == 1.0
    assert np.isnan(sample.depth_m_HW[0, 1]), 'masked'
    assert sample.depth_m_HW[0, 2] == 2.0
    # Made for 1024x768; the test's images are 64 times smaller.
    assert sample.intrinsics.fx == pytest.approx(886.81 / 64)
    assert sample.intrinsics.fy == pytest.approx(927.06 / 64)


def test_ibims_masks_edges_and_camera(open_tree):
    sample = open_tree('ibims')[0]
    assert sample.name == 'corridor_01'
    expected = ramp(16, 12, 1.0, 0.5).astype(np.float32)
    expected[0, 1:3] = np.nan  # invalid, transparent
    np.testing.assert_array_equal(sample.depth_m_HW, expected)
    assert np.argwhere(sample.edges_HW).tolist() == [[3, 4]]
    camera = sample.intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (20.0, 21.0, 7.0, 5.0)
