# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Objectives: one file each, with only what differs between trainings."""

from collections.abc import Callable
import importlib

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from training.config import RunConfig
from training.objectives.base import Objective

NAMES = ('metric_prior', 'apdepth_depth')


def build_objective(config: RunConfig) -> Objective:
    """
    Build the objective that the configuration names.

    :raises SettingsError: for an unknown name
    """
    if config.objective not in NAMES:
        raise SettingsError(f'objective = {shown(config.objective)} must be one of {NAMES}')
    module = importlib.import_module(f'training.objectives.{config.objective}')
    build: Callable[[RunConfig], Objective] = module.build
    return build(config)
