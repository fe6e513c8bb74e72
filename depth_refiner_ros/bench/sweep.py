"""
What a choice costs over its range: prior sizes and resolutions, steps of the denoising loop.

The first is ApDepth's Fig. 6 (latency that the prior adds), the second its Fig. 2 (a one-step
refiner beside Marigold's loop).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
import gc
from typing import Any

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.apps.results import quantiles
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.registry import ModelRunners
from depth_refiner_ros.bench.bounds import bound_ms, bounds, ratio, Stage
from depth_refiner_ros.bench.devices import Device
from depth_refiner_ros.bench.full import full_stages, FullSize
from depth_refiner_ros.bench.networks import FrameSize, place, refiner_stages
from depth_refiner_ros.bench.priors import (
    build_prior_network,
    prior_input,
    prior_stage,
    RandomPrior,
    WIDTHS,
)
from depth_refiner_ros.bench.timing import timed_ms
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
            inner = prior_input(size, edge_px)
            rows.append(
                {
                    'prior': prior,
                    'short_edge_px': edge_px,
                    'width': inner.width,
                    'height': inner.height,
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
    networks: ModelRunners,
    *,
    frames: int,
    warm_up: int,
) -> list[dict[str, Any]]:
    """Add measured milliseconds and their ratio to each row of :func:`sweep_priors`."""
    measured, built, network = [], '', None
    rgb = torch.full((1, 3, size.height, size.width), 0.5, device=execution.device)
    for row in rows:
        if row['prior'] != built:
            network = None
            gc.collect()
            built = row['prior']
            network = networks(place(build_prior_network(built), execution), 'prior')
        assert network is not None
        prior = RandomPrior(network, row['short_edge_px'])
        say(f'timing prior {built} at {row["width"]}x{row["height"]}')
        with execution.running():
            taken = quantiles(
                timed_ms(
                    partial(prior.predict, rgb, None),
                    execution.device,
                    frames=frames,
                    warm_up=warm_up,
                )
            )
        measured.append(
            {
                **row,
                **taken,
                'ratio': {
                    device: ratio(taken['p50'], ms) for device, ms in row['bound_ms'].items()
                },
            }
        )
    return measured


def sweep_steps(
    size: FrameSize,
    codec: str,
    devices: Sequence[Device],
    precision: str,
    steps: Sequence[int] = STEPS,
) -> list[dict[str, Any]]:
    """Bound a loop as Marigold's: encode once, ``steps`` times the UNet, decode once."""
    parts = refiner_stages('apdepth', codec, size, precision)
    both = parts['encode'].operations
    # ApDepth encodes image and prior; the loop encodes the image alone.
    image = replace(both, flops=both.flops / 2.0, operand_bytes=both.operand_bytes / 2.0)
    rows = []
    for count in steps:
        loop = {
            **parts,
            'encode': Stage(operations=image),
            'unet': replace(parts['unet'], calls=count),
        }
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
    size: FrameSize, devices: Sequence[Device], precision: str, prior: str
) -> list[dict[str, Any]]:
    """Bound both methods with both codecs on devices: one row each, stages in milliseconds."""
    rows = []
    for method, codec in (
        ('apdepth', 'vae'),
        ('apdepth', 'tiny'),
        ('sharpdepth', 'vae'),
        ('sharpdepth', 'tiny'),
    ):
        wanted = FullSize(method=method, codec=codec, prior=prior, size=size, frames=0, warm_up=0)
        stages = full_stages(wanted, precision)
        rows += [
            {
                'method': method,
                'codec': codec,
                'prior': prior,
                'device': device.name,
                'bound_ms': bounds(stages, device, precision),
            }
            for device in devices
        ]
    return rows
