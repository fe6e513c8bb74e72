# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Triangle meshes of simple solids with texture coordinates in metres, and pieces made of them."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

Point = tuple[float, float, float]


class Mesh(NamedTuple):
    """
    Triangles with the data for shading.

    :param vertices_V3: float32 metres
    :param normals_V3: float32 unit shading normals
    :param uv_V2: float32 texture coordinates in metres, from a corner of the face
    :param triangles_F3: int32 vertex indices
    :param material_F: int16 index into the room's materials
    """

    vertices_V3: np.ndarray
    normals_V3: np.ndarray
    uv_V2: np.ndarray
    triangles_F3: np.ndarray
    material_F: np.ndarray


def merged(meshes: list[Mesh]) -> Mesh:
    """Join meshes into one."""
    starts = np.cumsum([0] + [len(mesh.vertices_V3) for mesh in meshes[:-1]])
    triangles = [mesh.triangles_F3 + start for mesh, start in zip(meshes, starts)]
    return Mesh(
        np.concatenate([mesh.vertices_V3 for mesh in meshes]),
        np.concatenate([mesh.normals_V3 for mesh in meshes]),
        np.concatenate([mesh.uv_V2 for mesh in meshes]),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate([mesh.material_F for mesh in meshes]),
    )


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Return the matrix that turns by roll about x, pitch about y, then yaw about z (radians)."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ],
        dtype=np.float32,
    )


@lru_cache(maxsize=1)
def _unit_box() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return corners in +-0.5, normals, unit uv, the size axes of u and v, and triangles."""
    corners, normals, uv, axes = [], [], [], []
    for axis, u_axis, v_axis in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        for side in (-0.5, 0.5):
            for u, v in ((0, 0), (1, 0), (1, 1), (0, 1)):
                corner = np.zeros(3)
                corner[[axis, u_axis, v_axis]] = side, u - 0.5, v - 0.5
                normal = np.zeros(3)
                normal[axis] = 2 * side
                corners.append(corner)
                normals.append(normal)
                uv.append((u, v))
                axes.append((u_axis, v_axis))
    faces = [
        [start, start + 1, start + 2, start, start + 2, start + 3] for start in range(0, 24, 4)
    ]
    return (
        np.array(corners, np.float32),
        np.array(normals, np.float32),
        np.array(uv, np.float32),
        np.array(axes),
        np.array(faces, np.int32).reshape(12, 3),
    )


@lru_cache(maxsize=64)
def _grid_triangles(rows: int, columns: int) -> np.ndarray:
    """Return the triangles of a rows x columns grid of vertices."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1, 1)
    lower, upper = np.array([0, 1, columns + 1]), np.array([0, columns + 1, columns])
    return np.concatenate([first + lower, first + upper], dtype=np.int32)


def _grid_mesh(points_RC3: np.ndarray, uv_RC2: np.ndarray, material: int) -> Mesh:
    """Make a smooth mesh of a grid of points; normals follow from the grid's own tangents."""
    along = np.gradient(points_RC3, axis=0)
    across = np.gradient(points_RC3, axis=1)
    if np.allclose(points_RC3[:, 0], points_RC3[:, -1]):
        seam = (points_RC3[:, 1] - points_RC3[:, -2]) / 2
        across[:, 0], across[:, -1] = seam, seam
    normals = np.cross(across, along)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    normals = np.divide(normals, length, out=np.zeros_like(normals), where=length > 1e-12)
    rows, columns = points_RC3.shape[:2]
    for end, inner in ((0, 1), (rows - 1, rows - 2)):
        degenerate = length[end, :, 0] <= 1e-12
        normals[end, degenerate] = normals[inner, degenerate]
    triangles = _grid_triangles(rows, columns)
    return Mesh(
        points_RC3.reshape(-1, 3).astype(np.float32),
        normals.reshape(-1, 3).astype(np.float32),
        uv_RC2.reshape(-1, 2).astype(np.float32),
        triangles,
        np.full(len(triangles), material, np.int16),
    )


@dataclass(frozen=True)
class Top:
    """A level rectangle on which small things can stand, in the piece's frame (metres)."""

    x0: float
    x1: float
    y0: float
    y1: float
    z: float


