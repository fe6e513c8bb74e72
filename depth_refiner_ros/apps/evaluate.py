"""The work of ``depth-refiner eval``."""

from collections.abc import Iterator, Mapping, Sequence
import csv as csv_format
from dataclasses import dataclass, replace
from itertools import islice
import math
from pathlib import Path
from typing import Any

import cv2
from depth_refiner_ros.apps.closing_lines import print_depth
from depth_refiner_ros.apps.console import note, output_folder, say, tracked, write_json
from depth_refiner_ros.apps.inference import (
    AssumedCamera,
    depth_batch,
    Depths,
    infer,
    plane,
    rgb_batch,
)
from depth_refiner_ros.apps.scoring import COMPARED, Comparison, FIGURES, frame_errors, FrameErrors
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.priors.smeared import SmearedPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.panels import sheet, write_png
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.sources.frame import Frame, FrameSource
from depth_refiner_ros.sources.images import FrameListSource, resampled_nearest
from depth_refiner_ros.sources.registry import open_source
import numpy as np


@dataclass(frozen=True)
class Labelled:
    """A frame with the group that it is averaged in, and where it was taken, if known."""

    frame: Frame
    source: str
    scene: str


class Groups:
    """Comparisons by group, made when first asked for."""

    def __init__(self) -> None:
        self._comparisons: dict[str, Comparison] = {}

    def __getitem__(self, name: str) -> Comparison:
        return self._comparisons.setdefault(name, Comparison())

    def results(self) -> dict[str, dict[str, Any]]:
        """Return the result of each group, ready for JSON."""
        return {name: comparison.result() for name, comparison in self._comparisons.items()}


def run(
    locations: Sequence[str],
    model: ModelSettings,
    smear: SmearSettings,
    *,
    frames: int,
    every: int,
    range_m: tuple[float, float],
    assume_fov_deg: float,
    json: Path | None,
    csv: Path | None,
    panels: Path | None,
) -> None:
    """Compare prior and refined depth with ground truth; print, and write what was asked for."""
    sources = [open_source(location) for location in locations]
    refiner, spoilt = DepthRefiner.from_settings(through_sensor(model)), Smear(smear, model)
    for line in refiner.describe():
        note(line)
    overall, per_source, per_scene = Comparison(), Groups(), Groups()
    rows: list[dict[str, Any]] = []
    with_camera = AssumedCamera(assume_fov_deg)
    for source in sources:
        total = len(range(0, min(len(source), frames * every) if frames else len(source), every))
        picked = islice(labelled(source), 0, total * every, every)
        for item in tracked(picked, source.name, total):
            frame = with_camera(spoilt(item.frame))
            depths = infer(refiner, model, frame)
            truth_m_HW = _truth(item.frame, range_m)
            errors = frame_errors(depths.prior_m_HW, depths.refined_m_HW, truth_m_HW)
            overall.add(errors)
            per_source[item.source].add(errors)
            if item.scene:
                per_scene[item.scene].add(errors)
            rows.append(_row(item, errors))
            if panels:
                _draw(panels, item, depths, truth_m_HW)
    result = {
        'overall': overall.result(),
        'per_scene': per_scene.results(),
        'per_source': per_source.results(),
        'settings': {
            **values(model),
            **{f'smear.{name}': value for name, value in values(smear).items()},
        },
        'bundles': refiner.describe(),
    }
    _give(result, rows, json, csv)


class Smear:
    """
    For prior ``smeared``: spoils the depth of each frame with errors of its own.

    :param settings: how much
    :param model: its seed starts the errors; another prior leaves frames alone
    """

    def __init__(self, settings: SmearSettings, model: ModelSettings) -> None:
        self._settings, self._active, self._seed = settings, model.prior == 'smeared', model.seed

    def __call__(self, frame: Frame) -> Frame:
        """Return the frame with spoilt depth; the next one is spoilt differently."""
        if not self._active or frame.depth_m_HW is None:
            return frame
        prior = SmearedPrior(
            factor=self._settings.factor,
            warp=self._settings.warp,
            scale=self._settings.scale,
            seed=self._seed,
        )
        self._seed += 1
        smeared = prior.predict(rgb_batch(frame), None, depth_batch(frame.depth_m_HW))
        return replace(frame, depth_m_HW=plane(smeared.depth_B1HW))


