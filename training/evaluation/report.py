# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Write what readers look at: tables and charts of many evaluations, pictures of one."""

from collections.abc import Sequence
from pathlib import Path

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.report.panels import sheet, View, write_png
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
from training.data.sample import Sample
from training.evaluation.config import EvaluationConfig
from training.evaluation.figures import boundary_sheet, SHARP_ON, sharpness_chart, sharpness_points
from training.evaluation.images import Images
from training.evaluation.predictions import Predictions
from training.evaluation.protocols import PROTOCOLS
from training.evaluation.summaries import Scores, set_of
from training.evaluation.tables import markdown

FOLDER = 'pictures'


def write_report(place: Path, folders: Sequence[Path]) -> list[Path]:
    """
    Write ``tables.md`` and a chart of accuracy and sharpness for each data set that has both.

    :param folders: outputs of evaluations, scored
    :return: what was written
    :raises InputError: where a folder has no scores, or two have the same
    """
    scores = Scores.read(folders)
    write_text(place / 'tables.md', markdown(scores))
    written = [place / 'tables.md']
    pairs = [('kitti', protocol) for protocol in SHARP_ON] + [('frames', 'frames')]
    for accurate_on, sharp_on in pairs:
        points = sharpness_points(scores, accurate_on, sharp_on)
        if any(point.measured for point in points):
            chart = sharpness_chart(
                points, PROTOCOLS[accurate_on].title, PROTOCOLS[sharp_on].title
            )
            written.append(place / f'sharpness_{sharp_on}.png')
            write_png(written[-1], chart.rgb_HW3())
    return written


def write_pictures(config: EvaluationConfig, indices: Sequence[int]) -> list[Path]:
    """
    Draw boundaries and difference of some images, for every set that was predicted.

    :param indices: numbers of images
    :return: what was written, in ``pictures`` of the output
    :raises InputError: where an image has no prediction
    :raises SettingsError: where no row is named SET/prior, SET/aligned or SET/refined
    """
    images, output = Images(config), Path(config.output)
    sets = list(dict.fromkeys(filter(None, map(set_of, config.rows))))
    if not sets:
        raise SettingsError('no row is named SET/prior, SET/aligned or SET/refined; rename rows')
    written = []
    for index in indices:
        if not 0 <= index < len(images):
            raise SettingsError(f'image {index} is not one of the {len(images)}, from 0')
        try:
            sample = images[index]
        except FrameError as error:
            raise InputError(str(error)) from error
        for name in sets:
            written += _pictures(output, config, index, sample, name)
    return written


def _pictures(
    output: Path, config: EvaluationConfig, index: int, sample: Sample, name: str
) -> list[Path]:
    rows, columns = sample.rgb_HW3.shape[:2]
    maps = {}
    for role in ('prior', 'aligned', 'refined', 'difference'):
        row = f'{name}/{role}'
        if row in config.rows:
            try:
                maps[role] = Predictions(output, row).read(index, (rows, columns))
            except FrameError as error:
                note(f'{row}: {error}')
    difference_HW = maps.pop('difference', None)
    if not maps:
        raise InputError(f'image {index} has no prediction of {name}; run infer first')
    start = output / FOLDER / f'{index:06d}_{name}'
    written = []
    if sample.depth_m_HW is not None and np.isfinite(sample.depth_m_HW).any():
        written.append(start.with_name(f'{start.name}_boundaries.png'))
        write_png(written[-1], boundary_sheet(sample.rgb_HW3, sample.depth_m_HW, maps))
    if {'prior', 'refined'} <= maps.keys():
        view = View(
            rgb_HW3=sample.rgb_HW3,
            prior_m_HW=maps['prior'],
            refined_m_HW=maps['refined'],
            truth_m_HW=sample.depth_m_HW,
            own_difference_HW=difference_HW,
        )
        written.append(start.with_name(f'{start.name}_difference.png'))
        write_png(written[-1], sheet([view]))
    return written
