# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Weights, gradients, moments and averages spread over the processes (fully sharded data parallel).

Each process keeps its share of every tensor; a block is whole only while it runs.
"""

from depth_refiner_ros.core.errors import SettingsError
from diffusers import UNet2DConditionModel
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from training.config import RunConfig
from training.objectives.base import Objective


def shard(objective: Objective, config: RunConfig, device: torch.device) -> None:
    """
    Shard what is trained, its average, and every frozen UNet, in place.

    Frozen autoencoders and encoders stay whole: they are small, and more than their forward pass
    is called.

    :raises SettingsError: without several processes, or for an optimiser that needs whole tensors
    """
    if not distributed.is_initialized():
        raise SettingsError(
            'shard = true needs several processes; start with torchrun --nproc_per_node N, or '
            'set shard=false'
        )
    if config.optimizer.name == 'muon':
        raise SettingsError(
            'shard = true and optimizer.name = muon do not fit: muon needs whole matrices'
        )
    mesh = init_device_mesh(device.type, (distributed.get_world_size(),))
    frozen = [
        item for item in objective.frozen.modules() if isinstance(item, UNet2DConditionModel)
    ]
    groups = [*objective.trained.values(), *frozen]
    if objective.ema.networks is not objective.trained:
        groups += objective.ema.networks.values()
    for network in groups:
        for block in _blocks(network):
            fully_shard(block, mesh=mesh)
        fully_shard(network, mesh=mesh)


def _blocks(network: nn.Module) -> list[nn.Module]:
    """Return what is made whole at once: the blocks of a UNet, else the network itself."""
    if not isinstance(network, UNet2DConditionModel):
        return []
    return [*network.down_blocks, network.mid_block, *network.up_blocks]
