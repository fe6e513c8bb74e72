# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The papers' figures from files: accuracy against sharpness, boundaries, differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.core.edge_metrics import edge_maps, RECALL_PX
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.charts import Chart, plain_decades, Theme
from depth_refiner_ros.report.colormap import colorize, depth_limits_m, Palette
from depth_refiner_ros.report.panels import Tile, tile_row
import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt
import torch
from training.evaluation.published import published_tables
from training.evaluation.summaries import Scores

PAPER_RGB = (255, 255, 255)
MET_RGB, MISSED_RGB, OWN_RGB = (0, 114, 178), (213, 94, 0), (150, 150, 150)
SHARP_ON = ('sintel', 'unrealstereo4k', 'spring')
"""Data sets that figure 2 of SharpDepth takes its sharpness from; its accuracy is of KITTI."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """
    One method in the chart.

    :param delta1: share of pixels within a factor of 1.25
    :param compl_px: edge completeness
    :param measured: here, not printed in a paper
    """

    name: str
    delta1: float
    compl_px: float
    measured: bool


def sharpness_points(scores: Scores, accurate_on: str, sharp_on: str) -> list[Point]:
    """
    Return the methods of which both accuracy and sharpness are known.

    :param accurate_on: protocol of delta1
    :param sharp_on: protocol of the edge completeness
    """
    found = [*_printed_points(accurate_on, sharp_on)]
    for aligned in (False, True):
        for name in scores.rows(aligned=aligned):
            accurate = scores.get(accurate_on, name, aligned=aligned)
            sharp = scores.get(sharp_on, name, aligned=aligned)
            delta1 = None if accurate is None else accurate.value('delta1')
            compl_px = None if sharp is None else sharp.value('dbe_compl_px')
            if delta1 is not None and compl_px is not None:
                label = f'{name}, fitted' if aligned else name
                found.append(Point(name=label, delta1=delta1, compl_px=compl_px, measured=True))
    return found


def _printed_points(accurate_on: str, sharp_on: str) -> Iterator[Point]:
    tables = published_tables()
    accuracy, sharpness = tables['sharpdepth_6'], tables['sharpdepth_2']
    percent = accuracy.shown['delta1'][0]
    sharp_rows = {row.name: row for row in sharpness.rows}
    for row in accuracy.rows:
        delta1 = accuracy.printed(row, accurate_on, 'delta1')
        compl_px = None
        if row.name in sharp_rows:
            compl_px = sharpness.printed(sharp_rows[row.name], sharp_on, 'dbe_compl_px')
        if delta1 is not None and compl_px is not None:
            yield Point(name=row.name, delta1=delta1 / percent, compl_px=compl_px, measured=False)


def sharpness_chart(points: Sequence[Point], accurate_on: str, sharp_on: str) -> Chart:
    """
    Draw accuracy against sharpness, as figure 2 of SharpDepth; better is to the lower right.

    :param accurate_on: title of the data set of delta1
    :param sharp_on: title of that of the edge completeness
    :raises InputError: where there is no point
    """
    if not points:
        raise InputError(f'no method has both delta1 on {accurate_on} and edges on {sharp_on}')
    numbers = {point.name: str(number) for number, point in enumerate(points, start=1)}

    def draw(axes: Any, theme: Theme) -> None:
        for point in points:
            color = theme.accent if point.measured else theme.quiet
            axes.plot(
                point.delta1,
                point.compl_px,
                'o',
                color=color,
                markerfacecolor=color if point.measured else 'none',
                markersize=8,
                label=f'{numbers[point.name]}  {point.name}'
                + ('' if point.measured else ' (paper)'),
            )
            axes.annotate(
                numbers[point.name],
                (point.delta1, point.compl_px),
                xytext=(7, 5),
                textcoords='offset points',
                color=theme.ink,
            )
        axes.set_title('Accuracy and sharpness (better: lower right)')
        axes.set(xlabel=f'δ1 on {accurate_on}', ylabel=f'edge completeness on {sharp_on}, px')
        axes.margins(0.12)
        if min(point.compl_px for point in points) > 0.0:
            axes.set_yscale('log')
            plain_decades(axes.yaxis)
        axes.grid(axis='both', which='both')
        axes.legend(loc='center left', bbox_to_anchor=(1.0, 0.5))

    return Chart(draw=draw, width_px=860, height_px=440)


def boundary_sheet(
    rgb_HW3: np.ndarray, truth_m_HW: np.ndarray, maps_m_HW: Mapping[str, np.ndarray]
) -> np.ndarray:
    """
    Draw depth maps above the boundaries that PDBE finds in them, as figure 11 of SharpDepth.

    Below each map: boundaries of the truth that it has within 2 px are blue, those that it
    misses orange, and its own are grey.

    :param truth_m_HW: float32, NaN where unknown
    :param maps_m_HW: name to float32 depth of the same size
    :return: ``rgb_HW3`` uint8
    """
    truth = torch.from_numpy(np.ascontiguousarray(truth_m_HW))
    limits = depth_limits_m(truth_m_HW, *maps_m_HW.values())
    shown = [_depth('truth', truth_m_HW, limits)]
    below = [Tile('image', rgb_HW3)]
    for name, map_m_HW in maps_m_HW.items():
        predicted = torch.from_numpy(np.ascontiguousarray(map_m_HW))
        shown.append(_depth(name, map_m_HW, limits))
        own_HW, true_HW = edge_maps(predicted, truth)
        label = f'{name}: true edges blue, missed orange'
        below.append(Tile(label, _overlay(own_HW, true_HW)))
    return np.vstack([tile_row(shown, 400), tile_row(below, 400)])


def _depth(name: str, depth_m_HW: np.ndarray, limits: tuple[float, float]) -> Tile:
    picture = colorize(depth_m_HW, *limits, Palette.DEPTH)
    return Tile(name, picture, Palette.DEPTH, f'{limits[0]:.2f} m', f'{limits[1]:.2f} m')


def _overlay(own_HW: np.ndarray, true_HW: np.ndarray) -> np.ndarray:
    met_HW = np.zeros_like(true_HW)
    if own_HW.any():
        met_HW = true_HW & (distance_transform_edt(~own_HW) <= RECALL_PX)
    picture = np.full((*own_HW.shape, 3), PAPER_RGB, np.uint8)
    missed_HW = true_HW & ~met_HW
    for lines_HW, color in ((own_HW, OWN_RGB), (missed_HW, MISSED_RGB), (met_HW, MET_RGB)):
        picture[binary_dilation(lines_HW, np.ones((3, 3)))] = color  # or shrinking loses them
    return picture
