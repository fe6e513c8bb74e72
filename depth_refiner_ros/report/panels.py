# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sheets of pictures: image, prior, refined, difference and error side by side, with legends."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from depth_refiner_ros.core.atomic import write_atomic
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.colormap import (
    colorize,
    depth_limits_m,
    legend_bar,
    Palette,
    relative_error,
    UNKNOWN_RGB,
)
from depth_refiner_ros.report.points import with_larger_points
import numpy as np

GAP_PX = 6
HEADER_PX = 26
LEGEND_PX = 38
LEGEND_SCALE = 0.52
UNKNOWN = 'unknown'
SQUARE_PX = 12
PAPER_RGB = (255, 255, 255)
INK_RGB = (40, 40, 40)
SHARE_LIMIT = 0.2
"""Relative difference or error that gets the brightest color."""


@dataclass(frozen=True, kw_only=True)
class View:
    """
    One frame as the sheet shows it; depth in metres, NaN where unknown, all of one size.

    :param truth_m_HW: ground truth, None if there is none
    :param own_difference_HW: disagreement in 0..1 by a method's own measure, drawn in place of
        the difference of both depths; None for that
    :param name: label above the image
    """

    rgb_HW3: np.ndarray
    prior_m_HW: np.ndarray
    refined_m_HW: np.ndarray
    truth_m_HW: np.ndarray | None = None
    own_difference_HW: np.ndarray | None = None
    name: str = 'image'

    @property
    def difference_HW(self) -> np.ndarray:
        """Return |refined - prior| / prior, NaN where either is unknown."""
        return relative_error(self.refined_m_HW, self.prior_m_HW)


@dataclass(frozen=True)
class Tile:
    """One picture of a row, with the label above it and its legend."""

    label: str
    rgb_HW3: np.ndarray
    palette: Palette | None = None
    low: str = ''
    high: str = ''


def sheet(views: Sequence[View], *, tile_width: int = 400) -> np.ndarray:
    """
    Draw one row of pictures for each view.

    :param tile_width: width of a picture in pixels
    :return: ``rgb_HW3`` uint8
    :raises InputError: if there is no view, or the maps of one differ in size
    """
    if not views:
        raise InputError('a sheet needs at least one frame')
    rows = [tile_row(tiles(view, tile_width), tile_width) for view in views]
    width = max(row.shape[1] for row in rows)
    return np.vstack([_padded(row, width) for row in rows])


def tiles(view: View, width: int) -> list[Tile]:
    """
    Paint image, prior, refined, difference and, where truth is known, both errors.

    :param width: pixels to which pictures will be resized, so that single points stay visible
    """
    _check_sizes(view)
    near_m, far_m = depth_limits_m(view.prior_m_HW, view.refined_m_HW, view.truth_m_HW)

    def depth(label: str, depth_m_HW: np.ndarray) -> Tile:
        return Tile(
            label,
            colorize(with_larger_points(depth_m_HW, width), near_m, far_m, Palette.DEPTH),
            Palette.DEPTH,
            f'<= {near_m:.2f} m',
            f'>= {far_m:.2f} m',
        )

    row = [
        Tile(view.name, view.rgb_HW3),
        depth('prior', view.prior_m_HW),
        depth('refined', view.refined_m_HW),
        _difference(view, width),
    ]
    if view.truth_m_HW is not None:
        row += [
            _share(f'error of the {name}', relative_error(depth_m_HW, view.truth_m_HW), width)
            for name, depth_m_HW in (('prior', view.prior_m_HW), ('refined', view.refined_m_HW))
        ]
    return row


def _difference(view: View, width: int) -> Tile:
    palette, own_HW = Palette.DIFFERENCE, view.own_difference_HW
    if own_HW is None:
        return _share('difference, % of the prior', view.difference_HW, width, palette)
    return Tile('difference map', colorize(own_HW, 0.0, 1.0, palette), palette, '0', '1')


