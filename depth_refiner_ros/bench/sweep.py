# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Sweep the cost over a choice: prior sizes and resolutions, or steps of the denoising loop.

The first is ApDepth's Fig. 6 (latency added by the prior), the second its Fig. 2 (a one-step
refiner compared with Marigold's loop).
"""

from collections.abc import Sequence
from functools import partial
import gc
from itertools import groupby
from typing import Any

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.apps.results import quantiles
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.bench.bounds import bound_ms, bounds, ratio, Stage
from depth_refiner_ros.bench.devices import Device
from depth_refiner_ros.bench.networks import FrameSize
from depth_refiner_ros.bench.timing import timed_ms
from depth_refiner_ros.bench.true_size import (
    FullSize,
    prior_of,
    prior_skeleton,
    prior_stage,
    random_prior,
    refiner_stages,
    true_size_stages,
    unchecked_runners,
    WIDTHS,
)
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.settings.networks import ModelSettings
import torch

SHORT_EDGES_PX = (252, 392, 518, 770)
STEPS = (1, 4, 10, 50)


def sweep_priors(
    size: FrameSize,
    devices: Sequence[Device],
    precision: str,
    sizes: Sequence[str] = tuple(WIDTHS),
) -> list[dict[str, Any]]:
    """Count and bound each prior at each resolution of its input."""
    rows = []
    for prior in sizes:
        for edge_px in SHORT_EDGES_PX:
            operations = prior_stage(prior, size, precision, edge_px).operations
            rows_px, columns_px = preprocess.depth_anything(edge_px).size(
                (size.height, size.width)
            )
            rows.append(
                {
                    'prior': prior,
                    'short_edge_px': edge_px,
                    'width': columns_px,
                    'height': rows_px,
                    'gflop': operations.flops / 1e9,
                    'operand_mb': operations.operand_bytes / 1e6,
                    'bound_ms': {
                        device.name: bound_ms(operations, device, precision) for device in devices
                    },
                }
            )
    return rows


def measure_priors(
    rows: Sequence[dict[str, Any]],
    size: FrameSize,
    execution: Execution,
    settings: ModelSettings,
    *,
    frames: int,
    warm_up: int,
) -> list[dict[str, Any]]:
    """Add measured milliseconds and their ratio to each row of :func:`sweep_priors`."""
    measured = []
    rgb = torch.full((1, 3, size.height, size.width), 0.5, device=execution.device)
    for name, group in groupby(rows, key=lambda row: row['prior']):
        network = random_prior(
            prior_skeleton(name), unchecked_runners(execution, settings)
        ).network
        for row in group:
            say(f'timing prior {name} at {row["width"]}x{row["height"]}')
            prior = prior_of(network, row['short_edge_px'])
            with execution.running():
                ms = timed_ms(
                    partial(prior.predict, rgb, None),
                    execution.device,
                    frames=frames,
                    warm_up=warm_up,
                )
            taken = quantiles(ms)
            ratios = {
                device: ratio(taken['p50'], least) for device, least in row['bound_ms'].items()
            }
            measured.append({**row, **taken, 'ratio': ratios})
        del network, prior
        gc.collect()
    return measured


def sweep_steps(
    size: FrameSize,
    codec: str,
    devices: Sequence[Device],
    precision: str,
    steps: Sequence[int] = STEPS,
) -> list[dict[str, Any]]:
    """Bound a loop as Marigold's: encode once, ``steps`` times the UNet, decode once."""
    parts = refiner_stages('apdepth', codec, size, precision, 0)
    # ApDepth encodes image and prior; the loop encodes only the image.
    image = Stage(operations=parts['encode'].operations.times(1.0 / parts['encode'].calls))
    rows = []
    for count in steps:
        unet = Stage(operations=parts['unet'].operations.times(count), calls=count)
        loop = {**parts, 'encode': image, 'unet': unet}
        rows.append(
            {
                'steps': count,
                'codec': codec,
                'bound_ms': {
                    device.name: bounds(loop, device, precision)['total'] for device in devices
                },
            }
        )
    return rows


def all_bounds(
    size: FrameSize, devices: Sequence[Device], precision: str, prior: str, max_edge_px: int = 0
) -> list[dict[str, Any]]:
    """
    Bound both methods with both codecs on devices: one row each, stages in milliseconds.

    :param max_edge_px: longest edge that the refiner works at; 0 takes that of its preset
    """
    rows = []
    for method in ('apdepth', 'sharpdepth'):
        for codec in ('vae', 'tiny'):
            wanted = FullSize(
                method=method, codec=codec, prior=prior, size=size, max_edge_px=max_edge_px
            )
            stages = true_size_stages(wanted, precision)
            rows += [
                {
                    'method': method,
                    'codec': codec,
                    'prior': prior,
                    'max_edge_px': wanted.working_edge_px,
                    'device': device.name,
                    'bound_ms': bounds(stages, device, precision),
                }
                for device in devices
            ]
    return rows
