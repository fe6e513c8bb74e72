# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Learning rate as a pure function of the update, so that resuming needs no state."""

import math

from training.config import check_choice, OptimizerConfig, SCHEDULES


def learning_rate_factor(step: int, config: OptimizerConfig, steps: int) -> float:
    """
    Return the factor on the learning rate at an update.

    :param step: updates done so far
    :param steps: updates of the run, used where ``config.total_steps`` is 0
    :raises SettingsError: for an unknown schedule
    """
    check_choice('optimizer.schedule', config.schedule, SCHEDULES)
    total = config.total_steps or steps
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    progress = min(1.0, (step - config.warmup_steps) / max(1, total - config.warmup_steps))
    if config.schedule == 'constant':
        return 1.0
    if config.schedule == 'cosine':
        floor = config.final_ratio
        return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))
    return math.exp(progress * math.log(config.final_ratio))
