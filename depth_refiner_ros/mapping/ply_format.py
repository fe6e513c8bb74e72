# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""PLY files as they are written here, binary, little endian, colored; and those of points."""

from pathlib import Path

from depth_refiner_ros.core.atomic import write_atomic
import numpy as np

VERTEX = np.dtype([('position', '<f4', 3), ('color', 'u1', 3)])
FACE = np.dtype([('count', 'u1'), ('indices', '<i4', 3)])


def write_points(path: Path, points_m_N3: np.ndarray, colors_N3: np.ndarray) -> None:
    """
    Write points of the optical frame atomically.

    :raises OutputError: if they cannot be written; an older file stays
    """
    vertices = packed_vertices(points_m_N3, colors_N3)
    parts = header('optical', len(vertices)), vertices.tobytes()
    write_atomic(Path(path), parts, durable=False)


def packed_vertices(points_m_N3: np.ndarray, colors_N3: np.ndarray) -> np.ndarray:
    """Return the records of points and their uint8 colors."""
    vertices = np.empty(len(points_m_N3), dtype=VERTEX)
    vertices['position'] = points_m_N3
    vertices['color'] = colors_N3
    return vertices


def header(frame: str, vertices: int, faces: int | None = None) -> bytes:
    """
    Return the start of a file.

    :param frame: of the coordinates, for readers
    :param faces: triangles, None for points alone
    """
    lines = [
        'ply',
        'format binary_little_endian 1.0',
        f'comment metres, {frame} frame',
        f'element vertex {vertices}',
        *(f'property float {axis}' for axis in 'xyz'),
        *(f'property uchar {color}' for color in ('red', 'green', 'blue')),
    ]
    if faces is not None:
        lines += [f'element face {faces}', 'property list uchar int vertex_indices']
    return '\n'.join([*lines, 'end_header', '']).encode('ascii')
