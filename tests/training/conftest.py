# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from training.config import DataConfig, OptimizerConfig, RunConfig, SourceConfig
from training.objectives.registry import keys_of

from tests.training.rooms_folder import write_rooms
from tests.training.tiny_runs import KINDS, TINY


@pytest.fixture(scope='session')
def rooms(tmp_path_factory):
    return write_rooms(tmp_path_factory.mktemp('rooms') / 'train')


@pytest.fixture
def make_config(rooms, tmp_path):
    """Return a function that makes a tiny run's configuration."""

    def make(objective, *, model=None, loss=None, **changes):
        tiny, keys = TINY[objective], keys_of(objective)
        sets = {'rooms': SourceConfig(path=str(rooms))}
        data = DataConfig(
            train=sets,
            validation={name: replace(source) for name, source in sets.items()},
            crop_width=64,
            crop_height=48,
            width=64,
            height=32,
            min_zoom=1.0,
            max_zoom=1.5,
        )
        if objective != 'metric_prior':
            data.width = data.height = 32
            data.priors = dict(KINDS)
        return RunConfig(
            **{
                'objective': objective,
                'output': str(tmp_path / 'run'),
                'steps': 4,
                'batch': 2,
                'log_every': 1,
                'validate_every': 2,
                'validation_samples': 2,
                'save_every': 2,
                'data': data,
                'model': keys.model(**{**tiny.model(), **(model or {})}),
                'loss': keys.loss(**{**tiny.loss, **(loss or {})}),
                'optimizer': OptimizerConfig(lr=1e-3, warmup_steps=2),
                **changes,
            }
        )

    return make
