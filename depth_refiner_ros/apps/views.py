# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The work of ``depth-refiner views``: new views of a map, from prior and refined depth.

As in table 5 and figure 16 of SharpDepth, with the poses of the recording in place of a tracker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
import math
from pathlib import Path
import shlex
import time
from typing import Any

from depth_refiner_ros.apps.console import note, say, tracked, write_json
from depth_refiner_ros.apps.inference import AssumedCamera
from depth_refiner_ros.apps.lost_frames import check_some_left, counter_for, dropped, end_run
from depth_refiner_ros.apps.lpips import load_lpips, Lpips
from depth_refiner_ros.apps.opening_lines import note_networks, note_unused_depth
from depth_refiner_ros.apps.output_names import frame_name
from depth_refiner_ros.apps.output_place import check_apart
from depth_refiner_ros.apps.scoring import COMPARED
from depth_refiner_ros.apps.spread import count_taken, spread_indices, taken
from depth_refiner_ros.apps.view_frames import ViewFrames, WITH_POSES
from depth_refiner_ros.apps.view_scores import Scores, scores_of, summarised, table
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.run_folder import run_folder, RunFolder
from depth_refiner_ros.mapping.splats.fitting import fitted, Photo
from depth_refiner_ros.mapping.splats.gaussians import Seeds, Splats, splats_at
from depth_refiner_ros.mapping.splats.rendering import device_of, rendered
from depth_refiner_ros.mapping.splats.similarity import WINDOW_PX
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.panels import Tile, tile_row, write_png
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.settings.splats import SplatSettings
from depth_refiner_ros.sources.frame import FrameSource, HasTrajectory
from depth_refiner_ros.sources.lost_frames import frame_or_lost, LostFrame
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.tum import TumSource
import numpy as np
import torch

