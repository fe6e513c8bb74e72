# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Keep a volume in a file, to go on with it later.

The file is safetensors: ``blocks`` (K, 3) int32 and each value of the voxels, (K, resolution**3,
channels) float32; ``seen`` (M, 3) int32, blocks of space that frames looked through, which older
files do not have; sizes stand in its metadata.
"""

from collections.abc import Iterator, Mapping
import json
import math
from pathlib import Path

from depth_refiner_ros.core.atomic import write_atomic
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.voxel_grid import CHANNELS, VoxelGrid
import numpy as np
from safetensors import safe_open, SafetensorError

BLOCKS, SEEN = 'blocks', 'seen'
SIZES = ('voxel_m', 'truncation_m', 'resolution')
FRAMES = 'frames'
PART_BLOCKS = 256
"""Blocks that are copied at a time while a volume is written: 1.5 MB of color."""


def write_volume(
    path: Path, grid: VoxelGrid, *, truncation_m: float, frames: int, seen_M3: np.ndarray
) -> None:
    """
    Write the blocks in use, atomically, in parts: a volume may fill half of the memory.

    :param frames: that were fused
    :param seen_M3: int32, blocks of space that frames looked through
    :raises OutputError: if it cannot be written; an older file stays
    """
    blocks_K3, rows_K = grid.stored()
    indices = {BLOCKS: blocks_K3, SEEN: seen_M3}
    shapes = {name: values.shape for name, values in indices.items()} | {
        name: (len(rows_K), grid.resolution**3, channels) for name, channels in CHANNELS.items()
    }
    metadata = {**_sizes(grid, truncation_m), FRAMES: str(frames)}

    def parts() -> Iterator[bytes]:
        yield _header(shapes, metadata)
        for values in indices.values():
            yield values.astype('<i4').tobytes()
        for name, channels in CHANNELS.items():
            values = grid.values(name).reshape(-1, grid.resolution**3, channels)
            for first in range(0, len(rows_K), PART_BLOCKS):
                yield values[rows_K[first : first + PART_BLOCKS]].astype('<f4').tobytes()

    write_atomic(path, parts())


def read_volume(path: Path, grid: VoxelGrid, *, truncation_m: float) -> tuple[int, np.ndarray]:
    """
    Fill an empty grid from a file.

    :return: number of frames that were fused; int32 blocks of space that they looked through, of
        shape (M, 3)
    :raises MappingError: if the file cannot be read, or is of a volume with other sizes
    """
    try:
        with safe_open(path, framework='numpy') as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise MappingError(
            f'volume {path} cannot be read, so it is none or damaged; name another file ({error})'
        ) from error
    tensors.setdefault(SEEN, np.empty((0, 3), np.int32))
    _check(path, metadata, tensors, grid, truncation_m)
    grid.add(tensors[BLOCKS])
    rows_K = grid.rows(tensors[BLOCKS])
    for name, channels in CHANNELS.items():
        values = grid.values(name).reshape(-1, grid.resolution**3, channels)
        values[rows_K] = tensors[name]
    return int(metadata[FRAMES]), tensors[SEEN]


def _header(shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, str]) -> bytes:
    """Return what safetensors has before the values, which follow in this order."""
    about: dict[str, object] = {'__metadata__': dict(metadata)}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * math.prod(shape)
        dtype = 'I32' if name in (BLOCKS, SEEN) else 'F32'
        about[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': (start, end)}
    text = json.dumps(about).encode()
    text += b' ' * (-len(text) % 8)  # values are aligned
    return len(text).to_bytes(8, 'little') + text


def _sizes(grid: VoxelGrid, truncation_m: float) -> dict[str, str]:
    sizes = (grid.voxel_m, truncation_m, grid.resolution)
    return {name: f'{size:.9g}' for name, size in zip(SIZES, sizes)}


def _check(
    path: Path,
    metadata: Mapping[str, str],
    tensors: Mapping[str, np.ndarray],
    grid: VoxelGrid,
    truncation_m: float,
) -> None:
    wanted = _sizes(grid, truncation_m)
    if {BLOCKS, *CHANNELS} - set(tensors) or not metadata.get(FRAMES, '').isdecimal():
        raise MappingError(f'{path} is not a volume of this package')
    for name, size in wanted.items():
        if metadata.get(name) != size:
            raise MappingError(
                f'volume {path} has {name} = {metadata.get(name)}, not {size}; set the options '
                'of its run, or name another file'
            )
    blocks_K3 = tensors[BLOCKS]
    count = len(blocks_K3)
    shapes = {BLOCKS: (count, 3), SEEN: (len(tensors[SEEN]), 3)} | {
        name: (count, grid.resolution**3, channels) for name, channels in CHANNELS.items()
    }
    for name, shape in shapes.items():
        kind = np.int32 if name in (BLOCKS, SEEN) else np.float32
        if tensors[name].shape != shape or tensors[name].dtype != kind:
            raise MappingError(f'volume {path} is damaged: {name} has {tensors[name].shape}')
    if len(np.unique(blocks_K3, axis=0)) != count or not all(
        np.isfinite(tensors[name]).all() for name in CHANNELS
    ):
        raise MappingError(f'volume {path} is damaged: a block is there twice, or not a number')