class Piece:
    """A piece of furniture in its own frame: origin on the floor, front towards -y, z up."""

    def __init__(self) -> None:
        self.meshes: list[Mesh] = []
        self.tops: list[Top] = []

    def mesh(self) -> Mesh:
        """Return all triangles as one mesh."""
        self.meshes = [merged(self.meshes)]
        return self.meshes[0]

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the smallest and the largest corner in metres."""
        vertices = self.mesh().vertices_V3
        return vertices.min(0), vertices.max(0)

    def add(
        self,
        other: 'Piece',
        at: Point = (0, 0, 0),
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        """Add another piece at a position in this one, rotated by angles in radians."""
        mesh = other.mesh()
        turn = rotation(yaw, pitch, roll).T
        self.meshes.append(
            mesh._replace(
                vertices_V3=mesh.vertices_V3 @ turn + np.asarray(at, np.float32),
                normals_V3=mesh.normals_V3 @ turn,
            )
        )

    def box(self, centre: Point, size: Point, material: int) -> None:
        """Add a box with sides along the axes."""
        corners, normals, uv, axes, triangles = _unit_box()
        size_3 = np.asarray(size, np.float32)
        self.meshes.append(
            Mesh(
                corners * size_3 + np.asarray(centre, np.float32),
                normals,
                uv * size_3[axes],
                triangles,
                np.full(12, material, np.int16),
            )
        )

    def lathe(
        self, at: Point, profile: list[tuple[float, float]], material: int, segments: int = 16
    ) -> None:
        """
        Add a surface of revolution about z.

        :param at: origin of the profile
        :param profile: (radius, height) from the bottom up; equal neighbours make a sharp rim
        """
        radius, height = np.array(profile, np.float32).T
        angle = np.linspace(0, 2 * np.pi, segments + 1, dtype=np.float32)
        points = np.stack(
            [
                radius[:, None] * np.cos(angle),
                radius[:, None] * np.sin(angle),
                np.repeat(height[:, None], segments + 1, 1),
            ],
            -1,
        )
        run = np.concatenate([[0], np.cumsum(np.hypot(np.diff(radius), np.diff(height)))])
        uv = np.stack(
            np.broadcast_arrays(angle * max(float(radius.max()), 1e-3), run[:, None]), -1
        )
        points = points + np.asarray(at, np.float32)
        for part in _split_at_rims(profile):
            self.meshes.append(_grid_mesh(points[part], uv[part], material))

    def cylinder(
        self,
        at: Point,
        radius: float,
        height: float,
        material: int,
        segments: int = 16,
        top_radius: float | None = None,
    ) -> None:
        """Add an upright closed cylinder or cone frustum whose foot is at ``at``."""
        end = radius if top_radius is None else top_radius
        self.lathe(
            at,
            [(0, 0), (radius, 0), (radius, 0), (end, height), (end, height), (0, height)],
            material,
            segments,
        )

    def ball(
        self, centre: Point, radius: Point, material: int, segments: int = 20, power: float = 1.0
    ) -> None:
        """Add an ellipsoid, or with ``power`` < 1 a cushion-like rounded box."""
        polar = np.linspace(0, np.pi, segments // 2 + 1, dtype=np.float32)[::-1, None]
        around = np.linspace(0, 2 * np.pi, segments + 1, dtype=np.float32)[None]

        def bent(values: np.ndarray) -> np.ndarray:
            return np.sign(values) * np.abs(np.where(np.abs(values) < 1e-6, 0, values)) ** power

        ring = bent(np.sin(polar))
        unit = np.stack(
            np.broadcast_arrays(
                ring * bent(np.cos(around)), ring * bent(np.sin(around)), bent(np.cos(polar))
            ),
            -1,
        )
        size = np.asarray(radius, np.float32)
        uv = np.stack(np.broadcast_arrays(around * size[0], -polar * size[2]), -1)
        if power != 1.0:
            uv = np.stack(
                [unit[..., 0] * size[0], unit[..., 1] * size[1] + unit[..., 2] * size[2]], -1
            )
        self.meshes.append(_grid_mesh(unit * size + np.asarray(centre, np.float32), uv, material))

    def tube(
        self, points: list[Point] | np.ndarray, radius: float, material: int, segments: int = 8
    ) -> None:
        """Add a round bar along a polyline; its ends stay open."""
        path = np.asarray(points, np.float32)
        tangent = np.gradient(path, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        helper = np.eye(3, dtype=np.float32)[np.abs(tangent[0]).argmin()]
        side = np.cross(tangent, helper)
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        other = np.cross(tangent, side)
        angle = np.linspace(0, 2 * np.pi, segments + 1, dtype=np.float32)[None, :, None]
        ring = radius * (np.cos(angle) * side[:, None] + np.sin(angle) * other[:, None])
        run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        uv = np.stack(np.broadcast_arrays(angle[..., 0] * radius, run[:, None]), -1)
        self.meshes.append(_grid_mesh(path[:, None] + ring, uv, material))

    def sheet(self, points_RC3: np.ndarray, material: int) -> None:
        """Add a bent sheet, such as a leaf or a curtain, from a grid of points."""
        steps_v = np.linalg.norm(np.diff(points_RC3, axis=0), axis=-1).mean(1)
        steps_u = np.linalg.norm(np.diff(points_RC3, axis=1), axis=-1).mean(0)
        u, v = (np.concatenate([[0], np.cumsum(steps)]) for steps in (steps_u, steps_v))
        uv = np.stack(np.broadcast_arrays(u[None], v[:, None]), -1)
        self.meshes.append(_grid_mesh(points_RC3, uv, material))


def _split_at_rims(profile: list[tuple[float, float]]) -> list[slice]:
    """Cut a profile where a point is repeated, so that shading has a crease there."""
    cuts = [i for i in range(1, len(profile)) if profile[i] == profile[i - 1]]
    return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(profile)])]
