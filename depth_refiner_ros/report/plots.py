# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plots of times: the latency of each frame, and how long stages take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.charts import Chart, Theme
import numpy as np

WIDTH_PX = 860
BAR_PX, BAR_MARGIN_PX = 28, 40
MARKED_FRAMES = 300
"""With more frames than this, dots would overlap."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """
    One measured time.

    :param label: what was measured
    :param ms: milliseconds
    :param bound_ms: the least that is possible, None if unknown
    """

    label: str
    ms: float
    bound_ms: float | None = None


def latency_plot(latency_ms: Sequence[float]) -> Chart:
    """
    Draw the latency of each frame with its median, p95 and p99.

    :param latency_ms: milliseconds in the order of frames
    """
    values = [float(value) for value in latency_ms if math.isfinite(value)]

    def draw(axes: Any, theme: Theme) -> None:
        if not values:
            axes.set_axis_off()
            axes.text(0.5, 0.5, 'no frame arrived', ha='center', va='center')
            return
        marker = 'o' if len(values) <= MARKED_FRAMES else ''
        axes.plot(values, color=theme.accent, linewidth=1.3, marker=marker, markersize=4)
        for percent, style in ((50, '-'), (95, '--'), (99, ':')):
            ms = float(np.percentile(values, percent))
            name = f'p{percent} {ms:.0f} ms'
            axes.axhline(ms, color=theme.mark, linestyle=style, linewidth=1, label=name)
        axes.set(xlabel='frame', ylabel='ms')
        axes.set_ylim(0.0, 1.08 * max(*values, 1e-3))
        axes.margins(x=0.01)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(axis='y')
        axes.legend(ncol=3, loc='lower left', bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)

    return Chart(draw=draw, width_px=WIDTH_PX, height_px=270)


def stage_bars(stage_ms: Mapping[str, float]) -> Chart:
    """
    Draw the time of each stage as one bar.

    :param stage_ms: stage name to milliseconds
    """
    return bar_chart('', [Bar(label=stage, ms=ms) for stage, ms in stage_ms.items()])


def bar_chart(title: str, bars: Sequence[Bar]) -> Chart:
    """
    Draw times as bars; the part that no engine can avoid is darker.

    :raises InputError: if there is no bar
    """
    if not bars:
        raise InputError('a plot needs at least one bar')

    def draw(axes: Any, theme: Theme) -> None:
        rows = np.arange(len(bars))
        measured = axes.barh(rows, [bar.ms for bar in bars], color=theme.accent, height=0.66)
        least_ms = [bar.bound_ms or 0.0 for bar in bars]
        least = axes.barh(rows, least_ms, color=theme.bound, height=0.66)
        axes.bar_label(measured, [_text(bar) for bar in bars], padding=6)
        axes.set_yticks(rows, [bar.label for bar in bars])
        axes.invert_yaxis()
        axes.margins(x=0.25, y=0.02)
        axes.set_xlim(left=0.0)
        axes.xaxis.set_visible(False)
        axes.spines[['bottom', 'left']].set_visible(False)
        axes.tick_params(axis='y', labelcolor=theme.ink)
        if title:
            axes.set_title(title)
        if any(least_ms):
            axes.legend(
                (measured, least),
                ('measured', 'least possible'),
                ncol=2,
                loc='lower right',
                bbox_to_anchor=(1.0, 1.0),
                borderaxespad=0.2,
            )

    height_px = BAR_PX * len(bars) + (BAR_MARGIN_PX if title else BAR_MARGIN_PX // 3)
    return Chart(draw=draw, width_px=WIDTH_PX, height_px=height_px)


def time_text(ms: float) -> str:
    """Return milliseconds with about three significant digits."""
    return f'{ms:.2f}' if ms < 10.0 else f'{ms:.1f}' if ms < 1000.0 else f'{ms:.0f}'


def _text(bar: Bar) -> str:
    over = f', {bar.ms / bar.bound_ms:.1f} x bound' if bar.bound_ms else ''
    return f'{time_text(bar.ms)} ms{over}'
