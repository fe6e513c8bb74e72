# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The shortest time that arithmetic and memory allow, and how far a measured time is from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.bench.count import Operations
from depth_refiner_ros.bench.devices import Device


@dataclass(frozen=True, kw_only=True)
class Stage:
    """
    One network of a frame.

    :param operations: of all its calls in one frame
    :param calls: number of calls per frame
    """

    operations: Operations
    calls: int = 1


def bound_ms(operations: Operations, device: Device, precision: str) -> float:
    """
    Return the least time: all arithmetic at peak rate or all traffic at full bandwidth.

    Winograd's algorithm needs less arithmetic than is counted, so ncnn can take less time.

    :raises InputError: if the device has no such arithmetic
    """
    compute_s = operations.flops / device.peak(precision)
    return 1e3 * max(compute_s, operations.operand_bytes / device.bytes_per_s)


def bounds(stages: Mapping[str, Stage], device: Device, precision: str) -> dict[str, float]:
    """
    Return the least time of each stage over a frame, of the refiner alone and of the whole frame.

    Stages run one after another, so their bounds add up.

    :return: stage to milliseconds, then ``refiner`` (without the priors) and ``total``
    """
    each = {name: bound_ms(stage.operations, device, precision) for name, stage in stages.items()}
    refiner_ms = sum(ms for name, ms in each.items() if not belongs_to_prior(name))
    return {**each, 'refiner': refiner_ms, 'total': sum(each.values())}


def belongs_to_prior(stage: str) -> bool:
    """Whether a network belongs to the prior or to the scale prior rather than to the refiner."""
    return stage.removeprefix('scale_').startswith('prior')


def ratio(measured_ms: float | None, least_ms: float | None) -> float | None:
    """Return measured over least time; None if either is missing or the least time is zero."""
    return measured_ms / least_ms if measured_ms is not None and least_ms else None


def costs(stages: Mapping[str, Stage]) -> dict[str, dict[str, Any]]:
    """Return the cost of each stage in one frame, in the units of the result file."""
    return {
        name: {
            'calls': stage.calls,
            'gflop': stage.operations.flops / 1e9,
            'weight_mb': stage.operations.weight_bytes / 1e6,
            'operand_mb': stage.operations.operand_bytes / 1e6,
        }
        for name, stage in stages.items()
    }
