# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import multiprocessing
import os
from pathlib import Path

from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.sources.tum import TumSource
import numpy as np
import pytest
from training.config import check_config, DataConfig, RunConfig, SourceConfig
from training.data.mixture import Mixture
from training.data.registry import open_samples

from tests.cli.recordings import frame_list
from tests.training.data.trees import rgb, write_png, write_rgb, write_text

CAMERA = 'width: 16\nheight: 12\nfx: 20\nfy: 20\ncx: 7.5\ncy: 5.5\ndepth_scale: 1000\n'


@pytest.fixture
def recording(tmp_path, monkeypatch):
    """Write a TUM folder of five frames, the third of which is cut short."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    folder = tmp_path / 'kitchen'
    for number in range(5):
        write_rgb(folder / f'rgb/{number}.png', 16, 12, number)
        write_png(folder / f'depth/{number}.png', np.full((12, 16), 1000 + number, np.uint16))
    for part in ('rgb', 'depth'):
        lines = [f'{100 + number}.0 {part}/{number}.png' for number in range(5)]
        write_text(folder / f'{part}.txt', '\n'.join(lines))
    write_text(folder / 'calibration.yaml', CAMERA)
    broken = folder / 'rgb/2.png'
    broken.write_bytes(broken.read_bytes()[:60])
    return folder


def opened(folder, split=''):
    return open_samples(SourceConfig(str(folder), reader='recording', split=split))


def caches(folder):
    return sorted((folder.parent / 'cache/depth_refiner_ros/frames').glob('kitchen-*'))


def test_the_source_of_a_run_has_options(recording):
    """A bag of several cameras asked for an image_topic, for which a source had no key."""
    data = DataConfig(source=str(recording), source_options='image_topic=/front/image')
    with pytest.raises(SourceError, match=r'image_topic = .*/front/image.* has no effect'):
        Mixture.of('train', data)
    data.source_options = 'image_bits=8'
    assert len(Mixture.of('train', data).parts[0].samples) == 3
    data.source = ''
    config = RunConfig(output='run', data=data)
    with pytest.raises(SettingsError, match=r'has no effect without data\.source'):
        check_config(config)


def test_frames_can_be_read_in_any_order(recording, capsys):
    samples = opened(recording)
    assert len(samples) == 4
    for index, number in ((3, 4), (0, 0), (2, 3)):
        np.testing.assert_array_equal(samples[index].rgb_HW3, rgb(16, 12, number))
        assert samples[index].depth_m_HW[0, 0] == pytest.approx(1.0 + number / 1000.0)
        assert samples[index].intrinsics.fx == 20.0
    assert [samples[index].name for index in (0, 3)] == ['000000_0', '000003_4']
    assert '1 frame left out: 1 unreadable image' in capsys.readouterr().err


def test_frames_are_extracted_once(recording, capsys):
    opened(recording)
    (cache,) = caches(recording)
    stamp = (cache / 'shard_00000.tar').stat().st_mtime_ns
    capsys.readouterr()
    opened(recording)
    assert (cache / 'shard_00000.tar').stat().st_mtime_ns == stamp
    assert 'extracting' not in capsys.readouterr().err


def test_a_changed_recording_or_other_options_are_extracted_again(recording):
    opened(recording)
    os.utime(recording / 'rgb/1.png', ns=(1, 1))
    opened(recording)
    opened(recording, 'max_gap_s=0.5')
    assert len(caches(recording)) == 3


@pytest.mark.usefixtures('recording')
@pytest.mark.parametrize('changed', ['road.png', 'road_depth.png'])
@pytest.mark.parametrize('place', ['absolute', 'relative', 'capitals'])
def test_a_list_of_frames_with_a_changed_image_is_extracted_again(
    tmp_path, monkeypatch, place, changed
):
    (tmp_path / 'set').mkdir()
    path = frame_list(tmp_path / 'set')
    if place == 'relative':
        monkeypatch.chdir(tmp_path)
        path = path.relative_to(tmp_path)
    if place == 'capitals':
        path = path.rename(path.with_suffix('.JSON'))
    opened(path)
    opened(path)
    made = tmp_path / 'cache/depth_refiner_ros/frames'
    assert len(list(made.glob('frames*'))) == 1
    os.utime(tmp_path / 'set' / changed, ns=(1, 1))
    opened(path)
    assert len(list(made.glob('frames*'))) == 2


def test_options_are_checked(recording):
    with pytest.raises(SourceError, match="'depth' of reader recording must hold options such as"):
        opened(recording, 'depth')
    with pytest.raises(SourceError, match="max_gap_s = 'far' must be a number"):
        opened(recording, 'max_gap_s=far')
    with pytest.raises(SourceError, match='is not a bag, so image_topic'):
        opened(recording, 'image_topic=/camera')
    assert caches(recording) == []


def test_a_recording_without_a_usable_frame(recording):
    for image in (recording / 'rgb').iterdir():
        image.write_bytes(b'x')
    with pytest.raises(SourceError, match='holds no usable frame: '):
        opened(recording)
    assert caches(recording) == []


def count_frames(folder):
    return len(opened(folder))


def test_two_processes_extract_once(recording):
    with multiprocessing.get_context('fork').Pool(2) as pool:
        assert pool.map(count_frames, [recording] * 2) == [4, 4]
    assert len(caches(recording)) == 1


@pytest.mark.data
def test_real_recording(tmp_path, monkeypatch):
    folder = Path(__file__).parents[4] / 'shared' / 'data' / 'redkitchen_tum'
    if not folder.is_dir():
        pytest.skip(f'no sample data at {folder}')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    samples = opened(folder)
    assert len(samples) == 150
    first = next(iter(TumSource(folder)))
    np.testing.assert_array_equal(samples[0].rgb_HW3, first.rgb_HW3)
    np.testing.assert_array_equal(samples[0].depth_m_HW, first.depth_m_HW)
    assert samples[0].intrinsics == first.intrinsics
    depth = samples[149].depth_m_HW
    assert 0.7 < np.nanmin(depth) < np.nanmax(depth) < 4.0
