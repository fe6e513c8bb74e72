# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Real files of data sets, put where the official layout has them."""

import json
from pathlib import Path

import numpy as np
import pytest
from training.config import SourceConfig
from training.data.registry import open_samples

pytestmark = pytest.mark.data
DATA = Path(__file__).parents[4] / 'shared' / 'data'


@pytest.fixture(scope='module')
def frames():
    """Return what is known of the sample frames by name."""
    path = DATA / 'frames.json'
    if not path.is_file():
        pytest.skip(f'no sample data at {path}')
    return {entry['name']: entry for entry in json.loads(path.read_text())}


def link(place, file):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to((DATA / file).resolve())


def check(sample, entry, *, tolerance=0.01):
    assert sample.rgb_HW3.shape[1::-1] == tuple(entry['rgb_size'])
    assert np.nanmedian(sample.depth_m_HW) == pytest.approx(entry['median_m'], rel=0.01)
    assert np.isfinite(sample.depth_m_HW).mean() == pytest.approx(
        entry['valid_fraction'], abs=1e-3
    )
    camera = sample.intrinsics
    pinhole = [camera.fx, camera.fy, camera.cx, camera.cy]
    assert pinhole == pytest.approx(entry['fx_fy_cx_cy'], rel=tolerance)


def test_kitti(frames, tmp_path):
    drive = '2011_09_26_drive_0002_sync'
    for number in (5, 50, 100):
        entry, name = frames[f'kitti_depth_{number}'], f'{number:010d}.png'
        link(tmp_path / f'2011_09_26/{drive}/image_02/data/{name}', entry['rgb'])
        link(tmp_path / f'val/{drive}/proj_depth/groundtruth/image_02/{name}', entry['depth'])
    samples = open_samples(SourceConfig(str(tmp_path), reader='kitti'))
    assert len(samples) == 3
    for index, number in enumerate((5, 50, 100)):
        check(samples[index], frames[f'kitti_depth_{number}'], tolerance=1e-6)
    crop = open_samples(SourceConfig(str(tmp_path), reader='kitti_benchmark'))[0]
    np.testing.assert_array_equal(crop.depth_m_HW, samples[0].depth_m_HW[23:, 13:1229])


def test_nyu(frames, tmp_path):
    for number in range(1, 6):
        entry = frames[f'nyu_dining_{number}']
        link(tmp_path / f'test/dining_room_0001/rgb_{number:04d}.png', entry['rgb'])
        link(tmp_path / f'test/dining_room_0001/depth_{number:04d}.png', entry['depth'])
    samples = open_samples(SourceConfig(str(tmp_path), reader='nyuv2'))
    assert len(samples) == 5
    for index in range(5):
        check(samples[index], frames[f'nyu_dining_{index + 1}'])


def test_a_frame_list_is_a_recording_too(frames):
    samples = open_samples(SourceConfig(str(DATA / 'frames.json'), reader='recording'))
    assert len(samples) == len(frames)
    for index, entry in enumerate(frames.values()):
        sample = samples[index]
        assert sample.name.endswith(entry['name'])
        assert np.nanmedian(sample.depth_m_HW) == pytest.approx(entry['median_m'], rel=0.01)


def test_photographs():
    folder = DATA / 'images'
    if not folder.is_dir():
        pytest.skip(f'no sample data at {folder}')
    samples = open_samples(SourceConfig(str(folder), reader='images'))
    assert [samples[index].name[:2] for index in range(12)] == [f'{n:02d}' for n in range(12)]
