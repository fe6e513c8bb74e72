# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Maps of a few validation images side by side, to look at while a run goes on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
from depth_refiner_ros.core.atomic import write_atomic
from depth_refiner_ros.report.colormap import colorize, depth_limits_m, Palette
import numpy as np
import torch

WIDTH_PX = 320
Maps = torch.Tensor | Sequence[torch.Tensor]
"""A map of each image: one batch, or a list where images differ in size."""


def write_pictures(file: Path, maps: Mapping[str, Maps]) -> None:
    """
    Write a sheet: a row for each image, a column for each map, depth in common colors.

    :param maps: name to (3, H, W) in 0..1 or (1, H, W) in metres of each image; ``difference`` in
        0..1
    :raises OutputError: where it cannot be written
    """
    if not maps:
        return
    count = len(next(iter(maps.values())))
    rows = [np.hstack([*_row(maps, index)]) for index in range(count)]
    heading = np.hstack([_heading(name, rows[0].shape[1] // len(maps)) for name in maps])
    sheet = np.vstack([heading, *rows])
    file.parent.mkdir(parents=True, exist_ok=True)
    _, png = cv2.imencode('.png', sheet[..., ::-1])
    write_atomic(file, [png.tobytes()])


def _row(maps: Mapping[str, Maps], index: int) -> list[np.ndarray]:
    arrays = {name: value[index].detach().float().cpu().numpy() for name, value in maps.items()}
    depths = [item[0] for name, item in arrays.items() if _is_depth(name, item)]
    limits = depth_limits_m(*depths)
    tiles = []
    for name, item in arrays.items():
        if len(item) == 3:
            tile = np.rint(item.transpose(1, 2, 0).clip(0.0, 1.0) * 255.0).astype(np.uint8)
        elif _is_depth(name, item):
            tile = colorize(item[0], *limits, Palette.DEPTH)
        else:
            tile = colorize(item[0], 0.0, 1.0, Palette.DIFFERENCE)
        height = round(tile.shape[0] * WIDTH_PX / tile.shape[1])
        tiles.append(cv2.resize(tile, (WIDTH_PX, height), interpolation=cv2.INTER_NEAREST))
    return tiles


def _is_depth(name: str, item: np.ndarray) -> bool:
    return len(item) == 1 and name != 'difference'


def _heading(name: str, width: int) -> np.ndarray:
    paper = np.full((24, width, 3), 255, np.uint8)
    return cv2.putText(paper, name, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1)
