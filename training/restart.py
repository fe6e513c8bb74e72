# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Processes that torchrun starts again after one of them died."""

from datetime import timedelta
import os

from torch import distributed
from torch.distributed.rendezvous import rendezvous
from training.data.devices import training_device

PATIENCE = timedelta(minutes=10)


def rejoin() -> None:
    """
    Join the others under names of this attempt; nothing at a first start.

    The launcher's store outlives the processes, and torch does not tell attempts apart in it: the
    addresses of the dead are still there, and a process that connects to one of them fails
    (pytorch issue 167288).
    """
    attempt = int(os.environ.get('TORCHELASTIC_RESTART_COUNT', '0'))
    if not attempt or int(os.environ.get('WORLD_SIZE', '1')) < 2:
        return
    store, rank, size = next(rendezvous('env://', timeout=PATIENCE))
    distributed.init_process_group(
        'cpu:gloo,cuda:nccl' if training_device().type == 'cuda' else 'gloo',
        store=distributed.PrefixStore(f'attempt_{attempt}', store),
        rank=rank,
        world_size=size,
        timeout=PATIENCE,
    )
