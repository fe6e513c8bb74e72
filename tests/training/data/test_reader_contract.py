# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every reader of a public data set promises."""

import pickle

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
import torch
from training.config import DataConfig, RunConfig, SourceConfig
from training.data.loader import stream
from training.data.mixture import Mixture, Part
from training.data.registry import open_samples, READERS

from tests.training.data.trees import TREES

ALONE = ('rooms', 'shards', 'recording')
"""Readers of this project's own files, which have their own tests."""


def test_every_reader_is_tested():
    untested = set(READERS) - set(TREES) - set(ALONE)
    assert untested == {'hypersim_640x480', 'vkitti2_whole', 'kitti_benchmark', 'spring'}


@pytest.fixture(scope='module', params=TREES)
def opened(request, tmp_path_factory):
    """Return name, folder and set of one reader."""
    folder = TREES[request.param](tmp_path_factory.mktemp(request.param))
    return request.param, folder, open_samples(SourceConfig(str(folder), reader=request.param))


def test_samples_are_whole_and_named(opened):
    _, _, samples = opened
    read = [samples[index] for index in range(len(samples))]
    assert len({sample.name for sample in read}) == len(samples)
    for sample in read:
        height, width = sample.rgb_HW3.shape[:2]
        assert sample.rgb_HW3.dtype == np.uint8
        if sample.depth_m_HW is not None:
            assert sample.depth_m_HW.dtype == np.float32
            assert sample.depth_m_HW.shape == (height, width)
            known = np.isfinite(sample.depth_m_HW)
            assert known.any()
            assert (sample.depth_m_HW[known] > 0.0).all()
        if sample.intrinsics is not None:
            assert (sample.intrinsics.width, sample.intrinsics.height) == (width, height)
    with pytest.raises(IndexError):
        samples[len(samples)]


def test_workers_read_the_same_batches(opened):
    name, _, samples = opened
    data = DataConfig(crop_width=12, crop_height=10, width=12, height=10)
    mixture = Mixture([Part(name=name, samples=samples, share=1.0, cut=data)])
    here, there = (
        list(stream(RunConfig(steps=3, batch=2, workers=workers), mixture, done=0, rank=0))
        for workers in (0, 2)
    )
    for mine, theirs in zip(here, there, strict=True):
        assert torch.equal(mine.rgb_B3HW, theirs.rgb_B3HW)
        assert torch.equal(
            mine.depth_m_B1HW.nan_to_num(-1.0), theirs.depth_m_B1HW.nan_to_num(-1.0)
        )
        assert torch.equal(mine.rays_B2HW, theirs.rays_B2HW)
        assert mine.cameras == theirs.cameras


def test_sets_travel_to_other_processes(opened):
    _, _, samples = opened
    again = pickle.loads(pickle.dumps(samples))
    np.testing.assert_array_equal(again[0].rgb_HW3, samples[0].rgb_HW3)


def test_a_broken_image_is_one_lost_image(opened):
    _, folder, samples = opened
    first, last = samples[0], samples[len(samples) - 1]
    (broken,) = folder.rglob(file_of(first))
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    try:
        with pytest.raises(FrameError, match=broken.name.replace('.', r'\.')):
            samples[0]
        np.testing.assert_array_equal(samples[len(samples) - 1].rgb_HW3, last.rgb_HW3)
    finally:
        broken.write_bytes(content)


def file_of(sample):
    return sample.name if '.' in sample.name else f'{sample.name}.mat'


@pytest.mark.parametrize('reader', [name for name in TREES if name != 'images'])
def test_another_layout_is_refused_with_what_was_looked_for(tmp_path, reader):
    with pytest.raises(
        SourceError, match=rf'reader {reader} looked for .*{tmp_path.name}.*layout'
    ):
        open_samples(SourceConfig(str(tmp_path), reader=reader))
    with pytest.raises(SourceError, match='does not exist'):
        open_samples(SourceConfig(str(tmp_path / 'gone'), reader=reader))


@pytest.mark.parametrize('reader', TREES)
def test_lists_steps_and_unknown_splits(tmp_path, reader):
    folder = TREES[reader](tmp_path / 'set')
    whole = open_samples(SourceConfig(str(folder), reader=reader))
    names = [whole[index].name for index in range(len(whole))]
    thin = open_samples(SourceConfig(str(folder), reader=reader, split='@2'))
    assert [thin[index].name for index in range(len(thin))] == names[::2]
    lines = tmp_path / 'list.txt'
    lines.write_text(f'# chosen\n{names[1]} unused\n\n')
    (chosen,) = [open_samples(SourceConfig(str(folder), reader=reader, split=str(lines)))]
    assert (len(chosen), chosen[0].name) == (1, names[1])
    lines.write_text(f'nowhere/{names[1]}\n' if reader != 'ibims' else 'nowhere\n')
    with pytest.raises(SourceError):
        open_samples(SourceConfig(str(folder), reader=reader, split=str(lines)))
    for wrong in ('nothing', '@0', '@x'):
        with pytest.raises(SourceError, match='split = '):
            open_samples(SourceConfig(str(folder), reader=reader, split=wrong))
