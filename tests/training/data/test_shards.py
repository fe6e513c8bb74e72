# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import fields, replace
import json

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
from training.config import SourceConfig
from training.data.registry import open_samples
from training.data.sample import Sample
from training.data.sample_files import decoded, encoded
from training.data.shards import Shards, write_shard
from training.tools.make_shards import pack

from tests.training.data.trees import ramp, rgb, TREES, write_rgb


def full_sample():
    depth = ramp(16, 12, 1.0, 1.0 / 3.0).astype(np.float32)
    depth[0, 0] = np.nan
    return Sample(
        rgb_HW3=rgb(16, 12),
        depth_m_HW=depth,
        intrinsics=Intrinsics(fx=20.1, fy=21.2, cx=7.3, cy=5.4, width=16, height=12),
        prior_m_hw=depth[::2, ::2] * np.float32(1.1),
        edges_HW=depth > 20.0,
        name='a/b.png',
    )


def assert_same(first, second):
    for field in fields(Sample):
        mine, theirs = getattr(first, field.name), getattr(second, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs


def test_a_sample_comes_back_bit_for_bit():
    sample = full_sample()
    assert_same(decoded(encoded(sample), 'here'), sample)
    alone = Sample(rgb_HW3=sample.rgb_HW3, name='x')
    assert_same(decoded(encoded(alone), 'here'), alone)


@pytest.fixture
def packed(tmp_path):
    folder = TREES['diode'](tmp_path / 'set')
    source = SourceConfig(str(folder), reader='diode')
    pack(source, tmp_path / 'out', per_shard=2)
    return open_samples(source), tmp_path / 'out', source


def test_shards_hold_what_the_reader_gave(packed):
    samples, out, _ = packed
    shards = open_samples(SourceConfig(str(out)))
    assert isinstance(shards, Shards)
    assert len(shards) == len(samples) == 5
    for index in (4, 0, 3, 1, 2):
        assert_same(shards[index], samples[index])
    with pytest.raises(IndexError):
        shards[5]


def test_a_tar_file_that_is_cut_short_loses_only_its_end(packed):
    samples, out, _ = packed
    tar = out / 'shard_00001.tar'
    first_of_second = json.loads((out / 'shard_00001.json').read_text())[1]['json'][0]
    tar.write_bytes(tar.read_bytes()[: first_of_second + 5])
    shards = Shards(out)
    for index in (0, 1, 2, 4):
        assert_same(shards[index], samples[index])
    with pytest.raises(FrameError, match=r'image 1 of .*shard_00001\.tar is in the part that was'):
        shards[3]


def test_a_damaged_image_is_told_from_a_lost_one(packed):
    _, out, _ = packed
    place, size, _ = json.loads((out / 'shard_00000.json').read_text())[0]['depth.npz']
    tar = out / 'shard_00000.tar'
    data = bytearray(tar.read_bytes())
    data[place : place + size] = bytes(size)
    tar.write_bytes(data)
    with pytest.raises(FrameError, match=r'image 0 of .*shard_00000\.tar is damaged'):
        Shards(out)[0]
    assert Shards(out)[1].depth_m_HW is not None
    tar.unlink()
    with pytest.raises(FrameError, match=r'cannot read .*shard_00000\.tar'):
        Shards(out)[0]


def test_packing_goes_on_where_it_stopped(packed):
    _, out, source = packed
    kept, again = out / 'shard_00000.tar', out / 'shard_00002.tar'
    content = again.read_bytes()
    again.write_bytes(b'half')
    (out / 'shard_00002.json').unlink()  # comes last, so its shard is not finished
    stamp = kept.stat().st_mtime_ns
    pack(source, out, per_shard=2)
    assert again.read_bytes() == content
    assert kept.stat().st_mtime_ns == stamp


def test_shards_of_another_set_are_not_mixed(packed):
    _, out, source = packed
    with pytest.raises(SourceError, match=r'shards\.json describes other shards'):
        pack(replace(source, split='indoor'), out, per_shard=2)
    with pytest.raises(SourceError, match=r'shards\.json describes other shards'):
        pack(source, out, per_shard=3)


def test_images_that_cannot_be_read_are_left_out_and_told(tmp_path, capsys):
    folder = TREES['diode'](tmp_path / 'set')
    broken = next(folder.rglob('*indoors_001_010_depth.npy'))
    broken.write_bytes(broken.read_bytes()[:100])
    pack(SourceConfig(str(folder), reader='diode'), tmp_path / 'out')
    assert len(Shards(tmp_path / 'out')) == 4
    said = capsys.readouterr().err
    assert '1 image left out: 1 unreadable depth' in said
    assert broken.name in said


def test_a_folder_without_shards_or_with_a_broken_index(tmp_path):
    with pytest.raises(SourceError, match=r'run python -m training\.tools\.make_shards SET'):
        Shards(tmp_path)
    write_shard(tmp_path, 0, [full_sample()])
    (tmp_path / 'shard_00000.json').write_text('[{"rgb.png": [1]}]')
    with pytest.raises(SourceError, match=r'shard_00000\.json is not the index of a shard'):
        Shards(tmp_path)


def test_a_shard_of_which_no_image_could_be_read_spoils_no_others(tmp_path):
    """The set could not be opened, and packing it again left the empty shard as it was."""
    folder, out = tmp_path / 'set', tmp_path / 'out'
    for number in range(3):
        write_rgb(folder / f'{number}.png', 16, 12, number)
    (folder / '2.png').write_bytes(b'')
    pack(SourceConfig(str(folder), reader='images'), out, per_shard=2)
    packed = open_samples(SourceConfig(str(out)))
    assert [packed[index].name for index in range(len(packed))] == ['0.png', '1.png']