REPORT_FILE, SUMMARY_FILE = 'report.md', 'summary.json'
TILE_PX = 480


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A view held back, and what each map shows in its place."""

    photo: Photo
    seen_HW3: Mapping[str, torch.Tensor]
    scores: Mapping[str, Scores]


def run(
    location: str,
    model: ModelSettings,
    splats: SplatSettings,
    recording: RecordingSettings,
    out: Path,
    *,
    frames: int,
    every: int,
    prior_given: bool,
    json: Path | None,
    strict: bool,
) -> None:
    """Map a recording by prior and by refined depth; compare both with the views held back."""
    check_apart(out, [location])
    source = open_source(location, recording=recording.bag_options(), log=note)
    _check_poses(source, location)
    device, lpips = device_of(splats.device), load_lpips(splats.lpips_weights)
    refiner = DepthRefiner.from_settings(model)
    views = ViewFrames(refiner=refiner, model=model, settings=splats, device=device)
    total = count_taken(len(source), every=every, limit=frames)
    lost, with_camera, frames_in = counter_for(total), AssumedCamera(recording.assume_fov_deg), 0
    with run_folder(out, (REPORT_FILE, SUMMARY_FILE)) as folder:
        note_networks(refiner.describe())
        note_unused_depth(source, model, prior_given=prior_given)
        picked = taken(source, every=every, limit=frames)
        for frame in tracked(picked, source.name, total):
            frames_in += 1
            added = (
                frame
                if isinstance(frame, LostFrame)
                else frame_or_lost(frame.name, partial(views.add, with_camera(frame)))
            )
            if isinstance(added, LostFrame):
                lost.add(added)
        check_some_left(lost, frames_in, f'cannot map {source.name}')
        seeds = _chosen(views, splats)
        started_s = time.perf_counter()
        maps = {name: _mapped(name, seeds[name], views.fitted, splats) for name in COMPARED}
        fit_s = time.perf_counter() - started_s
        judged = [
            _judged(photo, maps, lpips if isinstance(lpips, Lpips) else None)
            for photo in views.held_back
        ]
        per_view = [view.scores for view in judged]
        result = {
            'source': source.name,
            'views_fitted': len(views.fitted),
            'views_held_back': len(judged),
            'splats': len(maps['prior']),
            'fit_s': fit_s,
            'device': str(device),
            'means': summarised(per_view),
            'per_view': [{'view': view.photo.name, **view.scores} for view in judged],
            'left_out': lpips if isinstance(lpips, str) else None,
            'dropped': dropped(lost),
            'settings': {'model': values(model), 'splats': values(splats)},
            'bundles': refiner.describe(),
        }
        for index, view in enumerate(judged):
            name = frame_name(index, view.photo.name)
            write_png(folder.file(f'views/{name}.png'), _picture(view))
        _write(folder, result, json)
    end_run(lost, frames_in, strict=strict)


def _check_poses(source: FrameSource, location: str) -> None:
    """
    Refuse a recording that could have poses and has none.

    :raises SourceError: with what to type
    """
    if not isinstance(source, HasTrajectory) or len(source.trajectory):
        return
    fix = WITH_POSES
    if isinstance(source, TumSource):
        place = shlex.quote(location)
        truth = shlex.quote(str(Path(location) / 'groundtruth.txt'))
        fix = f'type depth-refiner fuse {place} -o FUSED && cp FUSED/trajectory.txt {truth}'
    raise SourceError(f'{source.name} has no poses; {fix}')


def _chosen(views: ViewFrames, settings: SplatSettings) -> dict[str, list[Seeds]]:
    """
    Return seeds of as many views as the number of splats allows, evenly spread, or of one in part.

    :raises InputError: if there are too few views, no seeds, or images too small to compare
    """
    if not views.fitted:
        raise InputError(
            f'{counted(len(views.held_back), "view")} cannot be mapped and compared: a map needs '
            'one to be fitted to beside the one that is held back'
        )
    camera = views.fitted[0].camera
    if min(camera.width, camera.height) < WINDOW_PX:
        raise InputError(
            f'images of {camera.width}x{camera.height} are too small for SSIM, whose window is '
            f'{WINDOW_PX} pixels wide; set a larger splats.width_px than {settings.width_px}'
        )
    most_in_view = max(len(seeds['prior'].depth_m_N) for seeds in views.seeds)
    if not most_in_view:
        raise InputError('no view has known depth that splats could begin at')
    count = max(1, settings.most // most_in_view)
    picked = [views.seeds[index] for index in spread_indices(len(views.seeds), count)]
    return {name: [_thinned(seeds[name], settings.most) for seeds in picked] for name in COMPARED}


def _thinned(seeds: Seeds, most: int) -> Seeds:
    """Return at most so many seeds, evenly spread, which are as much wider as they are fewer."""
    count = len(seeds.depth_m_N)
    if count <= most:
        return seeds
    kept = spread_indices(count, most)
    return replace(
        seeds,
        column_N=seeds.column_N[kept],
        row_N=seeds.row_N[kept],
        depth_m_N=seeds.depth_m_N[kept],
        rgb_N3=seeds.rgb_N3[kept],
        spacing_px=seeds.spacing_px * math.sqrt(count / most),
    )


def _mapped(
    name: str, seeds: Sequence[Seeds], photos: Sequence[Photo], settings: SplatSettings
) -> Splats:
    depth_m_N = np.concatenate([view.depth_m_N for view in seeds])
    steps = iter(tracked(range(settings.steps), f'map from {name} depth', settings.steps))
    found = fitted(
        splats_at(seeds, photos[0].rgb_HW3.device),
        photos,
        steps=settings.steps,
        seed=settings.seed,
        extent_m=float(np.median(depth_m_N)),
        advanced=lambda: next(steps),
    )
    next(steps, None)  # ends the progress bar
    return found


@torch.no_grad()
def _judged(photo: Photo, maps: Mapping[str, Splats], lpips: Lpips | None) -> Judged:
    seen = {
        name: rendered(splats, photo.camera, photo.map_from_camera)
        for name, splats in maps.items()
    }
    scores = {name: scores_of(rgb_HW3, photo.rgb_HW3, lpips) for name, rgb_HW3 in seen.items()}
    return Judged(photo=photo, seen_HW3=seen, scores=scores)


def _picture(view: Judged) -> np.ndarray:
    tiles = [Tile('held back', _bytes(view.photo.rgb_HW3))]
    for name in COMPARED:
        label = f'{name}: {view.scores[name]["psnr_db"]:.2f} dB'
        tiles.append(Tile(label, _bytes(view.seen_HW3[name])))
    return tile_row(tiles, max(TILE_PX, tiles[0].rgb_HW3.shape[1]))


def _bytes(rgb_HW3: torch.Tensor) -> np.ndarray:
    return (rgb_HW3.clamp(0, 1) * 255.0).round().byte().cpu().numpy()


def _write(folder: RunFolder, result: Mapping[str, Any], json: Path | None) -> None:
    rows = table(result['means'], result['views_held_back'])
    lines = ['| ' + ' | '.join(row) + ' |' for row in rows]
    lines.insert(1, '|' + ' --- |' * len(rows[0]))
    about = (
        f'{result["source"]}: {counted(result["splats"], "splat")} fitted to '
        f'{counted(result["views_fitted"], "view")}, compared with '
        f'{counted(result["views_held_back"], "view")} held back; mean ± standard deviation over '
        'these'
    )
    parts = [about, '\n'.join(lines), *filter(None, [result['left_out']])]
    write_text(folder.file(REPORT_FILE), '# New views\n\n' + '\n\n'.join(parts) + '\n')
    write_json(folder.file(SUMMARY_FILE), result)
    if json:
        write_json(json, result)
    for part in parts:
        say(part)
    say(f'report: {folder.path / REPORT_FILE}')
