# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Charts drawn by matplotlib in the colors of the report: SVG for the page, PNG for files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import io
from typing import Any

import numpy as np

DPI = 100.0
FONT_PX = 11.0


@dataclass(frozen=True, kw_only=True)
class Theme:
    """
    Colors of a chart, as ``#rrggbb``.

    :param ink: text
    :param quiet: axes and remarks
    :param grid: grid lines
    :param accent: what was measured
    :param bound: the part of a time that cannot be avoided
    :param mark: marker lines, such as quantiles
    :param paper: background; empty for none
    """

    ink: str
    quiet: str
    grid: str
    accent: str
    bound: str
    mark: str
    paper: str = ''


LIGHT = Theme(
    ink='#1c2430',
    quiet='#5b6675',
    grid='#dde2e9',
    accent='#2563eb',
    bound='#143c6e',
    mark='#b4232a',
)
DARK = Theme(
    ink='#e6eaf0',
    quiet='#97a3b4',
    grid='#2c3543',
    accent='#6ea8fe',
    bound='#2f5fa8',
    mark='#ff7b80',
)
PAPER = Theme(
    ink='#282828',
    quiet='#505050',
    grid='#e1e1e1',
    accent='#568cc4',
    bound='#143c6e',
    mark='#b4232a',
    paper='#ffffff',
)
"""For pictures on a white page."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """
    A drawing that can be rendered in any theme.

    :param draw: draws on matplotlib's axes in the colors of a theme
    :param width_px: of the whole picture
    :param height_px: of the whole picture
    """

    draw: Callable[[Any, Theme], None]
    width_px: int
    height_px: int

    def svg_light_and_dark(self) -> tuple[str, str]:
        """Return the chart for a light and for a dark page, without a background."""
        light, dark = (self._saved(theme, 'svg').decode() for theme in (LIGHT, DARK))
        return light, dark

    def rgb_HW3(self) -> np.ndarray:
        """Return the chart on white paper as ``uint8``."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        with self._drawn(PAPER) as figure:
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def _saved(self, theme: Theme, kind: str) -> bytes:
        with self._drawn(theme) as figure:
            file = io.BytesIO()
            figure.savefig(file, format=kind, transparent=not theme.paper, metadata={'Date': None})
            return file.getvalue()

    @contextmanager
    def _drawn(self, theme: Theme) -> Iterator[Any]:
        # Imported here: it takes a second, and only reports and plots need it.
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        with rc_context(_style(theme)):
            size = self.width_px / DPI, self.height_px / DPI
            figure = Figure(figsize=size, dpi=DPI, layout='constrained')
            self.draw(figure.add_subplot(), theme)
            yield figure


def plain_decades(axis: Any) -> None:
    """Label 1, 2 and 5 times powers of ten with plain numbers, on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=50))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
    axis.set_minor_locator(LogLocator(subs=(), numticks=50))


def _style(theme: Theme) -> Any:  # typed by matplotlib as one literal per key
    points = FONT_PX * 72.0 / DPI
    return {
        'font.size': points,
        'axes.titlesize': points * 1.2,
        'axes.titlelocation': 'left',
        'axes.edgecolor': theme.grid,
        'axes.labelcolor': theme.quiet,
        'axes.facecolor': 'none',
        'axes.axisbelow': True,
        'axes.spines.top': False,
        'axes.spines.right': False,
        'figure.facecolor': theme.paper or 'none',
        'grid.color': theme.grid,
        'legend.frameon': False,
        'text.color': theme.ink,
        'xtick.color': theme.quiet,
        'ytick.color': theme.quiet,
        'xtick.major.size': 0,
        'ytick.major.size': 0,
        'xtick.minor.size': 0,
        'ytick.minor.size': 0,
        'svg.hashsalt': 'depth_refiner_ros',
    }
