# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""An analytic room: exact depth and colors from any pose, without a renderer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.mesh import Mesh
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

KITCHEN = Path(__file__).parents[2] / '..' / 'shared' / 'data' / 'redkitchen_tum'


@pytest.fixture
def kitchen() -> Path:
    if not KITCHEN.is_dir():
        pytest.skip(f'no sample data at {KITCHEN.resolve()}')
    return KITCHEN


def waves(points_HW3: np.ndarray) -> np.ndarray:
    """Return smooth colors, 0 to 255."""
    return 127 + 60 * np.sin(9 * points_HW3) + 60 * np.sin(23 * points_HW3[..., ::-1] + 1)


def blots(points_HW3: np.ndarray) -> np.ndarray:
    """Return colors of which every place has its own, so that it can be recognised."""
    values = np.random.default_rng(0).uniform(0, 255, (60, 60, 60))
    places_3HW = np.moveaxis(points_HW3, -1, 0) * 10.0 + 30.0
    return np.repeat(map_coordinates(values, places_3HW, order=1)[..., None], 3, axis=-1)


@dataclass
class Room:
    """The inside of a box."""

    half_m_3: np.ndarray = field(default_factory=lambda: np.array([2.0, 1.5, 2.5]))
    camera: Intrinsics = field(default_factory=lambda: Intrinsics.from_fov(160, 120, 75.0))
    paint: Callable[[np.ndarray], np.ndarray] = waves

    def render(self, map_from_camera: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return depth along Z (float32) and color (uint8) by the slab method."""
        x_y_2HW = self.camera.rays().numpy()
        rays_HW3 = np.moveaxis(np.concatenate([x_y_2HW, np.ones_like(x_y_2HW[:1])]), 0, -1).astype(
            np.float64
        )
        rays_HW3 = rays_HW3 @ map_from_camera[:3, :3].T
        origin_3 = map_from_camera[:3, 3]
        with np.errstate(divide='ignore'):
            walls_HW3 = (np.sign(rays_HW3) * self.half_m_3 - origin_3) / rays_HW3
        depth_HW = np.nanmin(np.where(rays_HW3 == 0, np.inf, walls_HW3), axis=-1)
        points_HW3 = origin_3 + rays_HW3 * depth_HW[..., None]
        rgb_HW3 = self.paint(points_HW3)
        return depth_HW.astype(np.float32), rgb_HW3.clip(0, 255).astype(np.uint8)

    def distance_to_walls(self, points_N3: np.ndarray) -> np.ndarray:
        return np.abs(self.half_m_3 - np.abs(points_N3)).min(axis=1)

    def mesh(self) -> Mesh:
        signs = np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing='ij')
        corners = np.array(signs).reshape(3, -1).T
        quads = [
            (0, 1, 3, 2),
            (4, 5, 7, 6),
            (0, 1, 5, 4),
            (2, 3, 7, 6),
            (0, 2, 6, 4),
            (1, 3, 7, 5),
        ]
        triangles = [corner for a, b, c, d in quads for corner in ((a, b, c), (a, c, d))]
        return Mesh(
            vertices_m_N3=(corners * self.half_m_3).astype(np.float32),
            triangles_M3=np.array(triangles, dtype=np.int32),
            colors_N3=np.full((8, 3), 128, dtype=np.uint8),
        )


def turned(yaw_deg: float, position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> np.ndarray:
    """Return a pose turned about the vertical axis."""
    yaw = np.radians(yaw_deg)
    pose = np.eye(4)
    pose[:3, :3] = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    pose[:3, 3] = position_m
    return pose


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def blotted_room() -> Room:
    return Room(camera=Intrinsics.from_fov(320, 240, 75.0), paint=blots)


@pytest.fixture
def turn():
    return turned
