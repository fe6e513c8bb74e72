# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run the rows of an evaluation over its images; every map is a file as soon as it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import note, tracked, write_json
from depth_refiner_ros.apps.inference import Depths
from depth_refiner_ros.apps.inference import infer as infer_frame
from depth_refiner_ros.core.errors import DepthRefinerError, OutputError
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.models.bundle import bundle_folder, is_bundle, MANIFEST, sha256
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.refiner.smear import Smear, through_sensor
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import frame_or_lost, LostFrame, LostFrames
from training.evaluation.config import EvaluationConfig
from training.evaluation.images import Images
from training.evaluation.predictions import Predictions
from training.evaluation.protocols import protocol_of

REPORT = 'infer.json'
SAME_RESULT = ('threads', 'engine_cache')
"""Options that may change between a stopped run and the one that goes on."""


@dataclass
class Done:
    """
    What an inference left.

    :param rows: name of each row that could be loaded, to its images there and lost
    :param not_loaded: name of each other row, and why, in one line
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_loaded: dict[str, str] = field(default_factory=dict)


def infer(config: EvaluationConfig) -> Done:
    """
    Predict depth for every row and image that has no file yet.

    Rows with the same model share one run of the networks. A row whose model cannot be loaded is
    named in the result, and the others go on.

    :raises SettingsError: where the output holds predictions of another configuration
    :raises OutputError: where the disk is full; what was written stays, and a new run goes on
    """
    images, output, done = Images(config), Path(config.output), Done()
    with locked_folder(output):
        for settings, names in _by_model(config).items():
            rows = {name: Predictions(output, name) for name in names}
            for name, predictions in rows.items():
                made_by = _made_by(config, settings, name)
                predictions.claim({**made_by, **images.numbered(config)})
            _infer_model(config, settings, images, rows, done)
        _write_report(output / REPORT, len(images), done)
    return done


def not_loaded(output: Path) -> dict[str, str]:
    """Return the rows that the last inference could not load, and why."""
    try:
        report = json.loads((output / REPORT).read_text(encoding='utf-8'))
        return dict(report['not_loaded'])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _by_model(config: EvaluationConfig) -> dict[ModelSettings, list[str]]:
    found: dict[ModelSettings, list[str]] = {}
    for name in config.rows:
        found.setdefault(config.settings(name), []).append(name)
    return found


def _made_by(config: EvaluationConfig, settings: ModelSettings, name: str) -> dict[str, Any]:
    model = {key: value for key, value in values(settings).items() if key not in SAME_RESULT}
    return {
        'images': config.images(),
        'crop': protocol_of(config.protocol).crop.__name__,
        'map': config.rows[name].map,
        'dtype': config.dtype,
        'model': model,
        'weights': _hashes(settings),
    }


def _hashes(settings: ModelSettings) -> dict[str, str]:
    """Return hashes of the bundles that are used: one may be exported again to its folder."""
    used = {
        'prior_weights': ('prior', settings.prior == 'bundled'),
        'scale_prior_weights': ('prior', settings.scale_prior == 'bundled'),
        'refiner_weights': ('refiner', settings.refiner != 'none'),
    }
    return {
        option: sha256(bundle_folder(where, kind, settings.refiner) / MANIFEST)
        for option, (kind, is_used) in used.items()
        if is_used and is_bundle(where := getattr(settings, option))
    }


def _infer_model(
    config: EvaluationConfig,
    settings: ModelSettings,
    images: Images,
    rows: Mapping[str, Predictions],
    done: Done,
) -> None:
    """Run one model over the images that one of its rows lacks."""
    label = ', '.join(rows)
    todo = [
        index
        for index in range(len(images))
        if not all(predictions.has(index) for predictions in rows.values())
    ]
    lost = LostFrames(lambda line: note(f'{label}: {line}'))
    if todo:
        try:
            refiner = DepthRefiner.from_settings(through_sensor(settings), log=note)
        except DepthRefinerError as error:
            note(f'{label}: cannot be loaded, left out')
            done.not_loaded.update(dict.fromkeys(rows, str(error)))
            return
        for predictions in rows.values():
            predictions.note({'bundles': refiner.describe()})
        spoilt = Smear(config.smear_settings(), settings)
        for index in tracked(todo, label, len(todo)):
            depths = frame_or_lost(
                f'image {index}', partial(_depths, refiner, settings, images, spoilt, index)
            )
            if isinstance(depths, LostFrame):
                lost.add(depths)
                continue
            for name, predictions in rows.items():
                _write(predictions, index, depths, config.rows[name].map, config.dtype)
    there = {'images': len(images) - len(lost), 'new': len(todo) - len(lost)}
    for name in rows:
        done.rows[name] = {**there, 'lost': dict(lost.by_reason), 'lines': list(lost.lines)}


def _depths(
    refiner: DepthRefiner, settings: ModelSettings, images: Images, spoilt: Smear, index: int
) -> Depths:
    """
    Refine one image.

    :raises FrameError: where the image, or what the prior needs of it, cannot be used
    """
    sample = images[index]
    frame = Frame(
        stamp_ns=index,
        rgb_HW3=sample.rgb_HW3,
        intrinsics=sample.intrinsics,
        depth_m_HW=sample.depth_m_HW,
        name=sample.name,
    )
    given_m_HW = spoilt(frame.rgb_HW3, frame.depth_m_HW, index)
    return infer_frame(refiner, settings, replace(frame, depth_m_HW=given_m_HW))


def _write(predictions: Predictions, index: int, depths: Depths, kind: str, dtype: str) -> None:
    """Write the map of a row; refined depth that is the prior is noted as such."""
    if kind == 'refined' and not depths.fitted:
        note(
            f'{predictions.row}: image {index} could not be fitted to its prior, and is the prior'
        )
        predictions.add_unfitted(index)
    maps = {
        'refined': depths.refined_m_HW,
        'prior': depths.prior_m_HW,
        'difference': depths.difference_HW,
    }
    predictions.write(index, maps[kind], dtype)


def _write_report(path: Path, images: int, done: Done) -> None:
    try:
        write_json(path, {'images': images, 'rows': done.rows, 'not_loaded': done.not_loaded})
    except OutputError as error:  # the predictions are what counts, and they are whole
        note(str(error))
