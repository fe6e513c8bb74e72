# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tensors that are spread over processes, and back."""

import torch
from torch.distributed.tensor import distribute_tensor, DTensor


def whole(value: torch.Tensor) -> torch.Tensor:
    """Return a tensor of all processes' shares; every process must ask."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def placed(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Return a whole tensor as another one is spread; every process must have it."""
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)
