"""The work of ``depth-refiner bench``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
import tempfile
import time
from typing import Any

from depth_refiner_ros.cli.collected import DEPTH
from depth_refiner_ros.cli.console import tracked, write_json
from depth_refiner_ros.cli.demo_graph import demo_graph, run_graph
from depth_refiner_ros.cli.demo_run import stages
from depth_refiner_ros.cli.graph import require_ros
from depth_refiner_ros.cli.hardware import machine_facts
from depth_refiner_ros.cli.inference import infer
from depth_refiner_ros.cli.results import quantiles
from depth_refiner_ros.core.edges import flying_pixels
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.options import values
from depth_refiner_ros.refiner import DepthRefiner
from depth_refiner_ros.settings import ModelSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.simulated import SimulatedSource
import numpy as np
from rich.console import Console
from rich.table import Table
import torch

NETWORKS = ('prior', 'refine')
"""Stages that are networks; a stage counts as one where its name starts so."""
TOTAL_BUDGET_MS = 1000.0 / 6.0
"""Six frames per second at 640 x 480 on two cores."""
AROUND_BUDGET_MS = 8.0
"""Everything outside the networks, at 640 x 480."""
SEED = 900_000
DIFFERENT_FRAMES = 4


def run(model: ModelSettings, *, width: int, height: int, frames: int, graph: bool,
        json: Path | None) -> None:
    """Time the stages and print them beside the budget."""
    if graph:
        require_ros()
    seen = list(SimulatedSource(SEED, DIFFERENT_FRAMES, width=width, height=height))
    refiner = DepthRefiner.from_settings(model)
    refiner.warm_up(width, height)
    timed = time_stages(refiner, model, seen, frames)
    result: dict[str, Any] = {
        'width': width, 'height': height, 'frames': frames, 'settings': values(model),
        'machine': machine_facts(),
        'stages': {name: quantiles(ms) for name, ms in timed.items()},
        'budget': budget(timed, width, height)}
    if graph:
        result['graph'] = time_graph(model, frames)
    if json:
        write_json(json, result)
    _show(result)


def time_stages(refiner: DepthRefiner, model: ModelSettings, seen: Sequence[Frame],
                frames: int) -> dict[str, list[float]]:
    """
    Time frames from image to packed cloud.

    :return: stage to milliseconds of each frame; ``total`` is the whole frame
    """
    first = seen[0]
    assert first.intrinsics is not None
    builder = CloudBuilder(first.intrinsics)
    timed: dict[str, list[float]] = {}
    for index in tracked(range(frames + 2), 'timing', frames + 2):
        frame = seen[index % len(seen)]
        marks = [time.perf_counter()]
        depths = infer(refiner, model, frame)
        marks.append(time.perf_counter())
        depth = torch.from_numpy(depths.refined_m_HW)
        flying_pixels(depth[None, None])
        marks.append(time.perf_counter())
        builder.build(depth, torch.from_numpy(np.ascontiguousarray(frame.rgb_HW3)))
        marks.append(time.perf_counter())
        infer_ms, edge_ms, cloud_ms = (1e3 * float(step) for step in np.diff(marks))
        rest_ms = max(0.0, infer_ms - sum(depths.timings_ms.values()))
        row = {'convert': rest_ms, **depths.timings_ms, 'edge filter': edge_ms,
               'cloud': cloud_ms, 'total': infer_ms + edge_ms + cloud_ms}
        if index >= 2:  # the first calls after warm-up still fill caches
            for name, ms in row.items():
                timed.setdefault(name, []).append(ms)
    return timed


def budget(timed: Mapping[str, Sequence[float]], width: int, height: int) -> dict[str, Any]:
    """Compare medians with the budget, which grows with the number of pixels."""
    share = width * height / (640 * 480)
    total_ms = float(np.median(timed['total']))
    networks_ms = sum(float(np.median(ms)) for name, ms in timed.items()
                      if name.startswith(NETWORKS))
    return {'total_ms': total_ms, 'total_limit_ms': TOTAL_BUDGET_MS * share,
            'around_networks_ms': total_ms - networks_ms,
            'around_networks_limit_ms': AROUND_BUDGET_MS * share,
            'met': total_ms <= TOTAL_BUDGET_MS * share
            and total_ms - networks_ms <= AROUND_BUDGET_MS * share}


def time_graph(model: ModelSettings, frames: int) -> dict[str, Any]:
    """Run camera, refiner and fusion over DDS in lock-step; give what the refiner node says."""
    with tempfile.TemporaryDirectory(prefix='depth_refiner_') as folder:
        graph = demo_graph(Path(folder), model, source=f'sim:{SEED}:{frames}', frames=frames,
                           rate_hz=0.0, live=False)
        outcome = run_graph(graph, Path(folder) / 'collected')
        return {'frames_out': outcome.collected.count(DEPTH),
                'stage_ms': stages(outcome.diagnostics['refiner']),
                'latency_ms': quantiles(outcome.collected.latency_ms()),
                'fps': outcome.collected.fps()}


def _show(result: Mapping[str, Any]) -> None:
    table = Table('stage', 'p50, ms', 'p95, ms',
                  title=f'{result["width"]}x{result["height"]}, {result["frames"]} frames')
    for name, ms in result['stages'].items():
        table.add_row(name, f'{ms["p50"]:.2f}', f'{ms["p95"]:.2f}', end_section=name == 'cloud')
    for name, ms in result.get('graph', {}).get('stage_ms', {}).items():
        table.add_row(f'node: {name}', f'{ms:.2f}', '')
    console = Console()
    console.print(table)
    limits = result['budget']
    console.print(f'total {limits["total_ms"]:.1f} of {limits["total_limit_ms"]:.0f} ms, around '
                  f'the networks {limits["around_networks_ms"]:.1f} of '
                  f'{limits["around_networks_limit_ms"]:.1f} ms: '
                  f'{"within" if limits["met"] else "over"} the budget')
