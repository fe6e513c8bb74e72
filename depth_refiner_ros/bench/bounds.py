"""The shortest time that arithmetic and memory allow, and how far a measured time is from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.bench.count import Operations
from depth_refiner_ros.bench.devices import Device


@dataclass(frozen=True, kw_only=True)
class Stage:
    """
    One network of the graph.

    :param operations: of one call
    :param calls: in one frame
    """

    operations: Operations
    calls: int = 1


def bound_ms(operations: Operations, device: Device, precision: str) -> float:
    """
    Return the least time of one call: all arithmetic at peak, or all traffic at full bandwidth.

    :raises InputError: where the device has no such arithmetic
    """
    compute_s = operations.flops / device.peak(precision)
    return 1e3 * max(compute_s, operations.operand_bytes / device.bytes_per_s)


def bounds(stages: Mapping[str, Stage], device: Device, precision: str) -> dict[str, float]:
    """
    Return the bound of each stage over a frame, of the refiner alone and of all with the prior.

    Stages follow each other, so their bounds add up.

    :return: stage to milliseconds, then ``refiner`` and ``total``
    """
    each = {
        name: stage.calls * bound_ms(stage.operations, device, precision)
        for name, stage in stages.items()
    }
    total = sum(each.values())
    return {**each, 'refiner': total - each.get('prior', 0.0), 'total': total}


def ratio(measured_ms: float | None, least_ms: float | None) -> float | None:
    """Return measured over bound; None where there is nothing to compare with."""
    return measured_ms / least_ms if measured_ms is not None and least_ms else None


def costs(stages: Mapping[str, Stage]) -> dict[str, dict[str, Any]]:
    """Return what each stage costs in one frame, as the result file holds it."""
    rows = {}
    for name, stage in stages.items():
        frame = stage.operations.times(stage.calls)
        rows[name] = {
            'calls': stage.calls,
            'gflop': frame.flops / 1e9,
            'weight_mb': frame.weight_bytes / 1e6,
            'operand_mb': frame.operand_bytes / 1e6,
        }
    return rows
