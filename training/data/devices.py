# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a process of a training runs, for networks that are not part of what is trained."""

import os

from accelerate.utils import parse_flag_from_env
import torch


def training_device() -> torch.device:
    """Return the device of this process, as Accelerate chooses it: the GPU of its local rank."""
    if not torch.cuda.is_available() or parse_flag_from_env('ACCELERATE_USE_CPU'):
        return torch.device('cpu')
    return torch.device('cuda', int(os.environ.get('LOCAL_RANK', '0')))
