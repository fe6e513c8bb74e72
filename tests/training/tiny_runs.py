# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks of 2,000 to 60,000 parameters for every objective, and one step of a run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from training.data.batches import MicroBatches
from training.data.mixture import Mixture
from training.models.encoder import EncoderModel
from training.models.teacher import TeacherModel
from training.objectives.registry import build_objective
from training.optimizers import make_optimizers

METRIC = {
    'channels': [8, 8, 8, 8, 8],
    'blocks': [1, 1, 1, 1, 1],
    'decoder_channels': [8, 8, 8, 8],
    'input_width': 64,
    'input_height': 64,
}
SMALL = {'block_channels': [8, 16]}
KINDS = {'smeared': 0.4, 'sensor': 0.3, 'noisy': 0.2, 'sharp': 0.1}


@dataclass(frozen=True)
class Tiny:
    """Keys of an objective that make it tiny."""

    model: Callable[[], dict[str, Any]]
    loss: dict[str, Any] = field(default_factory=dict)


TINY = {
    'metric_prior': Tiny(lambda: dict(METRIC), {'depth': 1.0, 'gradient': 0.5}),
    'apdepth_depth': Tiny(
        lambda: dict(SMALL), {'latent': 0.5, 'pixel': 1.0, 'gradient': 1.0, 'edge': 4.0}
    ),
    'apdepth_align': Tiny(
        lambda: {**SMALL, 'encoder': EncoderModel(kind='prior', weights='bundled')}
    ),
    'lotus': Tiny(lambda: dict(SMALL)),
    'marigold': Tiny(lambda: dict(SMALL)),
    'codec': Tiny(dict),
    'sharpdepth': Tiny(lambda: {**SMALL, 'teacher': TeacherModel(start='small')}),
}
OBJECTIVES = [name for name in TINY if name != 'codec']
"""Those that train on unshuffled pixels; the codec needs an autoencoder."""


def built(config):
    """Return the objective of a run with the seed's weights."""
    torch.manual_seed(config.seed)
    return build_objective(config)


def batch_of(config, step=0):
    """Return the batch of a micro-step."""
    mixture = Mixture.of('train', config.data)
    return MicroBatches(mixture, config.batch, seed=config.seed)[step]


def step(objective, batch, number=0):
    """Take one optimiser step; return the parts of the loss."""
    [optimizer] = make_optimizers(objective.trained, objective.config.optimizer).values()
    parts = objective(batch, number)
    parts['loss'].backward()
    optimizer.step()
    return parts