def through_sensor(model: ModelSettings) -> ModelSettings:
    """Return settings under which spoilt depth comes in as a sensor's would."""
    return replace(model, prior='sensor') if model.prior == 'smeared' else model


def labelled(source: FrameSource) -> Iterator[Labelled]:
    """Return the frames of a source with their groups; a frame list names them itself."""
    if not isinstance(source, FrameListSource):
        for frame in source:
            yield Labelled(frame, source.name, '')
        return
    for frame, entry in zip(source, source.entries):
        yield Labelled(
            _at_depth_size(frame, entry), str(entry.get('source', source.name)), scene_of(entry)
        )


def scene_of(entry: Mapping[str, Any]) -> str:
    """Return ``indoor`` or ``outdoor``, empty where a list does not say; a tabletop is indoors."""
    words = str(entry.get('scene', '')).split()
    return '' if not words else 'outdoor' if words[0] == 'outdoor' else 'indoor'


def _at_depth_size(frame: Frame, entry: Mapping[str, Any]) -> Frame:
    """Bring an image to the size of its coarser ground truth, so that no edge is made up."""
    size = entry.get('depth_size')
    if frame.depth_m_HW is None or not size or tuple(size) == frame.rgb_HW3.shape[1::-1]:
        return frame
    width, height = size
    intrinsics = frame.intrinsics
    return replace(
        frame,
        rgb_HW3=cv2.resize(frame.rgb_HW3, (width, height), interpolation=cv2.INTER_AREA),
        depth_m_HW=resampled_nearest(frame.depth_m_HW, height, width),
        intrinsics=None if intrinsics is None else intrinsics.resized(width, height),
    )


def _truth(frame: Frame, range_m: tuple[float, float]) -> np.ndarray:
    if frame.depth_m_HW is None:
        raise SourceError(
            f'{frame.name} has no depth to compare with; eval needs sources with '
            'ground truth (frames.json, a TUM RGB-D folder, sim:SEED)'
        )
    near_m, far_m = range_m[0], range_m[1] or math.inf
    if near_m >= far_m:
        raise InputError(f'--min-depth-m {near_m:g} must be below --max-depth-m {far_m:g}')
    inside_HW = (frame.depth_m_HW >= near_m) & (frame.depth_m_HW <= far_m)
    return np.where(inside_HW, frame.depth_m_HW, np.float32(np.nan))


def _row(item: Labelled, errors: FrameErrors) -> dict[str, Any]:
    figures = {name: errors.figures(name) for name in COMPARED}
    return {
        'source': item.source,
        'scene': item.scene,
        'frame': item.frame.name,
        **{f'{name}_{figure}': figures[name][figure] for figure in FIGURES for name in COMPARED},
    }


def _draw(folder: Path, item: Labelled, depths: Depths, truth_m_HW: np.ndarray) -> None:
    output_folder(folder)
    view = replace(depths.view(), truth_m_HW=truth_m_HW)
    name = f'{item.source}_{item.frame.name}'.replace('/', '_')
    write_png(folder / f'{name}.png', sheet([view]))


def _give(
    result: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    json: Path | None,
    csv: Path | None,
) -> None:
    if json:
        write_json(json, result)
    if csv:
        _write_csv(csv, rows)
    for group in ('per_source', 'per_scene'):
        for name, scores in result[group].items():
            say(f'\n{name}: {scores["frames"]} frames')
            print_depth(scores)
    say(f'\noverall: {result["overall"]["frames"]} frames')
    print_depth(result['overall'])


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('w', newline='', encoding='utf-8') as file:
            writer = csv_format.DictWriter(file, list(rows[0]) if rows else ['frame'])
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f'cannot write {path}: {error.strerror}; choose another place') from error
