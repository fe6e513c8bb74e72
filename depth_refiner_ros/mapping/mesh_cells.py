# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Extract the surface of parts of a volume, so that a growing map need not be meshed as a whole.

Cells are cubes of blocks. A triangle belongs to the cell that holds its centre, so that the
meshes of all cells together are that of the volume, each triangle once.
"""

from collections.abc import Collection
from itertools import product

from depth_refiner_ros.mapping.blocks import unique_rows
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.voxel_grid import CHANNELS, VoxelGrid
import numpy as np

CELL_BLOCKS = 8
"""Edge of a cell in blocks: 1.28 m with voxels of 2 cm."""
Cell = tuple[int, int, int]


def cells_of(blocks_K3: np.ndarray) -> set[Cell]:
    """
    Return the cells whose surface depends on some blocks.

    A voxel is a corner of the cube of voxels before it, along each axis, too.
    """
    behind_83 = np.array(list(product((0, 1), repeat=3)))
    cells_N3 = ((blocks_K3[:, None] - behind_83) // CELL_BLOCKS).reshape(-1, 3)
    return {(x, y, z) for x, y, z in unique_rows(cells_N3).tolist()}


def mesh_of_cells(
    grid: VoxelGrid, cells: Collection[Cell], *, min_weight: float, min_trust: float
) -> dict[Cell, Mesh]:
    """
    Return the surface in each cell; a cell without any has an empty mesh.

    :param min_weight: a surface needs this many observations
    :param min_trust: and this sum of their weights
    """
    if not cells:
        return {}
    surface = _part_of(grid, cells, min_trust).surface(min_weight)
    centres_M3 = surface.vertices_m_N3[surface.triangles_M3].mean(axis=1)
    cells_M3 = np.floor(centres_M3 / (grid.block_m * CELL_BLOCKS))
    return {cell: surface.with_triangles((cells_M3 == cell).all(axis=1)) for cell in cells}


def _part_of(grid: VoxelGrid, cells: Collection[Cell], min_trust: float) -> VoxelGrid:
    """Return a copy of the blocks of some cells and of those around them."""
    around_P3 = np.array(list(product(range(-1, CELL_BLOCKS + 1), repeat=3)), dtype=np.int32)
    firsts_C13 = np.array(list(cells), dtype=np.int32).reshape(-1, 1, 3) * CELL_BLOCKS
    blocks_K3 = unique_rows((firsts_C13 + around_P3).reshape(-1, 3)).astype(np.int32)
    rows_K = grid.rows(blocks_K3)
    blocks_K3, rows_K = blocks_K3[rows_K >= 0], rows_K[rows_K >= 0]
    part = VoxelGrid(
        grid.voxel_m, grid.resolution, grid.max_memory_mb, grid.device, len(blocks_K3)
    )
    part.add(blocks_K3)
    part_rows_K = part.rows(blocks_K3)
    for name, channels in CHANNELS.items():
        shape = (-1, grid.resolution**3, channels)
        part.values(name).reshape(shape)[part_rows_K] = grid.values(name).reshape(shape)[rows_K]
    if min_trust > 0:
        part.values('weight')[part.values('trust') < min_trust] = 0
    return part
