# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Compare the predictions of an evaluation with the truth: per-image CSV and a JSON summary."""

from collections.abc import Mapping
import csv
from dataclasses import dataclass, field
from functools import partial
import io
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import note, plain, tracked, write_json
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.metrics import DEPTH_FIGURES, EDGE_FIGURES, MetricMean
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.sources.lost_frames import frame_or_lost, LostFrame, LostFrames, NO_DEPTH
from training.data.sample import Sample
from training.evaluation.comparison import compare, Compared, Truth, truth_of
from training.evaluation.config import EvaluationConfig
from training.evaluation.images import Images
from training.evaluation.infer import not_loaded
from training.evaluation.predictions import Predictions
from training.evaluation.protocols import group_of, Protocol, protocol_of

FOLDER = 'scores'
COLUMNS = (
    'image',
    'name',
    'group',
    *DEPTH_FIGURES,
    *EDGE_FIGURES,
    'edge_recall',
    'edge_fallback',
    'edge_skipped',
    'scale',
    'shift',
    'pixels',
    'missing',
    'clipped',
    'lost',
)
"""Columns of the CSV file; ``lost`` says why an image has no figures."""

Summary = dict[str, Any]


@dataclass
class RowScore:
    """The errors of one row, image by image."""

    row: str
    lost: LostFrames
    total: MetricMean = field(default_factory=MetricMean)
    groups: dict[str, MetricMean] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    swapped: int = 0

    def add(self, index: int, name: str, result: Compared | LostFrame) -> None:
        """Add an image."""
        group = group_of(name)
        line: dict[str, Any] = {'image': index, 'name': name, 'group': group}
        if isinstance(result, LostFrame):
            self.lost.add(result)
            self.lines.append({**line, 'lost': result.reason})
            return
        self.total.add(result.depth, result.edges)
        if group:
            self.groups.setdefault(group, MetricMean()).add(result.depth, result.edges)
        self.swapped += result.scale <= 0.0
        self.lines.append({**line, **_figures(result)})

    def summary(self) -> Summary:
        """Return means, spread and counts, ready for JSON."""
        lost = {reason: n for reason, n in self.lost.by_reason.items() if reason != NO_DEPTH}
        return {
            **self.total.summary(),
            'images': {
                'in_set': len(self.lines),
                'compared': len(self.lines) - len(self.lost),
                'without_truth': self.lost.by_reason[NO_DEPTH],
                'lost': lost,
                'near_and_far_swapped': self.swapped,
            },
            'groups': {name: mean.summary() for name, mean in sorted(self.groups.items())},
        }

    def csv(self) -> str:
        """Return the images as CSV; whoever reads it needs no other file."""
        table = io.StringIO(newline='')
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(plain(line) for line in self.lines)
        return table.getvalue()


def score(config: EvaluationConfig) -> dict[str, Summary]:
    """
    Compare every row that has predictions; write ``scores/PROTOCOL/ROW.json`` and ``.csv``.

    :return: row to summary
    :raises InputError: where no row has a prediction to compare
    :raises SettingsError: where the list of images was another one when they were made
    """
    output, protocol = Path(config.output), protocol_of(config.protocol)
    rows = _rows(config, output)
    images = Images(config)
    for predictions, _ in rows.values():
        predictions.check(images.numbered(config))
    with locked_folder(output):
        for index, sample in enumerate(tracked(images, config.protocol, len(images))):
            _score_image(config, protocol, index, sample, rows)
        summaries = {}
        for name, (predictions, found) in rows.items():
            place = output / FOLDER / config.protocol / name
            summaries[name] = plain(_summary(config, protocol, predictions, found))
            write_text(place.with_name(f'{place.name}.csv'), found.csv())
            write_json(place.with_name(f'{place.name}.json'), summaries[name])
    return summaries


def _rows(config: EvaluationConfig, output: Path) -> dict[str, tuple[Predictions, RowScore]]:
    rows, why = {}, not_loaded(output)
    for name, row in config.rows.items():
        if row.map == 'difference':
            continue
        predictions = Predictions(output, name)
        if not any(predictions.folder.glob('*.npy')):
            note(f'row {name} has no predictions: {why.get(name, "run infer first")}')
            continue
        lost = LostFrames(partial(_noted, name))
        rows[name] = (predictions, RowScore(row=name, lost=lost))
    if not rows:
        raise InputError(f'{output} has no predictions of any row; run infer first')
    return rows


def _score_image(
    config: EvaluationConfig,
    protocol: Protocol,
    index: int,
    sample: Sample | LostFrame,
    rows: Mapping[str, tuple[Predictions, RowScore]],
) -> None:
    name = sample.name
    truth: Truth | LostFrame = (
        sample
        if isinstance(sample, LostFrame)
        else frame_or_lost(name, partial(truth_of, sample, protocol))
    )
    for row, (predictions, found) in rows.items():
        if isinstance(truth, LostFrame):
            found.add(index, name, truth)
            continue
        work = partial(_compared, predictions, index, truth, protocol, config.rows[row].align)
        found.add(index, name, frame_or_lost(name, work))


def _compared(
    predictions: Predictions, index: int, truth: Truth, protocol: Protocol, align: str
) -> Compared:
    rows, columns = truth.depth_m_HW.shape
    return compare(predictions.read(index, (rows, columns)), truth, protocol, align)


def _summary(
    config: EvaluationConfig, protocol: Protocol, predictions: Predictions, found: RowScore
) -> Summary:
    summary = found.summary()
    compared = summary['images']['compared']
    summary['images']['of_the_papers'] = protocol.images
    if protocol.images and compared != protocol.images:
        note(
            f'{found.row}: {compared} images compared, the papers have {protocol.images} of '
            f'{protocol.title}'
        )
    summary['images']['kept_prior'] = len(predictions.unfitted())
    record = predictions.record()
    return {
        'row': found.row,
        'protocol': config.protocol,
        'align': config.rows[found.row].align,
        'range_m': list(protocol.range_m),
        **summary,
        **{key: record.get(key) for key in ('map', 'dtype', 'bundles', 'model')},
    }


def _figures(result: Compared) -> dict[str, Any]:
    depth, edges = result.depth, result.edges
    line: dict[str, Any] = {
        **{name: getattr(depth, name) for name in DEPTH_FIGURES},
        'scale': result.scale,
        'shift': result.shift,
        'pixels': depth.pixels,
        'missing': depth.missing,
        'clipped': depth.clipped,
    }
    if edges is not None:
        line |= {name: getattr(edges, name) for name in (*EDGE_FIGURES, 'edge_recall')}
        line |= {'edge_fallback': int(edges.fallback), 'edge_skipped': edges.skipped}
    return line


def _noted(row: str, line: str) -> None:
    note(f'{row}: {line}')
