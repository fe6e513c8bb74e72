# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner refine``."""

from collections.abc import Sequence
import io
from pathlib import Path
import statistics
from typing import Any

import cv2
from depth_refiner_ros.apps.console import note, say, tracked, write_json
from depth_refiner_ros.apps.inference import AssumedCamera, Depths, infer
from depth_refiner_ros.apps.lost_frames import check_some_left, counter_for, dropped, end_run
from depth_refiner_ros.apps.opening_lines import note_networks, note_unused_depth
from depth_refiner_ros.apps.output_names import folder_names, frame_name
from depth_refiner_ros.apps.output_place import check_apart
from depth_refiner_ros.apps.scoring import Comparison
from depth_refiner_ros.apps.spread import count_taken, Spread, taken
from depth_refiner_ros.core.atomic import write_atomic
from depth_refiner_ros.core.depth_units import SATURATED
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.run_folder import run_folder, RunFolder
from depth_refiner_ros.mapping.ply_format import write_points
from depth_refiner_ros.mapping.recording import encoded_depth, MILLIMETRES
from depth_refiner_ros.refiner.checks import kept_lenses
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.panels import sheet, write_png
from depth_refiner_ros.settings.lenses import LensSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.frame import Frame, FrameSource
from depth_refiner_ros.sources.lost_frames import frame_or_lost, LostFrame, LostFrames
from depth_refiner_ros.sources.registry import open_source
import numpy as np

SUMMARY = 'summary.json'


def run(
    locations: Sequence[str],
    settings: ModelSettings,
    recording: RecordingSettings,
    lens: LensSettings,
    out: Path,
    *,
    frames: int,
    panels: int,
    npy: bool,
    ply: bool,
    prior_given: bool,
    json: Path | None,
    strict: bool,
) -> None:
    """Refine every frame of every source and write the results."""
    check_apart(out, locations)
    sources = {
        location: open_source(
            location,
            recording=recording.bag_options(),
            camera_file=lens.camera_file,
            keep=kept_lenses(settings, lens.rectify),
            poses=False,
            log=note,
        )
        for location in locations
    }
    with_camera = AssumedCamera(recording.assume_fov_deg)
    refiner = DepthRefiner.from_settings(settings)
    lost, per_source = counter_for(sum(map(len, sources.values()))), {}
    with run_folder(out, [SUMMARY]) as written:
        note_networks(refiner.describe())
        for source in sources.values():
            note_unused_depth(source, settings, prior_given=prior_given)
        for location, folder in zip(sources, folder_names(list(sources))):
            per_source[location] = _one_source(
                sources[location],
                refiner,
                settings,
                written,
                folder,
                frames=frames,
                panels=panels,
                npy=npy,
                ply=ply,
                with_camera=with_camera,
                lost=lost,
            )
        refined = sum(source['frames'] for source in per_source.values())
        check_some_left(lost, refined + len(lost), 'nothing to refine')
        summary = {
            'frames': refined,
            'dropped': dropped(lost),
            'settings': values(settings),
            'bundles': refiner.describe(),
            'per_source': per_source,
        }
        write_json(written.file(SUMMARY), summary)
    if json:
        write_json(json, summary)
    say(f'{counted(refined, "depth map")} in {out}')
    if too_far := sum(source['too_far_px'] for source in per_source.values()):
        kept = (
            'the .npy files have them' if npy else 'without --no-npy, .npy files would have them'
        )
        note(
            f'{counted(too_far, "pixel")} farther than {SATURATED / MILLIMETRES:g} m, the end of '
            f'16-bit millimetres, unknown (0) in the PNG files; {kept}'
        )
    end_run(lost, refined + len(lost), strict=strict)


def _one_source(
    source: FrameSource,
    refiner: DepthRefiner,
    settings: ModelSettings,
    written: RunFolder,
    folder: str,
    *,
    frames: int,
    panels: int,
    npy: bool,
    ply: bool,
    with_camera: AssumedCamera,
    lost: LostFrames,
) -> dict[str, Any]:
    refiner.reset()
    total = count_taken(len(source), limit=frames)
    drawn = Spread(total, panels)
    comparison, total_ms, lost_before = Comparison(), [], len(lost)
    clamped = too_far = 0
    for index, frame in enumerate(tracked(taken(source, limit=frames), source.name, total)):
        depths = _refined(refiner, settings, frame, with_camera)
        if isinstance(depths, LostFrame):
            lost.add(depths)
            continue
        name = f'{folder}/{frame_name(index, frame.name)}'
        _write(depths, written, name, npy=npy)
        if ply:
            write_points(written.file(f'{name}.ply'), *depths.points())
        if drawn.picks(index):
            write_png(written.file(f'{name}_panel.png'), sheet([depths.view()]))
        comparison.add(depths.errors())
        total_ms.append(sum(depths.timings_ms.values()))
        clamped += depths.clamped
        too_far += int((depths.refined_m_HW * MILLIMETRES >= SATURATED).sum())
    return {
        'name': source.name,
        'folder': folder,
        'frames': len(total_ms),
        'lost': len(lost) - lost_before,
        'median_ms': statistics.median(total_ms) if total_ms else None,
        'clamped_px': clamped,
        'too_far_px': too_far,
        'depth': comparison.result() if comparison.frames else None,
    }


def _refined(
    refiner: DepthRefiner,
    settings: ModelSettings,
    frame: Frame | LostFrame,
    with_camera: AssumedCamera,
) -> Depths | LostFrame:
    if isinstance(frame, LostFrame):
        return frame
    return frame_or_lost(frame.name, lambda: infer(refiner, settings, with_camera(frame)))


def _write(depths: Depths, written: RunFolder, name: str, *, npy: bool) -> None:
    millimetres_HW = encoded_depth(depths.refined_m_HW, MILLIMETRES)
    _, png = cv2.imencode('.png', millimetres_HW)
    write_atomic(written.file(f'{name}.png'), [png.tobytes()], durable=False)
    if npy:
        buffer = io.BytesIO()
        np.save(buffer, depths.refined_m_HW)
        write_atomic(written.file(f'{name}.npy'), [buffer.getvalue()], durable=False)
