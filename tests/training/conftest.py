# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
from training.config import DataConfig, OptimizerConfig, RunConfig

from tests.training.rooms_folder import write_rooms

METRIC = {
    'channels': [8, 8, 8, 8, 8],
    'blocks': [1, 1, 1, 1, 1],
    'decoder_channels': [8, 8, 8, 8],
    'input_width': 64,
    'input_height': 64,
}
KINDS = {'smeared': 0.4, 'sensor': 0.3, 'noisy': 0.2, 'sharp': 0.1}


@pytest.fixture(scope='session')
def rooms(tmp_path_factory):
    return write_rooms(tmp_path_factory.mktemp('rooms') / 'train')


@pytest.fixture
def make_config(rooms, tmp_path):
    """Return a function that makes a tiny run's configuration."""

    def make(objective, **changes):
        data = DataConfig(
            rooms=str(rooms),
            validation=str(rooms),
            crop_width=64,
            crop_height=48,
            width=64,
            height=32,
            min_zoom=1.0,
            max_zoom=1.5,
        )
        model, loss = dict(METRIC), {'depth': 1.0, 'gradient': 0.5}
        if objective == 'apdepth_depth':
            data.width, data.height, data.degradations = 32, 32, dict(KINDS)
            model = {'block_channels': [8, 16], 'unshuffle_factor': 4}
            loss = {'latent': 0.5, 'pixel': 1.0, 'gradient': 1.0, 'edge': 4.0}
        return RunConfig(
            **{
                'objective': objective,
                'output': str(tmp_path / 'run'),
                'steps': 4,
                'batch': 2,
                'log_every': 1,
                'validate_every': 2,
                'validation_samples': 3,
                'save_every': 2,
                'data': data,
                'model': model,
                'loss': loss,
                'optimizer': OptimizerConfig(lr=1e-3, warmup_steps=2),
                **changes,
            }
        )

    return make
