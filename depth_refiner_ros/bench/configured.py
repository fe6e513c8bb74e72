# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The configured refiner: stages from image to cloud, each network separately, the ROS graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
import statistics
import tempfile
from typing import Any

from depth_refiner_ros.apps.console import tracked
from depth_refiner_ros.apps.inference import infer
from depth_refiner_ros.apps.results import quantiles
from depth_refiner_ros.apps.ros_graph import require_ros
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.stage_times import CLOCK, stages_timed_by
from depth_refiner_ros.bench.bounds import belongs_to_prior
from depth_refiner_ros.bench.clocks import clock, host_clock
from depth_refiner_ros.bench.devices import Device
from depth_refiner_ros.bench.networks import (
    count_calls,
    FrameSize,
    network_calls,
    NetworkCalls,
    time_calls,
)
from depth_refiner_ros.bench.result import measured_on, stage_rows, yardsticks
from depth_refiner_ros.core.edges import flying_pixels
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.run_folder import RunFolder
from depth_refiner_ros.demo.collected import DEPTH
from depth_refiner_ros.demo.counts import stages
from depth_refiner_ros.demo.graph import demo_graph, run_graph
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.images import STEP_NS
from depth_refiner_ros.sources.simulated import SimulatedSource
import numpy as np
import torch

TOTAL_BUDGET_MS = 1000.0 / 8.0
"""Eight frames per second at 640 x 480 on two cores."""
AROUND_BUDGET_MS = 15.0
"""Everything outside the networks, at 640 x 480."""
SEED = 900_000
DIFFERENT_FRAMES = 4


def measure_configured(
    model: ModelSettings, *, size: FrameSize, frames: int, graph: bool, against: str
) -> dict[str, Any]:
    """
    Time stages, networks and, if requested, the nodes over DDS.

    :param against: key of the device table to compare networks with; empty for this device
    :raises RosMissingError: if the graph is requested but ROS is not installed
    """
    if graph:
        require_ros()
    refiner = DepthRefiner.from_settings(model)
    assert refiner.runners is not None
    execution = refiner.runners.execution
    device, devices = execution.device, yardsticks(execution.device, execution.precision, against)
    calls = network_calls(refiner.runners, lambda: refiner.warm_up(size.width, size.height))
    timed = time_warm(refiner, model, size, frames)
    networks = network_rows(calls, execution, timed, devices)
    result: dict[str, Any] = {
        'kind': 'configured',
        'width': size.width,
        'height': size.height,
        'measured_on': measured_on(device),
        'clock': clock(device),
        'backend': execution.backend,
        'precision': execution.precision,
        'frames': frames,
        'settings': values(model),
        'stages': {name: quantiles(ms) for name, ms in timed.items()},
        'networks': networks,
        'budget': budget(timed, sum(networks[name]['p50'] for name in calls), size),
    }
    if graph:
        result['graph'] = time_graph(model, frames)
    return result


def time_warm(
    refiner: DepthRefiner, model: ModelSettings, size: FrameSize, frames: int
) -> dict[str, list[float]]:
    """
    Time frames of a simulated room from image to packed cloud, on a refiner that is warm.

    :return: stage to milliseconds of each frame; ``total`` is the whole frame
    """
    seen = list(SimulatedSource(SEED, DIFFERENT_FRAMES, width=size.width, height=size.height))
    assert refiner.runners is not None
    with stages_timed_by(host_clock(refiner.runners.execution.device)):
        return time_stages(refiner, model, seen, frames)


