# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import SourceError
import numpy as np
import pytest
from training.data.readers.kitti import whole

from tests.training.data.trees import write_text

DATE = '2011_09_26'
DRIVE = f'{DATE}_drive_0002_sync'
IMAGE = f'{DATE}/{DRIVE}/image_02/data/{{:010d}}.png'


def test_depth_is_256ths_of_a_metre_and_not_clamped(open_tree):
    sample = open_tree('kitti')[0]
    assert sample.depth_m_HW[23, 13] == 10.0
    assert sample.depth_m_HW[374, 1228] == 81.0
    assert sample.depth_m_HW[0, 0] == 0.5
    assert np.isfinite(sample.depth_m_HW).sum() == 3
    camera = sample.intrinsics
    assert (camera.fx, camera.cx, camera.cy) == (721.5377, 609.5593, 172.854)


def test_images_without_depth_are_left_out_and_counted(open_tree, names_of):
    samples = open_tree('kitti')
    assert names_of(samples) == [IMAGE.format(0), IMAGE.format(1)]
    assert samples.left_out == 1


def test_marigolds_list_names_images_without_depth(open_tree, tmp_path, names_of):
    depth = f'{DRIVE}/proj_depth/groundtruth/image_02/0000000001.png'
    lines = [f'{IMAGE.format(0)} None 721.5377', f'{IMAGE.format(1)} {depth} 721.5377']
    write_text(tmp_path / 'eigen.txt', '\n'.join(lines))
    samples = open_tree('kitti', split=str(tmp_path / 'eigen.txt'))
    assert names_of(samples) == [IMAGE.format(1)]
    assert samples.left_out == 1


def test_the_benchmark_crop_shifts_the_camera(open_tree):
    sample = open_tree('kitti', 'kitti_benchmark')[0]
    assert sample.rgb_HW3.shape == (352, 1216, 3)
    assert sample.depth_m_HW[0, 0] == 10.0
    assert sample.depth_m_HW[351, 1215] == 81.0
    # 13 columns and 23 rows less, which SharpDepth's loader forgets (methods A.10).
    assert sample.intrinsics.cx == pytest.approx(596.5593)
    assert sample.intrinsics.cy == pytest.approx(149.854)


def test_the_calibration_file_comes_first(open_tree, tmp_path):
    open_tree('kitti')
    row = 'P_rect_02: 700 0 600 44 0 701 170 0.2 0 0 1 0.003'
    write_text(tmp_path / 'set' / DATE / 'calib_cam_to_cam.txt', f'calib_time: x\n{row}\n')
    camera = whole(tmp_path / 'set', '')[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (700.0, 701.0, 600.0, 170.0)


def test_a_list_of_other_files_is_refused(open_tree, tmp_path):
    write_text(tmp_path / 'list.txt', 'rgb/0001.png\n')
    with pytest.raises(SourceError, match='is not an image of KITTI; name DATE/DRIVE'):
        open_tree('kitti', split=str(tmp_path / 'list.txt'))
