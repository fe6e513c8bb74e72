# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Batches read ahead of the steps that use them, in the main process or in others."""

from collections.abc import Iterator

import cv2
from depth_refiner_ros.core.errors import DepthRefinerError, SourceError
from depth_refiner_ros.core.messages import first_line
import torch
from training.config import RunConfig
from training.data.batches import Batch, MicroBatches
from training.data.mixture import Mixture


def stream(config: RunConfig, mixture: Mixture, *, done: int, rank: int) -> Iterator[Batch]:
    """
    Yield the batches of all micro-steps that are left.

    :param done: updates done before
    :param rank: number of the process
    :raises SourceError: where images cannot be used
    """
    if config.workers:
        # A fork inherits OpenCV's threads as dead ones and waits for them for ever, unless there
        # are none: ending them here, in the parent, is the only place that works.
        cv2.setNumThreads(1)
    first, last = done * config.accumulate, config.steps * config.accumulate
    loader = torch.utils.data.DataLoader(
        _Told(MicroBatches(mixture, config.batch, seed=config.seed, rank=rank)),
        batch_size=None,
        sampler=range(first, last),
        num_workers=config.workers,
        # A worker that hangs (a dead network drive) ends the run instead of stopping it for ever.
        timeout=600 if config.workers else 0,
        worker_init_fn=_one_thread,
        pin_memory=torch.cuda.is_available(),
    )
    batches = iter(loader)
    while (batch := _next(batches)) is not None:
        yield batch


class _Told(torch.utils.data.Dataset[Batch | SourceError]):
    """Batches, or what is wrong: torch puts the traceback of a worker into the error's text."""

    def __init__(self, batches: MicroBatches) -> None:
        self._batches = batches

    def __getitem__(self, micro_step: int) -> Batch | SourceError:
        try:
            return self._batches[micro_step]
        except DepthRefinerError as error:
            return SourceError(str(error))


def _next(batches: Iterator[Batch | SourceError]) -> Batch | None:
    """
    Return the next batch, None after the last one.

    :raises SourceError: where images cannot be used, or a process that reads them is gone
    """
    try:
        batch = next(batches, None)
    except RuntimeError as error:
        if not str(error).startswith('DataLoader'):
            raise
        raise SourceError(
            f'{first_line(error)}: a process that reads images has ended or hangs; lower workers '
            'if memory is short, and look at the drive of the images'
        ) from error
    if isinstance(batch, SourceError):
        raise batch
    return batch


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
