# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plots as small hand-written SVG: no dependency, sharp at any size, light and dark."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
import math

import numpy as np

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 66, 84, 14, 34


def latency_plot(latency_ms: Sequence[float]) -> str:
    """
    Draw the latency of each frame with its median, p95 and p99.

    :param latency_ms: milliseconds in order of the frames
    :return: an ``<svg>`` element
    """
    values = [float(value) for value in latency_ms if math.isfinite(value)]
    if not values:
        return _svg(HEIGHT, [_text(WIDTH / 2, HEIGHT / 2, 'no frame arrived', anchor='middle')])
    top_ms = nice_ceiling(max(values))

    def x(frame: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * frame / max(1, len(values) - 1)

    def y(ms: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ms / top_ms

    marks = _grid(top_ms, y)
    path = ' '.join(f'{x(i):.1f},{y(v):.1f}' for i, v in enumerate(values))
    marks.append(f'<polyline class="line" points="{path}"/>')
    marks += [
        f'<circle class="dot" cx="{x(i):.1f}" cy="{y(v):.1f}" r="2.4">'
        f'<title>frame {i}: {v:.1f} ms</title></circle>'
        for i, v in enumerate(values)
    ]
    marks += _quantiles(values, y)
    marks.append(_text(WIDTH / 2, HEIGHT - 6, 'frame', anchor='middle'))
    return _svg(HEIGHT, marks)


def stage_bars(stage_ms: Mapping[str, float]) -> str:
    """
    Draw the time of each stage as one bar.

    :param stage_ms: stage name to milliseconds
    :return: an ``<svg>`` element
    """
    longest_ms = max(stage_ms.values(), default=0.0) or 1.0
    marks = []
    for row, (stage, ms) in enumerate(stage_ms.items()):
        top = 6 + 24 * row
        width = (WIDTH - 280) * ms / longest_ms
        marks += [
            _text(150, top + 13, stage, anchor='end'),
            f'<rect class="bar" x="160" y="{top}" width="{width:.1f}" height="16" rx="2"/>',
            _text(168 + width, top + 13, f'{ms:.1f} ms'),
        ]
    return _svg(12 + 24 * max(1, len(stage_ms)), marks)


def nice_ceiling(value: float) -> float:
    """Return the smallest of 1, 2, 2.5, 5 times a power of ten that is not below a value."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if value <= step * power)


def _grid(top_ms: float, y: Callable[[float], float]) -> list[str]:
    marks = []
    for ms in np.linspace(0.0, top_ms, 5):
        row = y(ms)
        marks.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{row:.1f}" y2="{row:.1f}"/>'
        )
        marks.append(_text(LEFT - 8, row + 4, f'{ms:g} ms', anchor='end'))
    return marks


def _quantiles(values: Sequence[float], y: Callable[[float], float]) -> list[str]:
    marks, free_row = [], float(HEIGHT)
    for percent, name in ((50, 'p50'), (95, 'p95'), (99, 'p99')):
        ms = float(np.percentile(values, percent))
        row = y(ms)
        free_row = min(free_row - 13, row + 4)  # labels of near quantiles do not overlap
        marks.append(
            f'<line class="mark" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{row:.1f}" y2="{row:.1f}"/>'
        )
        marks.append(_text(WIDTH - RIGHT + 6, free_row, f'{name} {ms:.0f} ms'))
    return marks


def _text(x: float, y: float, text: str, *, anchor: str = 'start') -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: float, marks: Sequence[str]) -> str:
    return (
        f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'viewBox="0 0 {WIDTH} {height:g}">{"".join(marks)}</svg>'
    )
