# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The nodes of the demo: started, watched to the end and stopped in order."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
import time

from depth_refiner_ros.apps.console import progress_bars
from depth_refiner_ros.apps.output_names import MESH_FILE
from depth_refiner_ros.apps.processes import ChildError, Children
from depth_refiner_ros.apps.ros_graph import (
    environment,
    free_domain,
    node_arguments,
    node_settings,
)
from depth_refiner_ros.core.run_folder import RunFolder
from depth_refiner_ros.demo.collected import Collected, DEPTH, last_diagnostics, read_arrivals
from depth_refiner_ros.demo.live_view import LiveView
from depth_refiner_ros.report.live import LivePage
from depth_refiner_ros.settings.networks import DEPTH_PRIORS, ModelSettings
from depth_refiner_ros.settings.nodes import (
    CollectorNodeSettings,
    PlayerNodeSettings,
    RefinerNodeSettings,
    TsdfNodeSettings,
)
from depth_refiner_ros.settings.options import updated, values

POLL_S = 0.1
REPORT_PERIOD_S = 0.5
"""How often the nodes report their counts."""
LOGS, PARAMETERS = 'logs', 'params'
SETTLE_S = 3.0
"""After the last frame was sent, wait this long for further arrivals."""
BARS = {'image': 'sent', DEPTH: 'refined', 'points': 'clouds', 'tsdf/done': 'fused'}
START_LIMIT_S = 240.0
"""Networks load slowly from a cold disk or on a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    """
    Settings of the nodes.

    :param out: for the mesh, logs and parameters
    :param frames: number of frames that the player sends
    """

    out: RunFolder
    frames: int
    refiner: RefinerNodeSettings
    tsdf: TsdfNodeSettings
    player: PlayerNodeSettings

    @property
    def mesh_file(self) -> Path:
        """Return the file that the fusion node writes."""
        return self.out.path / MESH_FILE


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    What the collector wrote, and the last state of the nodes.

    :param diagnostics: node to its last reported values
    """

    collected: Collected
    diagnostics: dict[str, dict[str, str]]


def demo_graph(
    out: RunFolder, model: ModelSettings, *, source: str, frames: int, rate_hz: float, live: bool
) -> Graph:
    """Return the settings of the demo: those of ``config/``, and what the demo needs."""
    refiner = updated(
        node_settings(RefinerNodeSettings, 'refiner'),
        {
            **values(model),
            'profile': 'rep118',
            'keep_every_frame': not live,
            'input_qos': 'sensor_data' if live else 'reliable',
            'diagnostics_period_s': REPORT_PERIOD_S,
            'always_on': True,
        },
    )
    tsdf = updated(
        node_settings(TsdfNodeSettings, 'tsdf'),
        {
            'pose_source': 'pose',
            'mesh_file': str((out.path / MESH_FILE).resolve()),
            'save_at_shutdown': True,
            'diagnostics_period_s': REPORT_PERIOD_S,
        },
    )
    player = updated(
        node_settings(PlayerNodeSettings, 'player'),
        {
            'source': source,
            'rate_hz': rate_hz,
            'lock_step': 'off' if live else 'tsdf',
            'wait_for_subscribers_s': START_LIMIT_S - 10.0,
            'lock_step_timeout_s': 600.0,
            'publish_depth': model.takes(DEPTH_PRIORS),
        },
    )
    return Graph(out=out, frames=frames, refiner=refiner, tsdf=tsdf, player=player)


def run_graph(
    graph: Graph,
    collected: Path,
    page: LivePage | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Outcome:
    """
    Run the nodes until every frame has passed.

    :param collected: folder for what the collector writes
    :param page: live page of the newest frame
    :param meanwhile: called once, when images arrive, for what may take as long as a few frames;
        the bars stand still until it is done
    :raises ChildError: if a node fails, with the end of its log
    """
    nodes = {
        'collector': CollectorNodeSettings(
            folder=str(collected.resolve()),
            keep_images=page is not None,
            late=graph.refiner.keep_every_frame,
        ),
        'tsdf': graph.tsdf,
        'refiner': graph.refiner,
        'player': graph.player,
    }
    for node in nodes:  # the files of an earlier run are removed now
        graph.out.file(f'{LOGS}/{node}.log')
        graph.out.file(f'{PARAMETERS}/{node}.yaml')
    graph.out.file(MESH_FILE)
    with Children(graph.out.path / LOGS, environment(free_domain())) as children:
        for node, settings in nodes.items():
            children.start(node, node_arguments(node, settings, graph.out.path / PARAMETERS))
        _watch(children, graph, collected, LiveView(page) if page else None, meanwhile)
        time.sleep(2 * REPORT_PERIOD_S)  # for the final counts
        for node in ('player', 'refiner', 'tsdf', 'collector'):
            children.stop(node)
        children.check()
    return Outcome(
        collected=read_arrivals(collected),
        diagnostics={
            node: last_diagnostics(collected, node) for node in ('refiner', 'tsdf', 'player')
        },
    )


def _watch(
    children: Children,
    graph: Graph,
    collected: Path,
    view: LiveView | None,
    meanwhile: Callable[[], object] | None,
) -> None:
    """Follow the arrivals until the player has ended and nothing more arrives."""
    started_s = quiet_since_s = time.monotonic()
    seen = -1
    with progress_bars() as bars:
        tasks = {topic: bars.add_task(name, total=graph.frames) for topic, name in BARS.items()}
        while True:
            children.check()
            arrivals = read_arrivals(collected)
            for topic, task in tasks.items():
                bars.update(task, completed=arrivals.count(topic))
            if view:
                view.update(arrivals)
            if meanwhile and arrivals.count('image'):
                meanwhile()
                meanwhile = None
            now_s, total = time.monotonic(), sum(map(arrivals.count, BARS))
            if total != seen:
                seen, quiet_since_s = total, now_s
            if total == 0 and now_s - started_s > START_LIMIT_S:
                raise ChildError(
                    f'no image arrived within {START_LIMIT_S:.0f} s; see {graph.out.path / LOGS}',
                    1,
                )
            everything = all(arrivals.count(topic) >= graph.frames for topic in BARS)
            quiet = not children.running('player') and now_s - quiet_since_s > SETTLE_S
            if everything or quiet:
                return
            time.sleep(POLL_S)
