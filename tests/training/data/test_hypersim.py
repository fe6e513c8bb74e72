# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
import numpy as np
import pytest
import torch
from torch.nn import functional
from training.data.readers.hypersim import full_size
from training.data.readers.maps import depth_of_ray

from tests.training.data.trees import write_rgb, write_text

HEAD = 'scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,'
TABLE = (
    f'{HEAD}split_partition_name\n'
    'ai_001_001,cam_00,0,True,,train\n'
    'ai_001_001,cam_00,1,False,dark,train\n'
    'ai_001_001,cam_00,2,True,,val\n'
)


def test_processed_files_hold_millimetres(open_tree):
    sample = open_tree('hypersim')[0]
    assert np.isnan(sample.depth_m_HW[0, 0])
    assert np.isnan(sample.depth_m_HW[0, 1]), '65 m is the end of the range'
    assert sample.depth_m_HW[767, 1023] == pytest.approx(1.001)
    camera = sample.intrinsics
    assert (camera.fx, camera.cx, camera.cy) == (886.81, 511.5, 383.5)


def test_parts_of_the_processed_set(open_tree, names_of):
    assert names_of(open_tree('hypersim'))[0].startswith('train/ai_001_001/')
    assert names_of(open_tree('hypersim', split='val'))[0].startswith('val/ai_003_010/')


def test_a_part_itself_can_be_named(open_tree, tmp_path):
    open_tree('hypersim')
    assert len(full_size(tmp_path / 'set' / 'val', '')) == 2


def test_every_raster_is_resized_by_the_nearest_pixel(open_tree):
    small = open_tree('hypersim', 'hypersim_640x480')[0]
    whole = open_tree('hypersim')[0]
    whole_maps = torch.from_numpy(np.dstack([whole.rgb_HW3, whole.depth_m_HW])).permute(2, 0, 1)
    # What torchvision's resize calls in Marigold's recipe.
    maps = functional.interpolate(whole_maps[None], size=(480, 640), mode='nearest-exact')[0]
    np.testing.assert_array_equal(small.rgb_HW3, maps[:3].permute(1, 2, 0).numpy())
    np.testing.assert_array_equal(small.depth_m_HW, maps[3].numpy())
    assert small.intrinsics.fx == pytest.approx(886.81 / 1.6)
    assert small.intrinsics.cx == pytest.approx(319.5)


def test_a_ray_is_longer_than_its_depth():
    camera = Intrinsics(fx=886.81, fy=886.81, cx=511.5, cy=383.5, width=1024, height=768)
    depth = depth_of_ray(np.full((768, 1024), 3.0), camera)
    assert depth[383, 511] == pytest.approx(3.0, abs=1e-5)
    # The corner pixel is 511.5 columns and 383.5 rows away from the center.
    cosine = 886.81 / math.sqrt(511.5**2 + 383.5**2 + 886.81**2)
    assert depth[0, 0] == pytest.approx(3.0 * cosine, rel=1e-6)


def write_raw(folder, frames=3):
    h5py = pytest.importorskip('h5py')
    images = folder / 'ai_001_001' / 'images'
    for frame in range(frames):
        name = f'frame.{frame:04d}'
        write_rgb(images / f'scene_cam_00_final_preview/{name}.tonemap.jpg', 1024, 768)
        geometry = images / 'scene_cam_00_geometry_hdf5'
        geometry.mkdir(exist_ok=True)
        distance = np.full((768, 1024), 3.0, np.float16)
        distance[5, 5] = np.nan
        with h5py.File(geometry / f'{name}.depth_meters.hdf5', 'w') as file:
            file['dataset'] = distance
    return folder


def test_raw_files_hold_distances_along_rays(tmp_path):
    sample = full_size(write_raw(tmp_path), '')[0]
    assert sample.depth_m_HW[383, 511] == pytest.approx(3.0, abs=1e-3)
    assert sample.depth_m_HW[0, 0] == pytest.approx(3.0 * 0.811, abs=2e-3)
    assert np.isnan(sample.depth_m_HW[5, 5])


def test_the_official_table_splits_the_raw_set(tmp_path, names_of):
    folder = write_raw(tmp_path)
    with pytest.raises(SourceError, match=r'metadata_images_split_scene_v1\.csv'):
        full_size(folder, 'train')
    write_text(folder / 'metadata_images_split_scene_v1.csv', TABLE)
    image = 'ai_001_001/images/scene_cam_00_final_preview/frame.{}.tonemap.jpg'
    assert names_of(full_size(folder, 'train')) == [image.format('0000')]
    assert names_of(full_size(folder, 'val')) == [image.format('0002')]


def test_a_broken_hdf5_file_costs_its_image(tmp_path):
    folder = write_raw(tmp_path, frames=2)
    samples = full_size(folder, '')
    path = next(folder.rglob('*0000.depth_meters.hdf5'))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SourceError, match=r'0000\.depth_meters\.hdf5 cannot be read'):
        samples[0]
    assert samples[1].depth_m_HW is not None


def test_without_h5py_the_raw_set_says_what_to_install(tmp_path, monkeypatch):
    write_rgb(tmp_path / 'ai_001_001/images/scene_cam_00_final_preview/a.jpg', 16, 12)
    monkeypatch.setitem(__import__('sys').modules, 'h5py', None)
    with pytest.raises(SourceError, match='pip install h5py'):
        full_size(tmp_path, '')
