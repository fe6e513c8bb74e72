# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Markdown tables of a study: our figures beside the paper's, and the verdicts."""

from collections.abc import Mapping, Sequence
import statistics

from depth_refiner_ros.report.numbers import METRICS, number_text
from training.evaluation.published import PublishedTable
from training.reproduction.plan import PIECES
from training.reproduction.studies import LOWER_IS_BETTER, Study
from training.reproduction.verdicts import figure_of, Found, ROOMS, spread_of, Verdict

SHOWN = {metric.key: metric for metric in METRICS if metric.key in LOWER_IS_BETTER}


def figures_table(
    study: Study, pieces: Mapping[str, Found], published: PublishedTable, images: str = ROOMS
) -> list[str]:
    """
    Return the lines of a table: rows, mean and spread over seeds, what the paper prints.

    :param images: figures (of rooms), or photographs
    """
    heads = ['', 'seeds', *(metric.label for metric in SHOWN.values())]
    heads += [f'paper: {column}' for column in study.columns.values()]
    lines = [_line(heads), _line(['---'] * len(heads))]
    for row in study.rows:
        cells = _cells(pieces.get(row.piece, {}), 'refined', images)
        lines.append(_line([row.label, *cells, *_printed(study, row.published, published)]))
    priors = {PIECES[row.piece].prior: row.piece for row in reversed(study.rows)}
    for kind, piece in reversed(priors.items()):
        cells = _cells(pieces.get(piece, {}), 'prior', images)
        lines.append(_line([f'prior alone ({kind})', *cells, *[''] * len(study.columns)]))
    return lines


def verdict_table(
    study: Study, verdicts: Sequence[Verdict], published: PublishedTable
) -> list[str]:
    """Return the lines of the table of claims."""
    heads = ['claim', 'figure', 'here', 'better by', 'verdict', 'in the paper']
    lines = [_line(heads), _line(['---'] * len(heads))]
    for verdict in verdicts:
        decimals = SHOWN[verdict.figure].decimals
        sides = (number_text(value, decimals) for value in (verdict.better, verdict.worse))
        cells = [
            verdict.claim.text,
            SHOWN[verdict.figure].label,
            ' against '.join(sides),
            _spread_text(verdict.mean, verdict.spread, decimals),
            f'**{verdict.text}**',
            _claimed(study, verdict, published),
        ]
        lines.append(_line(cells))
    return lines


def _claimed(study: Study, verdict: Verdict, published: PublishedTable) -> str:
    """Return the paper's two numbers, '' where it does not print both."""
    names = {row.piece: row.published for row in study.rows}
    column = study.columns.get(verdict.figure, '')
    pair = [
        _number(published, names.get(piece, ''), column)
        for piece in (verdict.claim.better, verdict.claim.worse)
    ]
    return ' against '.join(pair) if all(pair) else ''


def _printed(study: Study, row: str, published: PublishedTable) -> list[str]:
    return [_number(published, row, column) for column in study.columns.values()]


def _number(published: PublishedTable, name: str, column: str) -> str:
    protocol, _, figure = column.partition('.')
    for row in published.rows:
        if row.name == name and name and figure:
            return published.text(figure, published.printed(row, protocol, figure), scaled=True)
    return ''


def _cells(found: Found, depth: str, images: str) -> list[str]:
    """Return the number of seeds, then each figure."""
    cells = [str(sum(images in item for item in found.values()))]
    for figure, metric in SHOWN.items():
        values = [figure_of(item, figure, depth, images) for item in found.values()]
        known = [value for value in values if value is not None]
        mean = statistics.fmean(known) if known else None
        cells.append(_spread_text(mean, spread_of(known), metric.decimals))
    return cells


def _spread_text(mean: float | None, spread: float | None, decimals: int) -> str:
    text = number_text(mean, decimals)
    return text if spread is None else f'{text} ± {number_text(spread, decimals)}'


def _line(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'
