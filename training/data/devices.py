# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a process of a training runs, for networks that are not part of what is trained."""

import os

import torch


def training_device() -> torch.device:
    """Return the device of this process, as Accelerate chooses it: the GPU of its local rank."""
    if not torch.cuda.is_available():
        return torch.device('cpu')
    return torch.device('cuda', int(os.environ.get('LOCAL_RANK', '0')))
