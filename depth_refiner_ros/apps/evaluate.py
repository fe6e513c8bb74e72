# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner eval``."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
import csv as csv_format
from dataclasses import dataclass, replace
from functools import partial
import io
import math
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.closing_lines import print_confidence, print_depth
from depth_refiner_ros.apps.console import note, say, tracked, write_json
from depth_refiner_ros.apps.inference import AssumedCamera, Depths, infer
from depth_refiner_ros.apps.lost_frames import check_some_left, counter_for, dropped, end_run
from depth_refiner_ros.apps.opening_lines import note_networks
from depth_refiner_ros.apps.output_names import frame_name
from depth_refiner_ros.apps.output_place import check_apart
from depth_refiner_ros.apps.scoring import (
    COMPARED,
    Comparison,
    FIGURES,
    frame_errors,
    FrameErrors,
    Steadiness,
)
from depth_refiner_ros.apps.spread import count_taken, taken
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.run_folder import run_folder
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.refiner.smear import Smear, through_sensor
from depth_refiner_ros.report.panels import sheet, write_png
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.labelled import Labelled, labelled
from depth_refiner_ros.sources.lost_frames import frame_or_lost, FrameError, LostFrame, NO_DEPTH
from depth_refiner_ros.sources.registry import open_source
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A refined frame and the part of its ground truth within the range, ``truth_m_HW``."""

    depths: Depths
    truth_m_HW: np.ndarray
    errors: FrameErrors


class Groups:
    """The comparison of each group, created on first use, and the steadiness of its frames."""

    def __init__(self) -> None:
        self._comparisons: dict[str, Comparison] = {}
        self._steadiness: dict[str, Steadiness] = {}

    def add(self, name: str, measured: Measured) -> None:
        """Add a frame to a group."""
        self._comparisons.setdefault(name, Comparison()).add(measured.errors)
        steadiness = self._steadiness.setdefault(name, Steadiness())
        views = _posed(measured.depths)
        if views is None:
            steadiness.cut()
        else:
            steadiness.add(*views)

    def cut(self) -> None:
        """Begin a new sequence: the next frame does not follow the last one."""
        for steadiness in self._steadiness.values():
            steadiness.cut()

    def overall(self) -> Steadiness:
        """Return the steadiness over all groups."""
        return Steadiness.over(self._steadiness.values())

    def results(self) -> dict[str, dict[str, Any]]:
        """Return the result of each group, ready for JSON."""
        return {
            name: comparison.result() | _temporal(self._steadiness[name])
            for name, comparison in self._comparisons.items()
        }


def _posed(depths: Depths) -> tuple[PosedDepth, PosedDepth] | None:
    """Return prior and refined depth with their pose; None for photographs and without a pose."""
    frame = depths.frame
    if not frame.of_video or frame.intrinsics is None or frame.map_from_camera is None:
        return None
    prior = PosedDepth(
        depth_m_HW=depths.prior_m_HW,
        intrinsics=frame.intrinsics,
        map_from_camera=frame.map_from_camera,
    )
    return prior, replace(prior, depth_m_HW=depths.refined_m_HW)


def _temporal(steadiness: Steadiness) -> dict[str, dict[str, float | None]]:
    """Return the temporal alignment errors under their key; empty if no two frames have any."""
    percent = steadiness.result()
    return {} if None in percent.values() else {'temporal_error_percent': percent}


def run(
    locations: Sequence[str],
    model: ModelSettings,
    smear: SmearSettings,
    recording: RecordingSettings,
    *,
    frames: int,
    every: int,
    range_m: tuple[float, float],
    json: Path | None,
    csv: Path | None,
    panels: Path | None,
    strict: bool,
) -> None:
    """Compare prior and refined depth with ground truth; print and write the results."""
    _check_range(range_m)
    if smear != SmearSettings() and model.prior != 'smeared':
        raise SettingsError(
            f'prior = {model.prior} is not spoilt, so options --smear-... have no effect; add '
            '--prior smeared, or leave them out'
        )
    if panels:
        check_apart(panels, locations)
    sources = [
        open_source(location, recording=recording.bag_options(), poses=False, log=note)
        for location in locations
    ]
    refiner, spoilt = DepthRefiner.from_settings(through_sensor(model)), Smear(smear, model)
    overall, per_source, per_scene = Comparison(), Groups(), Groups()
    rows: list[dict[str, Any]] = []
    lost = counter_for(sum(map(len, sources)))
    with_camera = AssumedCamera(recording.assume_fov_deg)
    with run_folder(panels) if panels else nullcontext() as drawn:
        note_networks(refiner.describe())
        for source in sources:
            refiner.reset()
            per_source.cut()
            total = count_taken(len(source), every=every, limit=frames)
            picked = taken(labelled(source), every=every, limit=frames)
            for item in tracked(picked, source.name, total):
                if isinstance(item, LostFrame):
                    lost.add(item)
                    per_source.cut()
                    continue
                frame, number = with_camera(item.frame), len(rows) + len(lost)
                measured = frame_or_lost(
                    frame.name, partial(_measured, refiner, model, spoilt, frame, number, range_m)
                )
                if isinstance(measured, LostFrame):
                    lost.add(measured)
                    per_source.cut()
                    continue
                overall.add(measured.errors)
                per_source.add(item.source, measured)
                if item.scene:
                    per_scene.add(item.scene, measured)
                rows.append(_row(item, measured.errors))
                if drawn:
                    name = f'{item.source}_{item.frame.name}'.replace('/', '_')
                    _draw(drawn.file(f'{frame_name(len(rows) - 1, name)}.png'), measured)
    check_some_left(lost, len(rows) + len(lost), 'nothing to compare')
    result = {
        'overall': overall.result() | _temporal(per_source.overall()),
        'per_scene': per_scene.results(),
        'per_source': per_source.results(),
        'dropped': dropped(lost),
        'settings': {
            **values(model),
            **{f'smear.{name}': value for name, value in values(smear).items()},
        },
        'bundles': refiner.describe(),
    }
    _print_and_write(result, rows, json, csv)
    end_run(lost, len(rows) + len(lost), strict=strict)


def _check_range(range_m: tuple[float, float]) -> None:
    near_m, far_m = range_m
    if far_m and near_m >= far_m:
        raise InputError(f'--min-depth-m {near_m:g} must be below --max-depth-m {far_m:g}')


def _measured(
    refiner: DepthRefiner,
    model: ModelSettings,
    spoilt: Smear,
    frame: Frame,
    number: int,
    range_m: tuple[float, float],
) -> Measured:
    """
    Refine a frame and compare with its depth.

    :raises FrameError: if it has no depth within the range, or the refiner refuses it
    """
    truth_m_HW = _truth(frame, range_m)
    given_m_HW = spoilt(frame.rgb_HW3, frame.depth_m_HW, number)
    depths = infer(refiner, model, replace(frame, depth_m_HW=given_m_HW))
    errors = frame_errors(depths.prior_m_HW, depths.refined_m_HW, truth_m_HW, depths.confidence_HW)
    return Measured(depths=depths, truth_m_HW=truth_m_HW, errors=errors)


def _truth(frame: Frame, range_m: tuple[float, float]) -> np.ndarray:
    if frame.depth_m_HW is None and frame.why_no_depth:
        raise FrameError(
            NO_DEPTH, f'{frame.name} has no depth to compare with; {frame.why_no_depth}'
        )
    if frame.depth_m_HW is None:
        raise FrameError(
            NO_DEPTH,
            f'{frame.name} has no depth to compare with; eval needs sources with '
            'ground truth (frames.json, a TUM RGB-D folder, a bag with depth, sim:SEED, '
            'rooms:SEED)',
        )
    near_m, far_m = range_m[0], range_m[1] or math.inf
    inside_HW = (frame.depth_m_HW >= near_m) & (frame.depth_m_HW <= far_m)
    if not inside_HW.any():
        wanted = f'from {near_m:g} m' + (f' to {far_m:g} m' if math.isfinite(far_m) else '')
        raise FrameError(
            NO_DEPTH,
            f'{frame.name} has no depth {wanted} to compare with; check its depth unit '
            '(depth_scale), --min-depth-m, --max-depth-m',
        )
    return np.where(inside_HW, frame.depth_m_HW, np.float32(np.nan))


def _row(item: Labelled, errors: FrameErrors) -> dict[str, Any]:
    figures = {name: errors.figures(name) for name in COMPARED}
    return {
        'source': item.source,
        'scene': item.scene,
        'frame': item.frame.name,
        **{f'{name}_{figure}': figures[name][figure] for figure in FIGURES for name in COMPARED},
    }


def _draw(path: Path, measured: Measured) -> None:
    write_png(path, sheet([replace(measured.depths.view(), truth_m_HW=measured.truth_m_HW)]))


def _print_and_write(
    result: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    json: Path | None,
    csv: Path | None,
) -> None:
    for group in ('per_source', 'per_scene'):
        for name, scores in result[group].items():
            say(f'\n{name}: {counted(scores["frames"], "frame")}')
            _print_scores(scores)
    say(f'\noverall: {counted(result["overall"]["frames"], "frame")}')
    _print_scores(result['overall'])
    # Last, as hours of work stay on the screen if a place cannot be written.
    if json:
        write_json(json, result)
    if csv:
        _write_csv(csv, rows)


def _print_scores(scores: Mapping[str, Any]) -> None:
    print_depth(scores, scores.get('temporal_error_percent'))
    if 'confidence' in scores:
        print_confidence(scores['confidence'])


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    table = io.StringIO(newline='')
    writer = csv_format.DictWriter(table, list(rows[0]) if rows else ['frame'])
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, table.getvalue())
