# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import SourceError
import numpy as np
import pytest
from training.data.readers.nyuv2 import open_set


def test_depth_is_the_sensors_own_in_millimetres(open_tree):
    sample = open_tree('nyuv2')[0]
    assert sample.name == 'test/kitchen_0004/rgb_0001.png'
    assert sample.depth_m_HW[5, 7] == pytest.approx(2.345)
    assert np.isfinite(sample.depth_m_HW).sum() == 1, 'not the filled depth'
    assert sample.intrinsics.fx == 518.8579


def test_the_training_images_are_the_other_part(open_tree, names_of):
    assert names_of(open_tree('nyuv2', split='train'))[0] == 'train/kitchen_0004/rgb_0001.png'


def write_mat(folder):
    h5py = pytest.importorskip('h5py')
    from scipy.io import savemat

    folder.mkdir(exist_ok=True)
    path = folder / 'nyu_depth_v2_labeled.mat'
    rgb = np.zeros((3, 3, 640, 480), np.uint8)  # image, channel, column, row
    rgb[1, 2, 7, 5] = 200
    depth = np.zeros((3, 640, 480), np.float32)
    depth[1, 7, 5] = 2.5
    with h5py.File(path, 'w') as file:
        file['images'], file['rawDepths'] = rgb, depth
    savemat(folder / 'splits.mat', {'testNdxs': [[2], [3]], 'trainNdxs': [[1]]})
    return path


def test_the_official_file_is_read_the_right_way_round(tmp_path):
    path = write_mat(tmp_path)
    test, train = open_set(path, ''), open_set(path, 'train')
    assert (len(test), len(train)) == (2, 1)
    sample = test[0]
    assert (sample.name, sample.rgb_HW3.shape) == ('0002', (480, 640, 3))
    assert sample.rgb_HW3[5, 7].tolist() == [0, 0, 200]
    assert sample.depth_m_HW[5, 7] == 2.5
    (tmp_path / 'splits.mat').unlink()
    with pytest.raises(SourceError, match=r'splits\.mat'):
        open_set(path, '')
