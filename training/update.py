# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One update: micro-steps, the loss's gradients, clipping, the optimisers' step."""

from collections.abc import Iterator
import time
from typing import Any

from accelerate import Accelerator
from depth_refiner_ros.core.errors import DepthRefinerError
import torch
from training.config import RunConfig
from training.data.batches import Batch
from training.log import Log
from training.objectives.base import Objective, TOTAL
from training.shares import whole


class NotFiniteError(DepthRefinerError):
    """A loss or gradient that is not finite; the run stops before it corrupts the weights."""


def update(
    accelerator: Accelerator,
    wrapped: Any,
    objective: Objective,
    optimizers: list[Any],
    batches: Iterator[Batch],
    config: RunConfig,
    step: int,
    log: Log,
) -> dict[str, float]:
    """
    Take one step.

    :param wrapped: the objective as accelerate wrapped it
    :return: each part of the loss, its mean over micro-steps and processes
    :raises NotFiniteError: in every process, where the loss or gradient of one is not finite
    """
    sums: dict[str, torch.Tensor] = {}
    for _ in range(config.accumulate):
        with accelerator.accumulate(wrapped):
            waited = time.monotonic()
            batch = next(batches).to(accelerator.device)
            log.data(time.monotonic() - waited, batch.lost)
            parts = wrapped(batch, step)
            loss = parts[TOTAL]
            if not _everywhere(accelerator, torch.isfinite(loss.detach())):
                shown = {name: float(value.detach()) for name, value in parts.items()}
                raise NotFiniteError(
                    f'loss is {float(loss.detach())} at step {step}: {shown}; '
                    'lower optimizer.lr or look at the data of this step'
                )
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                limit = config.optimizer.max_grad_norm or float('inf')
                norm = whole(accelerator.clip_grad_norm_(objective.trained.parameters(), limit))
                if not _everywhere(accelerator, torch.isfinite(norm)):
                    raise NotFiniteError(
                        f'gradient norm is {float(norm)} at step {step}; lower optimizer.lr'
                    )
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
        for name, value in parts.items():
            sums[name] = sums.get(name, torch.zeros_like(value)) + value.detach().float()
    means = torch.stack(list(sums.values())) / config.accumulate
    if accelerator.num_processes > 1:
        means = accelerator.reduce(means, 'mean')
    return dict(zip(sums, means.tolist()))


def _everywhere(accelerator: Accelerator, flag: torch.Tensor) -> bool:
    """Whether a flag holds in every process, so that all of them stop together."""
    if accelerator.num_processes > 1:
        count = accelerator.reduce(flag.float().to(accelerator.device), 'sum')
        return bool(count == accelerator.num_processes)
    return bool(flag)