def _share(label: str, share_HW: np.ndarray, width: int, palette: Palette = Palette.ERROR) -> Tile:
    return Tile(
        label,
        colorize(with_larger_points(share_HW, width), 0.0, SHARE_LIMIT, palette),
        palette,
        '0 %',
        f'{SHARE_LIMIT:.0%} or more'.replace('%', ' %'),
    )


def write_png(path: Path, rgb_HW3: np.ndarray) -> None:
    """
    Write a picture.

    :raises OutputError: if the file cannot be written
    """
    write_atomic(path, [png_bytes(rgb_HW3)], durable=False)


def png_bytes(rgb_HW3: np.ndarray) -> bytes:
    """Return a picture as PNG."""
    _, encoded = cv2.imencode('.png', rgb_HW3[..., ::-1])
    return bytes(encoded)


def _check_sizes(view: View) -> None:
    size = view.rgb_HW3.shape[:2]
    for name in ('prior_m_HW', 'refined_m_HW', 'own_difference_HW', 'truth_m_HW'):
        values_HW = getattr(view, name)
        if values_HW is not None and values_HW.shape != size:
            raise InputError(f'{name} of shape {values_HW.shape} does not fit the image {size}')


def _padded(row_HW3: np.ndarray, width: int) -> np.ndarray:
    """Pad with blank paper a row without truth, which has no error pictures."""
    missing = ((0, 0), (0, width - row_HW3.shape[1]), (0, 0))
    return np.pad(row_HW3, missing, constant_values=PAPER_RGB[0])


def tile_row(row: Sequence[Tile], tile_width: int) -> np.ndarray:
    """
    Draw pictures of one size side by side, with labels and legends.

    :return: ``rgb_HW3`` uint8
    """
    gap = None
    columns = []
    for tile in row:
        drawn = _tile(tile, tile_width)
        if gap is None:
            gap = np.full((drawn.shape[0], GAP_PX, 3), PAPER_RGB, np.uint8)
        columns += [gap, drawn]
    return np.hstack([*columns, gap])  # type: ignore[list-item]


def _tile(tile: Tile, width: int) -> np.ndarray:
    height = max(1, round(tile.rgb_HW3.shape[0] * width / tile.rgb_HW3.shape[1]))
    picture = cv2.resize(tile.rgb_HW3, (width, height), interpolation=cv2.INTER_AREA)
    header = np.full((HEADER_PX, width, 3), PAPER_RGB, np.uint8)
    _write(header, tile.label, 2, HEADER_PX - 8, 0.6)
    return np.vstack([header, picture, _legend(tile, width)])


def _legend(tile: Tile, width: int) -> np.ndarray:
    legend = np.full((LEGEND_PX, width, 3), PAPER_RGB, np.uint8)
    if tile.palette is not None:
        legend[4:12] = legend_bar(width, 8, tile.palette)
        if (tile.rgb_HW3 == UNKNOWN_RGB).all(axis=-1).any():
            _explain_grey(legend)
        _write(legend, tile.low, 2, 29, LEGEND_SCALE)
        (text_width, _), _ = cv2.getTextSize(tile.high, cv2.FONT_HERSHEY_SIMPLEX, LEGEND_SCALE, 1)
        _write(legend, tile.high, width - text_width - 4, 29, LEGEND_SCALE)
    return legend


def _explain_grey(legend: np.ndarray) -> None:
    """Draw a grey square and its meaning in the middle of a legend."""
    (text_width, _), _ = cv2.getTextSize(UNKNOWN, cv2.FONT_HERSHEY_SIMPLEX, LEGEND_SCALE, 1)
    left = (legend.shape[1] - text_width - SQUARE_PX - 4) // 2
    if left > 0:
        legend[18 : 18 + SQUARE_PX, left : left + SQUARE_PX] = UNKNOWN_RGB
        _write(legend, UNKNOWN, left + SQUARE_PX + 4, 29, LEGEND_SCALE)


def _write(rgb_HW3: np.ndarray, text: str, x: int, y: int, scale: float) -> None:
    cv2.putText(rgb_HW3, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, INK_RGB, 1, cv2.LINE_AA)
