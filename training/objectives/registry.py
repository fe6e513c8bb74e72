# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which objective a configuration names, and the keys that it reads."""

from collections.abc import Callable
from dataclasses import dataclass
import importlib

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, shown
from training.config import RunConfig
from training.objectives.base import Objective

CLASSES = {
    'apdepth_align': 'ApDepthAlign',
    'apdepth_depth': 'ApDepthDepth',
    'codec': 'CodecDistillation',
    'lotus': 'Lotus',
    'marigold': 'Marigold',
    'metric_prior': 'MetricPrior',
    'sharpdepth': 'SharpDepth',
}
"""A file of this folder, and the class in it."""


@dataclass(frozen=True)
class Keys:
    """The dataclasses behind the groups ``model`` and ``loss`` of a configuration."""

    model: type
    loss: type


def keys_of(name: str) -> Keys:
    """
    Return what an objective reads.

    :raises SettingsError: for an unknown name
    """
    objective = _class_of(name)
    return Keys(objective.Model, objective.Loss)


def build_objective(config: RunConfig) -> Objective:
    """
    Build the objective that the configuration names.

    :raises SettingsError: for an unknown name, or keys that it does not train
    """
    build: Callable[[RunConfig], Objective] = _class_of(config.objective)
    return build(config)


def _class_of(name: str) -> type[Objective]:
    if name not in CLASSES:
        known = sorted(CLASSES)
        raise SettingsError(
            f'objective = {shown(name)} must be one of {", ".join(known)}{nearest(name, known)}'
        )
    module = importlib.import_module(f'training.objectives.{name}')
    found: type[Objective] = getattr(module, CLASSES[name])
    return found
