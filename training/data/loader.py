# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Batches read ahead of the steps that use them, in the main process or in others."""

from collections.abc import Iterator

import cv2
import torch
from training.config import RunConfig
from training.data.batches import Batch, MicroBatches
from training.data.mixture import Mixture


def stream(config: RunConfig, mixture: Mixture, *, done: int, rank: int) -> Iterator[Batch]:
    """
    Yield the batches of all micro-steps that are left.

    :param done: updates done before
    :param rank: number of the process
    """
    if config.workers:
        # A fork inherits OpenCV's threads as dead ones and waits for them for ever, unless there
        # are none: ending them here, in the parent, is the only place that works.
        cv2.setNumThreads(1)
    first, last = done * config.accumulate, config.steps * config.accumulate
    loader = torch.utils.data.DataLoader(
        MicroBatches(mixture, config.batch, seed=config.seed, rank=rank),
        batch_size=None,
        sampler=range(first, last),
        num_workers=config.workers,
        # A worker that hangs (a dead network drive) ends the run instead of stopping it for ever.
        timeout=600 if config.workers else 0,
        worker_init_fn=_one_thread,
        pin_memory=torch.cuda.is_available(),
    )
    yield from loader


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
