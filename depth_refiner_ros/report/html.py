# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML file with everything in it, for light and dark screens, offline."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
import math
from pathlib import Path
from typing import Any

from depth_refiner_ros.report.charts import Chart
from depth_refiner_ros.report.numbers import Metric, METRICS, number_text
from depth_refiner_ros.report.panels import png_bytes
from jinja2 import Environment, FileSystemLoader, StrictUndefined
import numpy as np

TEMPLATE = 'report.html.j2'


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A picture with its caption: ``rgb_HW3`` uint8, or a chart."""

    caption: str
    picture: np.ndarray | Chart


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    What the page shows.

    :param title: heading
    :param subtitle: one line below it
    :param summary: the content of ``summary.json``
    :param facts: what ran and on what machine, name and value, or name and lines
    :param true_depth: what depth is compared with, in words
    :param settings: section heading to option names and values
    :param panels: sheets of pictures
    :param plots: latency and stages
    :param mesh_views: views of the mesh
    :param notes: remarks, such as what could not be measured
    """

    title: str
    subtitle: str
    summary: Mapping[str, Any]
    facts: Mapping[str, str | list[str]]
    true_depth: str
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    panels: Sequence[Figure] = ()
    plots: Sequence[Figure] = ()
    mesh_views: Sequence[Figure] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Score:
    """
    One row of the depth table; None if there is no value.

    :param ratio: refined over prior
    :param verdict: ``good``, ``bad``, or empty where the two are equal
    """

    metric: Metric
    prior: float | None
    refined: float | None
    prior_spread: float | None
    refined_spread: float | None
    ratio: float | None
    verdict: str


def render(report: Report) -> str:
    """Return the whole page; all text in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters['number'] = number_text
    return environment.get_template(TEMPLATE).render(
        report=report,
        tiles=_tiles(report.summary),
        scores=scores(report.summary),
        mesh=_mesh_facts(report.summary),
        mesh_truth=(report.summary.get('mesh') or {}).get('compared_with'),
        trajectory=_trajectory_facts(report.summary),
        dropped=report.summary.get('dropped') or {},
        **{
            name: [_embedded(figure) for figure in getattr(report, name)]
            for name in ('panels', 'plots', 'mesh_views')
        },
    )


def scores(summary: Mapping[str, Any]) -> list[Score]:
    """Return the rows of prior beside refined, none without ground truth."""
    depth, spread = summary.get('depth') or {}, summary.get('depth_spread') or {}
    prior, refined = depth.get('prior'), depth.get('refined')
    if not prior or not refined:
        return []
    return [
        _score(metric, prior, refined, spread.get('prior') or {}, spread.get('refined') or {})
        for metric in METRICS
    ]


def _score(
    metric: Metric,
    prior: Mapping[str, float | None],
    refined: Mapping[str, float | None],
    prior_spread: Mapping[str, float | None],
    refined_spread: Mapping[str, float | None],
) -> Score:
    before, after = prior.get(metric.key), refined.get(metric.key)
    ratio = after / before if before and after is not None else math.nan
    verdict = ''
    if math.isfinite(ratio) and f'{ratio:.2f}' != '1.00':
        verdict = 'good' if (ratio > 1) == metric.higher_is_better else 'bad'
    return Score(
        metric=metric,
        prior=before,
        refined=after,
        prior_spread=prior_spread.get(metric.key),
        refined_spread=refined_spread.get(metric.key),
        ratio=ratio if math.isfinite(ratio) else None,
        verdict=verdict,
    )


def _tiles(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    latency = (summary.get('latency_ms') or {}).get('p50')
    lost = sum((summary.get('dropped') or {}).values())
    return [
        ('frames in', number_text(summary.get('frames_in'), 0)),
        ('frames out', number_text(summary.get('frames_out'), 0)),
        ('dropped', number_text(lost, 0)),
        ('frames per second', number_text(summary.get('fps'), 1)),
        ('median latency, ms', number_text(latency, 0)),
    ]


def _mesh_facts(summary: Mapping[str, Any]) -> dict[str, str]:
    mesh = summary.get('mesh') or {}
    facts = {name: number_text(mesh.get(name), 0) for name in ('vertices', 'triangles')}
    for name in ('accuracy', 'completeness'):
        if mesh.get(f'{name}_mm') is not None:
            facts[name] = f'median {mesh[f"{name}_mm"]:.1f} mm'
            if mesh.get(f'{name}_mean_mm') is not None:
                facts[name] += f', mean {mesh[f"{name}_mean_mm"]:.1f} mm'
    if mesh.get('f_score_5cm') is not None:
        facts['F-score at 5 cm'] = f'{mesh["f_score_5cm"]:.3f}'
    errors = summary.get('temporal_error_percent') or {}
    for name, percent in errors.items():
        if percent is not None:
            facts[f'temporal alignment error, {name} depth'] = f'{percent:.2f} %'
    return facts if mesh else {}


def _trajectory_facts(summary: Mapping[str, Any]) -> dict[str, str]:
    error = summary.get('trajectory')
    if not error:
        return {}
    facts = {
        'poses compared': f'{error["poses"]} over {error["length_m"]:.2f} m',
        'ATE': f'{error["ate_mm"]:.1f} mm, largest {error["ate_max_mm"]:.1f} mm',
        'RPE from frame to frame': f'{error["rpe_mm"]:.1f} mm, {error["rpe_deg"]:.2f}°',
    }
    # Over a way that is not much longer than the error, the best scale is noise.
    if error['scale'] is not None and 1e3 * error['length_m'] >= 10 * error['ate_mm']:
        facts['scale'] = (
            f'× {error["scale"]:.3f} fits best, ATE then {error["ate_scaled_mm"]:.1f} mm'
        )
    return facts


def _embedded(figure: Figure) -> dict[str, str]:
    """Return a figure with its pictures as data addresses, for light and dark screens."""
    if isinstance(figure.picture, Chart):
        light, dark = (
            _data('image/svg+xml', svg.encode()) for svg in figure.picture.svg_light_and_dark()
        )
    else:
        light, dark = _data('image/png', png_bytes(figure.picture)), ''
    return {'caption': figure.caption, 'light': light, 'dark': dark}


def _data(kind: str, content: bytes) -> str:
    return f'data:{kind};base64,{base64.b64encode(content).decode("ascii")}'
