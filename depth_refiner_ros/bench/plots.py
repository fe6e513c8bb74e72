# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plots of measured times as PNG, drawn like the panels: bars with their bounds, and curves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.plots import nice_ceiling
import numpy as np

WIDTH = 900
LEFT, RIGHT, TOP, BOTTOM = 78, 190, 48, 52
CURVE_HEIGHT = 420
BAR_LEFT, BAR_RIGHT, BAR_PX, BAR_STEP = 250, 210, 20, 32
DETAIL = 3
"""Drawn this much larger and averaged down: OpenCV's letters are thin otherwise."""
PAPER_RGB, INK_RGB, GRID_RGB = (255, 255, 255), (40, 40, 40), (225, 225, 225)
BAR_RGB, BOUND_RGB = (86, 140, 196), (20, 60, 110)
SERIES_RGB = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (90, 90, 90),
    (150, 110, 60),
)
"""Told apart by people who see few colors, too (Okabe and Ito)."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """
    One measured time.

    :param label: what was measured
    :param ms: milliseconds
    :param bound_ms: the least that is possible, None where unknown
    """

    label: str
    ms: float
    bound_ms: float | None = None


def bar_chart(title: str, bars: Sequence[Bar]) -> np.ndarray:
    """
    Draw times as bars, the part that no engine can save darker.

    :return: ``rgb_HW3`` uint8
    :raises InputError: where there is no bar
    """
    if not bars:
        raise InputError('a plot needs at least one bar')
    longest_ms = nice_ceiling(max(max(bar.ms, bar.bound_ms or 0.0) for bar in bars))
    paper = _Paper(WIDTH, TOP + BAR_STEP * len(bars) + 14)
    paper.text(title, 14, 28, size=0.6)
    for row, bar in enumerate(bars):
        top = TOP + BAR_STEP * row

        def end(ms: float) -> float:
            return BAR_LEFT + (WIDTH - BAR_LEFT - BAR_RIGHT) * ms / longest_ms

        told = f'{_number(bar.ms)} ms'
        paper.text(bar.label, BAR_LEFT - 10, top + 15, align=1.0)
        paper.box(BAR_LEFT, top, end(bar.ms), top + BAR_PX, BAR_RGB)
        if bar.bound_ms:
            paper.box(BAR_LEFT, top, end(bar.bound_ms), top + BAR_PX, BOUND_RGB)
            told += f', {bar.ms / bar.bound_ms:.1f} x bound'
        paper.text(told, max(end(bar.ms), end(bar.bound_ms or 0.0)) + 8, top + 15)
    return paper.rgb_HW3()


def curves(
    title: str,
    series: Mapping[str, Sequence[Point]],
    *,
    x_label: str,
    y_label: str,
    log_x: bool = False,
) -> np.ndarray:
    """
    Draw curves over a logarithmic axis; what is not a positive number is left out.

    :param series: name to points; the names stand at the curves' ends
    :param log_x: logarithmic below, too
    :return: ``rgb_HW3`` uint8
    :raises InputError: where no point can be drawn
    """
    kept = {
        name: [(x, y) for x, y in points if y > 0.0 and math.isfinite(y)]
        for name, points in series.items()
    }
    every = [point for points in kept.values() for point in points]
    if not every:
        raise InputError('a plot needs at least one point with a positive value')
    xs = sorted({x for x, _ in every})
    ticks = decades(min(y for _, y in every), max(y for _, y in every))
    x = _scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT, logarithmic=log_x)
    y = _scale(ticks[0], ticks[-1], CURVE_HEIGHT - BOTTOM, TOP, logarithmic=True)
    paper = _Paper(WIDTH, CURVE_HEIGHT)
    paper.text(title, 14, 28, size=0.6)
    paper.text(y_label, WIDTH - RIGHT, 28, align=1.0)
    paper.text(x_label, (LEFT + WIDTH - RIGHT) / 2, CURVE_HEIGHT - 12, align=0.5)
    for tick in ticks:
        paper.line([(LEFT, y(tick)), (WIDTH - RIGHT, y(tick))], GRID_RGB, 1)
        paper.text(f'{tick:g}', LEFT - 8, y(tick) + 5, align=1.0)
    for tick in xs:
        paper.text(f'{tick:g}', x(tick), CURVE_HEIGHT - BOTTOM + 20, align=0.5)
    _draw(paper, {name: [(x(a), y(b)) for a, b in points] for name, points in kept.items()})
    return paper.rgb_HW3()


def decades(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten that span positive numbers: at least two values."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1
    every = [step * 10.0**power for power in range(first, last + 1) for step in (1, 2, 5)]
    below = [value for value in every if value <= low * (1 + 1e-9)]
    above = next(index for index, value in enumerate(every) if value >= high * (1 - 1e-9))
    start = len(below) - 1
    return every[start : max(above, start + 1) + 1]


def _draw(paper: '_Paper', series: Mapping[str, Sequence[Point]]) -> None:
    """Draw curves with their names at the right end, moved apart where they would touch."""
    named = []
    for index, (name, points) in enumerate(series.items()):
        color = SERIES_RGB[index % len(SERIES_RGB)]
        paper.line(points, color, 2)
        for point in points:
            paper.dot(point, color)
        if points:
            named.append((points[-1][1], points[-1][0], name, color))
    free = -math.inf
    for row, column, name, color in sorted(named):
        free = max(row + 5, free + 16)
        paper.text(name, column + 10, free, color=color)


def _scale(
    low: float, high: float, start: float, end: float, *, logarithmic: bool
) -> Callable[[float], float]:
    shape = math.log if logarithmic else float
    span = shape(high) - shape(low) or 1.0
    return lambda value: start + (end - start) * (shape(value) - shape(low)) / span


def _number(ms: float) -> str:
    return f'{ms:.2f}' if ms < 10.0 else f'{ms:.1f}' if ms < 1000.0 else f'{ms:.0f}'


class _Paper:
    """A white sheet that is drawn on in its final pixels."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._rgb_HW3 = np.full((height * DETAIL, width * DETAIL, 3), PAPER_RGB, np.uint8)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        *,
        size: float = 0.5,
        align: float = 0.0,
        color: tuple[int, int, int] = INK_RGB,
    ) -> None:
        """Write; ``align`` is the share of the text that stands left of ``x``."""
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size * DETAIL, DETAIL)
        cv2.putText(
            self._rgb_HW3,
            text,
            (round(x * DETAIL - align * width), round(y * DETAIL)),
            cv2.FONT_HERSHEY_SIMPLEX,
            size * DETAIL,
            color,
            DETAIL,
            cv2.LINE_AA,
        )

    def box(
        self, left: float, top: float, right: float, bottom: float, color: tuple[int, int, int]
    ) -> None:
        """Fill a rectangle."""
        start = (round(left * DETAIL), round(top * DETAIL))
        end = (round(right * DETAIL), round(bottom * DETAIL))
        cv2.rectangle(self._rgb_HW3, start, end, color, cv2.FILLED)

    def line(self, points: Sequence[Point], color: tuple[int, int, int], thickness: int) -> None:
        """Join points."""
        path = np.rint(np.asarray(points, float).reshape(-1, 1, 2) * DETAIL).astype(np.int32)
        cv2.polylines(self._rgb_HW3, [path], False, color, thickness * DETAIL, cv2.LINE_AA)

    def dot(self, point: Point, color: tuple[int, int, int]) -> None:
        """Mark a point."""
        centre = (round(point[0] * DETAIL), round(point[1] * DETAIL))
        cv2.circle(self._rgb_HW3, centre, 4 * DETAIL, color, cv2.FILLED, cv2.LINE_AA)

    def rgb_HW3(self) -> np.ndarray:
        """Return the picture."""
        return cv2.resize(self._rgb_HW3, self._size, interpolation=cv2.INTER_AREA)