def time_stages(
    refiner: DepthRefiner, model: ModelSettings, seen: Sequence[Frame], frames: int
) -> dict[str, list[float]]:
    """Time given frames, one after the other, again and again; see :func:`time_warm`."""
    first = seen[0]
    assert first.intrinsics is not None
    builder = CloudBuilder(first.intrinsics)
    timed: dict[str, list[float]] = {}
    read_s = CLOCK.get()
    for index in tracked(range(frames + 2), 'timing', frames + 2):
        # Of a video without a cut: what a prior carries over costs time, too.
        frame = replace(seen[index % len(seen)], stamp_ns=index * STEP_NS)
        marks = [read_s()]
        depths = infer(refiner, model, frame)
        marks.append(read_s())
        depth = torch.from_numpy(depths.refined_m_HW)
        flying_pixels(depth[None, None])
        marks.append(read_s())
        builder.build(depth, torch.from_numpy(np.ascontiguousarray(frame.rgb_HW3)))
        marks.append(read_s())
        infer_ms, edge_ms, cloud_ms = (1e3 * float(step) for step in np.diff(marks))
        rest_ms = max(0.0, infer_ms - sum(depths.timings_ms.values()))
        row = {
            'convert': rest_ms,
            **depths.timings_ms,
            'edge filter': edge_ms,
            'cloud': cloud_ms,
            'total': infer_ms + edge_ms + cloud_ms,
        }
        if index >= 2:  # the first calls after warm-up still fill caches
            for name, ms in row.items():
                timed.setdefault(name, []).append(ms)
    return timed


def network_rows(
    calls: Mapping[str, NetworkCalls],
    execution: Execution,
    timed: Mapping[str, Sequence[float]],
    devices: Sequence[Device],
) -> dict[str, dict[str, Any]]:
    """
    Time each network separately and compare it with the least time for its operations.

    :param timed: from :func:`time_stages`; contains the times of everything but the networks
    """
    stages = count_calls(calls, execution)
    stages_ms = time_calls(calls, execution, frames=len(timed['total']), warm_up=2)
    stages_ms |= {name: list(timed[name]) for name in ('align', 'cloud') if name in timed}
    prior_ms = timed.get('prior') or [_prior_networks_ms(stages_ms)] * len(timed['total'])
    stages_ms['refiner'] = [total - prior for total, prior in zip(timed['total'], prior_ms)]
    stages_ms['frame'] = list(timed['total'])
    return stage_rows(stages, stages_ms, devices, execution.precision)


def _prior_networks_ms(stages_ms: Mapping[str, Sequence[float]]) -> float:
    """Return the time of the prior if a frame is one CUDA graph and has no stages."""
    return sum(statistics.median(ms) for name, ms in stages_ms.items() if belongs_to_prior(name))


def budget(
    timed: Mapping[str, Sequence[float]], networks_ms: float, size: FrameSize
) -> dict[str, Any]:
    """
    Compare medians with the budget, which scales with the number of pixels.

    :param networks_ms: of a frame's networks, each timed separately
    """
    share = size.width * size.height / (640 * 480)
    total_ms = float(np.median(timed['total']))
    return {
        'total_ms': total_ms,
        'total_limit_ms': TOTAL_BUDGET_MS * share,
        'around_networks_ms': total_ms - networks_ms,
        'around_networks_limit_ms': AROUND_BUDGET_MS * share,
        'met': total_ms <= TOTAL_BUDGET_MS * share
        and total_ms - networks_ms <= AROUND_BUDGET_MS * share,
    }


def time_graph(model: ModelSettings, frames: int) -> dict[str, Any]:
    """Run camera, refiner and fusion over DDS in lock-step; return the refiner node's figures."""
    with tempfile.TemporaryDirectory(prefix='depth_refiner_') as folder:
        graph = demo_graph(
            RunFolder(Path(folder)),
            model,
            source=f'sim:{SEED}:{frames}',
            frames=frames,
            rate_hz=0.0,
            live=False,
        )
        outcome = run_graph(graph, Path(folder) / 'collected')
        return {
            'frames_out': outcome.collected.count(DEPTH),
            'stage_ms': stages(outcome.diagnostics['refiner']),
            'latency_ms': quantiles(outcome.collected.latency_ms()),
            'fps': outcome.collected.fps(),
        }
