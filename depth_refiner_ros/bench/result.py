"""Measured times beside counts and bounds: the rows of tables, plots and result files."""

from collections.abc import Mapping, Sequence
from typing import Any

from depth_refiner_ros.apps.hardware import board, gpu
from depth_refiner_ros.apps.results import quantiles
from depth_refiner_ros.bench.bounds import bounds, costs, ratio, Stage
from depth_refiner_ros.bench.devices import Device, known_as, named_device, probe
import torch


def yardsticks(device: torch.device, precision: str, against: str) -> list[Device]:
    """
    Return what measured times are compared with.

    That is the named device or the found one's data sheet, and what a product and a copy reach
    here and now.

    :param against: key of the device table, empty for the device that is found
    :raises InputError: for an unknown name
    """
    found = known_as(board() or gpu()) if device.type == 'cuda' else None
    sheet = named_device(against) if against else found
    return [*([sheet] if sheet else []), probe(device, precision)]


def stage_rows(
    stages: Mapping[str, Stage],
    stages_ms: Mapping[str, Sequence[float]],
    devices: Sequence[Device],
    precision: str,
) -> dict[str, dict[str, Any]]:
    """
    Return one row for each stage, over one frame.

    :param stages: the networks, in order
    :param stages_ms: milliseconds of each *call*; also of stages that are no networks, and of
        ``refiner`` and ``frame``, which are compared with the sums
    :return: name to calls, operations, p50, p95, p99, and by device ``bound_ms`` and ``ratio``
    """
    least = {device.name: _with_frame(bounds(stages, device, precision)) for device in devices}
    cost = costs(stages)
    rows = {}
    for name in [*stages, *(name for name in stages_ms if name not in stages)]:
        calls = stages[name].calls if name in stages else 1
        measured = quantiles([ms * calls for ms in stages_ms.get(name, ())])
        bound_ms = {device: ms[name] for device, ms in least.items() if name in ms}
        rows[name] = {
            **cost.get(name, {'calls': calls}),
            **measured,
            'bound_ms': bound_ms,
            'ratio': {device: ratio(measured['p50'], ms) for device, ms in bound_ms.items()},
        }
    return rows


def device_facts(device: Device) -> dict[str, Any]:
    """Return a device as the result file holds it."""
    return {
        'name': device.name,
        'origin': device.origin,
        'tflop_per_s': {name: rate / 1e12 for name, rate in device.flops_per_s.items()},
        'gb_per_s': device.bytes_per_s / 1e9,
    }


def speedups(
    diffusers: Sequence[Mapping[str, Any]], refiner_ms: float | None, frame_ms: float | None
) -> list[dict[str, Any]]:
    """Summarise the rows of diffusers' pipeline, and say how many times longer each takes."""
    rows = []
    for row in diffusers:
        measured = quantiles(row['frame_ms'])
        rows.append(
            {
                **{name: value for name, value in row.items() if name != 'frame_ms'},
                **measured,
                'over_refiner': ratio(measured['p50'], refiner_ms),
                'over_frame': ratio(measured['p50'], frame_ms),
            }
        )
    return rows


def _with_frame(least: Mapping[str, float]) -> dict[str, float]:
    return {**{name: ms for name, ms in least.items() if name != 'total'}, 'frame': least['total']}
