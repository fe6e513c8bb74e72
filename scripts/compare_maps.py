# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Fuse one sequence in several ways and compare the meshes.

``python scripts/compare_maps.py SOURCE`` refines each frame once; its prior and its refined depth
go into one map per way: as they are, with the scale held, with pixels weighed. The true surface is
the source's own (simulated rooms) or that of its own depth. Results are in docs/mapping.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
import sys
import time
from typing import Annotated, Any

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.apps.console import note, say, tracked, write_json
from depth_refiner_ros.apps.fuse import true_mesh
from depth_refiner_ros.apps.inference import Depths, infer
from depth_refiner_ros.apps.spread import count_taken, Spread, taken
from depth_refiner_ros.cli.flags import writable
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_metrics import compare
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.temporal_error import TemporalError
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.registry import open_source
import numpy as np
from training.program import ended
import typer

DEFAULTS = TsdfSettings(device='cpu')
PLAIN = replace(DEFAULTS, hold_scale=False, weighting='uniform', min_trust=0.0, carve_every=0)
WEIGHED = 'scale held, weighed'
WAYS = {'as it is': PLAIN, 'scale held': replace(PLAIN, hold_scale=True), WEIGHED: DEFAULTS}
TRUE_VIEWS = 40
MIN_PART_TRIANGLES = 50
THRESHOLDS_M = (0.02, 0.05)
SAMPLES = 30_000


@dataclass
class Way:
    """One map, and what was measured on its frames."""

    settings: TsdfSettings
    mapper: Mapper = field(init=False)
    steadiness: TemporalError = field(default_factory=TemporalError)
    log_scales: list[float] = field(default_factory=list)
    fuse_ms: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mapper = Mapper(self.settings)

    def add(self, view: PosedDepth, confidence_HW: np.ndarray, truth_m_HW: np.ndarray) -> None:
        """Fuse a frame, and note its scale."""
        started_s = time.perf_counter()
        view, _ = self.mapper.held(view, self.settings)
        self.mapper.add(view, None, confidence_HW, self.settings)
        self.fuse_ms.append(1e3 * (time.perf_counter() - started_s))
        self.steadiness.add(view)
        with np.errstate(divide='ignore', invalid='ignore'):
            log_HW = np.log(view.depth_m_HW[::4, ::4] / truth_m_HW[::4, ::4])
        self.log_scales.append(float(np.nanmedian(log_HW)))

    def result(
        self, truth: Mesh, true_views: list[PosedDepth], settings: TsdfSettings | None = None
    ) -> dict[str, Any]:
        """Return the figures of this map, with other settings of its mesh if there are some."""
        wanted = settings or self.settings
        mesh = self.mapper.mesh(wanted, min_part_triangles=MIN_PART_TRIANGLES)
        near, far = (
            compare(mesh, truth, views=true_views, samples=SAMPLES, threshold_m=metres)
            for metres in THRESHOLDS_M
        )
        return {
            'accuracy_mm': near.accuracy_mm,
            'accuracy_mean_mm': near.accuracy_mean_mm,
            'completeness_mm': near.completeness_mm,
            'completeness_mean_mm': near.completeness_mean_mm,
            'f_score_2cm': near.f_score,
            'f_score_5cm': far.f_score,
            'temporal_error_percent': self.steadiness.percent,
            'scale_step_percent': 100.0 * float(np.abs(np.diff(self.log_scales)).mean()),
            'scale_mean_percent': 100.0 * float(np.mean(self.log_scales)),
            'triangles': len(mesh.triangles_M3),
            'fuse_ms': float(np.median(self.fuse_ms)),
        }


def main(
    location: Annotated[str, typer.Argument(metavar='SOURCE', help='With poses and depth.')],
    prior: Annotated[str, typer.Option(help='Of the refiner.')] = 'smeared',
    refiner: Annotated[str, typer.Option(help='Compared with its prior.')] = 'apdepth',
    refiner_weights: Annotated[str, typer.Option(help='As of eval.')] = 'bundled',
    seed: Annotated[int, typer.Option(min=0, help='Of the errors of the prior smeared.')] = 0,
    every: Annotated[int, typer.Option(min=1, help='Take every n-th frame.')] = 1,
    min_trust: Annotated[
        list[float] | None, typer.Option(help='Mesh the weighed maps with this, too; repeatable.')
    ] = None,
    json: Annotated[
        Path | None, typer.Option(callback=writable, help='Also write the results here.')
    ] = None,
) -> None:
    """Compare the maps of prior and refined depth with the true surface."""
    model = ModelSettings(prior=prior, refiner=refiner, refiner_weights=refiner_weights, seed=seed)
    source = open_source(location, log=note)
    total = count_taken(len(source), every=every, limit=0)
    maps = {(depth, way): Way(WAYS[way]) for depth in ('prior', 'refined') for way in WAYS}
    own, judged, true_views = Mapper(PLAIN), Spread(total, TRUE_VIEWS), []
    frames = tracked(taken(source, every=every, limit=0), source.name, total)
    for index, (depths, truth) in enumerate(_refined(frames, model)):
        own.add(truth, None, None, PLAIN)
        if judged.picks(index):
            true_views.append(truth)
        for (depth, _), way in maps.items():
            depth_m_HW = depths.prior_m_HW if depth == 'prior' else depths.refined_m_HW
            view = replace(truth, depth_m_HW=depth_m_HW)
            way.add(view, depths.confidence_HW, truth.depth_m_HW)
    surface = true_mesh(source) or own.mesh(PLAIN, min_part_triangles=MIN_PART_TRIANGLES)
    rows = {
        f'{depth}, {way}': found.result(surface, true_views)
        for (depth, way), found in maps.items()
    }
    for trust in min_trust or []:
        settings = replace(DEFAULTS, min_trust=trust)
        for depth in ('prior', 'refined'):
            weighed = maps[depth, WEIGHED]
            rows[f'{depth}, min_trust {trust:g}'] = weighed.result(surface, true_views, settings)
    for name, row in rows.items():
        figures = ', '.join(
            f'{key} {value:.3g}' for key, value in row.items() if value is not None
        )
        say(f'{name}: {figures}')
    if json:
        facts = {'source': source.name, 'every': every, 'prior': prior, 'refiner': refiner}
        write_json(json, {**facts, 'seed': seed, 'frames': total, 'rows': rows})


def _refined(
    frames: Iterator[Frame | LostFrame], model: ModelSettings
) -> Iterator[tuple[Depths, PosedDepth]]:
    network = DepthRefiner.from_settings(model)
    for frame in frames:
        if isinstance(frame, LostFrame):
            raise typer.BadParameter(frame.detail)
        if frame.depth_m_HW is None or frame.map_from_camera is None or frame.intrinsics is None:
            raise typer.BadParameter(f'frame {frame.name} has no depth, pose or camera')
        yield (
            infer(network, model, frame),
            PosedDepth(
                depth_m_HW=frame.depth_m_HW,
                intrinsics=frame.intrinsics,
                map_from_camera=frame.map_from_camera,
            ),
        )


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
