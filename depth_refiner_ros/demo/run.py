# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner demo``: run the graph, then judge it against the simulation."""

from contextlib import nullcontext
from pathlib import Path
import tempfile
from types import ModuleType
from typing import Any

from depth_refiner_ros.apps.closing_lines import print_summary
from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.apps.output_names import RESULT_FILES
from depth_refiner_ros.apps.ros_graph import require_ros
from depth_refiner_ros.core.run_folder import run_folder, RunFolder
from depth_refiner_ros.demo.choices import Demo
from depth_refiner_ros.demo.graph import demo_graph, run_graph
from depth_refiner_ros.report.live import LivePage


def run(demo: Demo, json: Path | None) -> None:
    """Run the demo and write its folder."""
    require_ros()
    with run_folder(demo.out, RESULT_FILES) as folder:
        summary = _run(demo, folder)
    if json:
        write_json(json, summary)
    print_summary(summary, demo.out)


def _run(demo: Demo, out: RunFolder) -> dict[str, Any]:
    graph = demo_graph(
        out,
        demo.model,
        source=f'sim:{demo.seed}:{demo.frames}',
        frames=demo.frames,
        rate_hz=demo.rate_hz,
        live=demo.live,
    )
    with tempfile.TemporaryDirectory(prefix='depth_refiner_') as folder:
        with LivePage() if demo.show else nullcontext() as page:
            if page:
                say(f'watch at {page.address}')
            # Its import takes seconds, in which a live page would stand still.
            meanwhile = None if page else _judge
            outcome = run_graph(graph, Path(folder), page, meanwhile)
        return _judge().judged_results(demo, graph, outcome)


def _judge() -> ModuleType:
    from depth_refiner_ros.demo import judge

    return judge
