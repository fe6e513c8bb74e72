# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the user of ``depth-refiner demo`` chooses."""

from dataclasses import dataclass
from pathlib import Path

from depth_refiner_ros.settings.networks import ModelSettings


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The user's choices."""

    frames: int
    seed: int
    rate_hz: float
    live: bool
    show: bool
    out: Path
    model: ModelSettings
