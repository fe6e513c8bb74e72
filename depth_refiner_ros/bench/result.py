# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measured times beside counts and bounds: the rows of tables, plots and result files."""

from collections.abc import Mapping, Sequence
from typing import Any

from depth_refiner_ros.apps.hardware import board, gpu, processor
from depth_refiner_ros.apps.results import quantiles
from depth_refiner_ros.bench.bounds import bounds, costs, ratio, Stage
from depth_refiner_ros.bench.devices import Device, known_as, named_device, probe
import torch


def measured_on(device: torch.device) -> str:
    """Return the hardware that was measured: the GPU, or the CPU with its instruction sets."""
    return gpu() if device.type == 'cuda' else processor()


def yardsticks(device: torch.device, precision: str, against: str) -> list[Device]:
    """
    Return the devices to compare measured times with.

    First the data sheet of the named or detected device, if it is known; then the rates of a
    matrix product and a copy, measured on this machine right now.

    :param against: key of the device table; empty for the detected device
    :raises InputError: for an unknown name, or a device without such arithmetic
    """
    found = known_as(board() or gpu()) if device.type == 'cuda' else None
    sheet = named_device(against) if against else found
    if sheet is not None:
        sheet.peak(precision)
    return [*([sheet] if sheet else []), probe(device, precision)]


def stage_rows(
    stages: Mapping[str, Stage],
    stages_ms: Mapping[str, Sequence[float]],
    devices: Sequence[Device],
    precision: str,
) -> dict[str, dict[str, Any]]:
    """
    Return one row for each stage of a frame.

    :param stages: the networks, in order
    :param stages_ms: milliseconds in each frame, also of stages that are not networks, and of
        ``refiner`` and ``frame``, which are compared with sums of bounds
    :return: name to calls, operations, p50, p95, p99, and by device ``bound_ms`` and ``ratio``
    """
    least = {device.name: _with_frame(bounds(stages, device, precision)) for device in devices}
    cost = costs(stages)
    rows = {}
    for name in [*stages, *(name for name in stages_ms if name not in stages)]:
        measured = quantiles(stages_ms.get(name, ()))
        bound_ms = {device: ms[name] for device, ms in least.items() if name in ms}
        rows[name] = {
            **cost.get(name, {'calls': 1}),
            **measured,
            'bound_ms': bound_ms,
            'ratio': {device: ratio(measured['p50'], ms) for device, ms in bound_ms.items()},
        }
    return rows


def device_facts(device: Device) -> dict[str, Any]:
    """Return a device in the units of the result file."""
    return {
        'name': device.name,
        'origin': device.origin,
        'tflop_per_s': {name: rate / 1e12 for name, rate in device.flops_per_s.items()},
        'gb_per_s': device.bytes_per_s / 1e9,
    }


def speedups(
    diffusers: Sequence[Mapping[str, Any]], refiner_ms: float | None, frame_ms: float | None
) -> list[dict[str, Any]]:
    """Summarise the rows of diffusers' pipeline and compare each with refiner and frame."""
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
