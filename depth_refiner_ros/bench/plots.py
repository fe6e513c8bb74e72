# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Curves of measured and least times over a range of sizes or steps."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.charts import Chart, plain_decades, Theme

SERIES = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#5a5a5a', '#966e3c')
"""Okabe and Ito's colors, distinguishable with any color vision, and two more."""

Point = tuple[float, float]


def curves(
    title: str,
    series: Mapping[str, Sequence[Point]],
    *,
    x_label: str,
    y_label: str,
    log_x: bool = False,
) -> Chart:
    """
    Draw curves over a logarithmic axis; values that are not positive numbers are left out.

    :param series: name to points
    :param log_x: make the horizontal axis logarithmic, too
    :raises InputError: if no point can be drawn
    """
    kept = {
        name: [(x, y) for x, y in points if y > 0.0 and math.isfinite(y)]
        for name, points in series.items()
    }
    xs = sorted({x for points in kept.values() for x, _ in points})
    if not xs:
        raise InputError('a plot needs at least one point with a positive value')

    def draw(axes: Any, theme: Theme) -> None:
        # The legend lists the curves from top to bottom.
        for name, points in sorted(kept.items(), key=lambda item: _last(item[1]), reverse=True):
            color = SERIES[list(kept).index(name) % len(SERIES)]
            axes.plot(*zip(*points), color=color, linewidth=1.8, marker='o', label=name)
        axes.set_title(title)
        axes.set(xlabel=x_label, ylabel=y_label, yscale='log')
        if log_x:
            axes.set_xscale('log')
        axes.set_xticks(xs, [f'{x:g}' for x in xs])
        axes.set_xticks([], minor=True)
        plain_decades(axes.yaxis)
        axes.grid(axis='y', which='both')
        axes.legend(loc='center left', bbox_to_anchor=(1.0, 0.5))

    return Chart(draw=draw, width_px=900, height_px=420)


def _last(points: Sequence[Point]) -> float:
    return points[-1][1] if points else 0.0
