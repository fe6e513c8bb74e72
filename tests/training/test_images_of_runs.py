# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images that a run cannot use: said in one line, before hours of updates."""

import os
import signal

from depth_refiner_ros.core.errors import SourceError
import pytest
from training.config import DataConfig, RunConfig, SourceConfig
from training.config_file import load_config
from training.data.loader import stream
from training.data.mixture import Mixture, Part
from training.log import read_log
from training.loop import train

from tests.training.data.trees import TREES
from tests.training.tiny_runs import built


def test_a_validation_that_cannot_be_made_ends_the_run_before_its_updates(make_config, tmp_path):
    """It ended the run at its first validation, with all updates before it lost."""
    config = make_config('metric_prior')
    (tmp_path / 'bad').mkdir()
    (tmp_path / 'bad' / 'a.png').write_bytes(b'')
    config.data.validation = {'bad': SourceConfig(path=str(tmp_path / 'bad'), reader='images')}
    with pytest.raises(SourceError, match='data set bad: 50 images in a row cannot be used'):
        train(config, built(config))
    assert not read_log(tmp_path / 'run')


def test_images_without_true_depth_are_refused_where_it_is_learnt_from(
    make_config, tmp_path, capsys
):
    """The loss was 0 at every step, and the bundle had the weights of the start."""
    config = make_config('metric_prior')
    images = TREES['images'](tmp_path / 'images')
    config.data.train = {'photos': SourceConfig(path=str(images), reader='images')}
    config.data.assume_fov_deg = 60.0
    with pytest.raises(SourceError, match='no true depth in photos, and objective metric_prior'):
        train(config, built(config))
    config.data.train |= make_config('metric_prior').data.train
    train(config, built(config))
    assert 'no true depth in photos, whose batches teach metric_prior' in capsys.readouterr().err


def test_a_home_is_found_in_the_place_of_a_run(tmp_path, monkeypatch):
    """It became a folder of the name ~."""
    monkeypatch.setenv('HOME', str(tmp_path))
    file = tmp_path / 'run.yaml'
    file.write_text('objective: metric_prior\noutput: ~/run\nbundle: ~/b\nloss: {depth: 1.0}\n')
    config = load_config(file)
    assert (config.output, config.bundle) == (f'{tmp_path}/run', f'{tmp_path}/b')
    assert config.init_from == ''


class Deadly:
    """A set that ends the process that reads it, as a system without memory does."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


def read_by_a_worker(samples):
    data = DataConfig(crop_width=8, crop_height=8, width=8, height=8)
    mixture = Mixture([Part(name='photos', samples=samples, share=1.0, cut=data)])
    return list(stream(RunConfig(steps=2, batch=2, workers=1), mixture, done=0, rank=0))


def test_what_a_worker_cannot_use_is_one_line(tmp_path):
    """The line held the whole traceback of the worker."""
    (tmp_path / 'a.png').write_bytes(b'')
    mixture = {'photos': SourceConfig(path=str(tmp_path), reader='images')}
    samples = Mixture.of('train', DataConfig(train=mixture)).parts[0].samples
    with pytest.raises(SourceError, match=r'^data set photos: 50 images in a row cannot') as found:
        read_by_a_worker(samples)
    assert 'Traceback' not in str(found.value)


def test_a_worker_that_is_killed_is_one_line():
    with pytest.raises(SourceError, match='lower workers if memory is short'):
        read_by_a_worker(Deadly())
