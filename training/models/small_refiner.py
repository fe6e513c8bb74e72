# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The small refiner on unshuffled pixels; its UNet is trained, its codec has no weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.small import build_small
from depth_refiner_ros.models.bundle import Bundle, open_bundle
import torch
from training.models.base import TrainedModel

FIXED = {
    'method': 'apdepth',
    'preset': 'bundled',
    'codec': 'unshuffle',
    'condition': 'metric',
    'output': 'metric',
    'task_embedding': (),
    'text_width': 0,
}
"""What a bundle must say of this network, because nothing else is built or trained."""


class SmallRefiner(TrainedModel):
    """
    The refiner with random weights.

    :param model: ``block_channels``, and keys of
        :class:`~depth_refiner_ros.diffusion.model_spec.ModelSpec`
    :raises SettingsError: for an unknown key, or a value that this network does not have
    """

    network: OneStepNetwork

    def __init__(self, model: Mapping[str, Any]) -> None:
        tree = dict(model)
        blocks = tree.pop('block_channels', (48, 64, 96, 128))
        self.spec = ModelSpec.from_dict(tree)
        for name, value in FIXED.items():
            if getattr(self.spec, name) != value:
                raise SettingsError(
                    f'model.{name} = {shown(getattr(self.spec, name))} is not what this objective '
                    f'trains; leave it out (it is {shown(value)})'
                )
        try:
            self.network = build_small(self.spec, block_channels=tuple(blocks))
        except (TypeError, ValueError) as error:
            raise SettingsError(f'model.block_channels = {blocks}: {error}') from error

    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        return read_refiner(open_bundle(where, 'refiner')).state_dict()

    def export(self, folder: Path, record: dict[str, Any]) -> Bundle:
        return write_refiner_bundle(
            folder,
            self.network,
            name=record.get('name', 'apdepth-small'),
            licence='Apache-2.0',
            source='',
            record=record,
        )
