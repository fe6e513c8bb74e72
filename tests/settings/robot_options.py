# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of a robot with two lamps: one nested group, every type."""

from dataclasses import dataclass, field

from depth_refiner_ros.settings.options import option


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """An inner group."""

    power_w: float = option(5.0, 'electric power', unit='W', low=0.5, high=60.0, runtime=True)
    bulbs: int = option(1, 'how many bulbs', low=1, high=8)


@dataclass(frozen=True, kw_only=True)
class Robot:
    """An outer group."""

    name: str = option('r2', 'what it is called')
    mode: str = option('auto', 'how it moves', choices=('auto', 'manual', 'off'), runtime=True)
    lights: bool = option(True, 'whether it shines', runtime=True)
    offset_m: float = option(0.0, 'any offset', unit='m')
    front: Lamp = field(default_factory=Lamp)
    rear: Lamp = field(default_factory=Lamp)
