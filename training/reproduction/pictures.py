# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One picture per study: image, true depth, priors, and the result of every row."""

from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from depth_refiner_ros.report.colormap import colorize, depth_limits_m, Palette
from depth_refiner_ros.report.panels import PAPER_RGB, Tile, tile_row, write_png
import numpy as np
from training.reproduction.pieces import folder_of
from training.reproduction.plan import PIECES
from training.reproduction.studies import Study
from training.reproduction.training_piece import PICTURE
from training.reproduction.verdicts import Found

TILE_PX, IN_A_ROW = 260, 5


def write_picture(
    file: Path, study: Study, place: Path, pieces: Mapping[str, Found], seed: int = 0
) -> bool:
    """
    Draw the same held-out image for every row of a study that is done.

    :param pieces: those that are done
    :return: whether there is one
    :raises OutputError: if the file cannot be written
    """
    done = {name for name, found in pieces.items() if seed in found}
    tiles = [*_tiles(study, place, done, seed)]
    if not tiles:
        return False
    rows = [
        tile_row(tiles[first : first + IN_A_ROW], TILE_PX)
        for first in range(0, len(tiles), IN_A_ROW)
    ]
    width = max(row.shape[1] for row in rows)
    padded = [
        np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=PAPER_RGB[0])
        for row in rows
    ]
    write_png(file, np.vstack(padded))
    return True


def _tiles(study: Study, place: Path, done: Set[str], seed: int) -> Iterator[Tile]:
    maps: dict[str, dict[str, np.ndarray]] = {}
    priors: dict[str, np.ndarray] = {}
    for row in study.rows:
        file = folder_of(place, row.piece, seed) / PICTURE
        if row.piece in done and file.exists():
            with np.load(file, allow_pickle=False) as stored:
                maps[row.label] = {name: stored[name] for name in stored.files}
            priors.setdefault(PIECES[row.piece].prior, maps[row.label]['prior'])
    if not maps:
        return
    first = next(iter(maps.values()))
    near_m, far_m = depth_limits_m(first['prior'][0], first['true'][0])

    def depth(label: str, depth_m_HW: np.ndarray) -> Tile:
        painted = colorize(depth_m_HW, near_m, far_m, Palette.DEPTH)
        return Tile(label, painted, Palette.DEPTH, f'{near_m:.2f} m', f'{far_m:.2f} m')

    rgb = np.rint(first['image'].transpose(1, 2, 0).clip(0.0, 1.0) * 255.0).astype(np.uint8)
    yield Tile('held-out image', rgb)
    yield depth('true', first['true'][0])
    for kind, prior in priors.items():
        yield depth(f'prior: {kind}', prior[0])
    for label, stored in maps.items():
        yield depth(label[:30], stored['refined'][0])
