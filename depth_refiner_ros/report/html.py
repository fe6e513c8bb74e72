# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML file with everything in it, readable by day and by night, offline."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
import math
from string import Template
from typing import Any

from depth_refiner_ros.report.numbers import METRICS, number_text
from depth_refiner_ros.report.page import PAGE
from depth_refiner_ros.report.panels import png_bytes
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its caption: ``rgb_HW3`` uint8, or a finished ``<svg>`` element."""

    caption: str
    picture: np.ndarray | str


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    What the page shows.

    :param title: heading
    :param subtitle: one line under it
    :param summary: the content of ``summary.json``
    :param facts: what ran and on what, name and value
    :param settings: section heading to option names and values
    :param panels: sheets of pictures
    :param plots: latency and stages
    :param mesh_views: the mesh from its sides
    :param notes: remarks, such as what could not be measured
    """

    title: str
    subtitle: str
    summary: Mapping[str, Any]
    facts: Mapping[str, str]
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    panels: Sequence[Figure] = ()
    plots: Sequence[Figure] = ()
    mesh_views: Sequence[Figure] = ()
    notes: Sequence[str] = ()


def render(report: Report) -> str:
    """Return the whole page; all text in it is escaped."""
    sections = [
        _tiles(report.summary),
        _notes(report.notes),
        _section('Depth against ground truth', depth_table(report.summary)),
        _section('Frames', _figures(report.panels, 'wide')),
        _section(
            'Mesh', _pairs(_mesh_facts(report.summary)) + _figures(report.mesh_views, 'views')
        ),
        _section('Time', _figures(report.plots, 'wide') + _drops(report.summary)),
        _section('What ran', _pairs(report.facts)),
        *[
            _section(f'Settings: {name}', _pairs(values), folded=True)
            for name, values in report.settings.items()
        ],
    ]
    return Template(PAGE).substitute(
        title=escape(report.title), body=''.join(sections), subtitle=escape(report.subtitle)
    )


def depth_table(summary: Mapping[str, Any]) -> str:
    """Return the table of prior beside refined with spread, empty without ground truth."""
    depth, spread = summary.get('depth') or {}, summary.get('depth_spread') or {}
    prior, refined = depth.get('prior'), depth.get('refined')
    if not prior or not refined:
        return '<p class="quiet">No ground truth in this source, so no accuracy.</p>'
    rows = []
    for metric in METRICS:
        before, after = prior.get(metric.key), refined.get(metric.key)
        cells = [
            _cell(before, (spread.get('prior') or {}).get(metric.key), metric.decimals),
            _cell(after, (spread.get('refined') or {}).get(metric.key), metric.decimals),
            _ratio(before, after, metric.higher_is_better),
        ]
        rows.append(
            f'<tr data-metric="{metric.key}"><th title="{escape(metric.meaning)}">'
            f'{escape(metric.label)}</th>{"".join(cells)}</tr>'
        )
    return (
        '<div class="scroll"><table><thead><tr><th></th><th>prior</th><th>refined</th>'
        f'<th>ratio</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        '<p class="quiet">Mean over frames, &plusmn; standard deviation between frames. '
        'Lower is better but for &delta;1.</p>'
    )


def _cell(value: float | None, spread: float | None, decimals: int) -> str:
    if value is None:
        return '<td>&ndash;</td>'
    beside = '' if spread is None else f' <small>&plusmn; {number_text(spread, decimals)}</small>'
    return f'<td data-value="{value!r}">{number_text(value, decimals)}{beside}</td>'


def _ratio(before: float | None, after: float | None, higher_is_better: bool) -> str:
    if not before or after is None or not math.isfinite(after / before):
        return '<td>&ndash;</td>'
    ratio = after / before
    if f'{ratio:.2f}' == '1.00':
        return '<td>1.00&times;</td>'
    better = (ratio > 1) == higher_is_better
    return f'<td class="{"good" if better else "bad"}">{ratio:.2f}&times;</td>'


def _tiles(summary: Mapping[str, Any]) -> str:
    latency = (summary.get('latency_ms') or {}).get('p50')
    lost = sum((summary.get('dropped') or {}).values())
    shown = [
        ('frames in', summary.get('frames_in'), 0),
        ('frames out', summary.get('frames_out'), 0),
        ('dropped', lost, 0),
        ('frames per second', summary.get('fps'), 1),
        ('median latency, ms', latency, 0),
    ]
    tiles = [
        f'<div class="tile"><b>{number_text(value, decimals)}</b><span>{escape(name)}</span></div>'
        for name, value, decimals in shown
    ]
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _mesh_facts(summary: Mapping[str, Any]) -> dict[str, str]:
    mesh = summary.get('mesh') or {}
    facts = {name: number_text(mesh.get(name), 0) for name in ('vertices', 'triangles')}
    for name in ('accuracy_mm', 'completeness_mm'):
        if mesh.get(name) is not None:
            facts[name.replace('_mm', '')] = f'{mesh[name]:.1f} mm'
    return facts if mesh else {}


def _drops(summary: Mapping[str, Any]) -> str:
    dropped = summary.get('dropped') or {}
    if not dropped:
        return '<p class="quiet">No frame was lost.</p>'
    return '<h3>Dropped frames by reason</h3>' + _pairs(dropped)


def _notes(notes: Sequence[str]) -> str:
    return ''.join(f'<p class="note">{escape(note)}</p>' for note in notes)


def _pairs(values: Mapping[str, Any]) -> str:
    rows = [
        f'<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>'
        for name, value in values.items()
    ]
    table = f'<div class="scroll"><table class="pairs">{"".join(rows)}</table></div>'
    return table if rows else ''


def _figures(figures: Sequence[Figure], kind: str) -> str:
    drawn = [
        f'<figure>{_picture(figure)}<figcaption>{escape(figure.caption)}</figcaption></figure>'
        for figure in figures
    ]
    return f'<div class="{kind}">{"".join(drawn)}</div>' if drawn else ''


def _picture(figure: Figure) -> str:
    if isinstance(figure.picture, str):
        return figure.picture
    data = base64.b64encode(png_bytes(figure.picture)).decode('ascii')
    return f'<img alt="{escape(figure.caption)}" src="data:image/png;base64,{data}">'


def _section(heading: str, content: str, *, folded: bool = False) -> str:
    if not content:
        return ''
    if folded:
        return f'<details><summary>{escape(heading)}</summary>{content}</details>'
    return f'<section><h2>{escape(heading)}</h2>{content}</section>'
