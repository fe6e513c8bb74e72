# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Pictures of a mesh from several sides, without a display.

From outside, a room would show only the backs of its walls, so faces that face away are
transparent.
"""

from dataclasses import dataclass

from depth_refiner_ros.core.errors import InputError
import numpy as np

LAYERS = 6
"""Largest number of back faces skipped before the first front face."""
AMBIENT = 0.45
PAPER_RGB = (246.0, 247.0, 249.0)
SAMPLES = 2
"""Rays per pixel along each image axis."""
FILL = 0.9
"""Camera distance over the distance at which the bounding sphere just fits the picture."""
TILT = np.radians(35.0)
"""Angle above the horizon of the cameras around the mesh."""
STEP_BACK_M = 0.3


@dataclass(frozen=True, kw_only=True)
class Camera:
    """
    Where a picture is taken from.

    :param eye_m_3: position in the map frame
    :param target_m_3: point in the middle of the picture
    :param up_3: direction that is up in the picture, not along the view
    :param vertical_fov_deg: opening angle
    :param name: caption
    """

    eye_m_3: np.ndarray
    target_m_3: np.ndarray
    up_3: np.ndarray
    vertical_fov_deg: float = 40.0
    name: str = ''


def around(vertices_m_N3: np.ndarray, up_3: np.ndarray) -> list[Camera]:
    """
    Return eight cameras around the bulk of a mesh and one above it.

    :param vertices_m_N3: positions; the outer 2 % do not count
    :param up_3: direction away from the floor
    :raises InputError: if there is no vertex
    """
    if not len(vertices_m_N3):
        raise InputError('cannot choose views of an empty mesh')
    low_3, high_3 = np.percentile(vertices_m_N3, [2.0, 98.0], axis=0)
    middle_3, radius_m = (low_3 + high_3) / 2, float(np.linalg.norm(high_3 - low_3)) / 2
    up_3 = up_3 / np.linalg.norm(up_3)
    ahead_3, aside_3 = _floor_axes(up_3)
    distance_m = max(radius_m, 1e-3) / np.sin(np.radians(20.0)) * FILL
    cameras = []
    for angle_deg in range(0, 360, 45):
        angle = np.radians(angle_deg)
        level_3 = np.cos(angle) * ahead_3 + np.sin(angle) * aside_3
        offset_3 = np.cos(TILT) * level_3 + np.sin(TILT) * up_3
        cameras.append(
            Camera(
                eye_m_3=middle_3 + distance_m * offset_3,
                target_m_3=middle_3,
                up_3=up_3,
                name=f'from {angle_deg} degrees',
            )
        )
    cameras.append(
        Camera(
            eye_m_3=middle_3 + distance_m * up_3,
            target_m_3=middle_3,
            up_3=ahead_3,
            name='from above',
        )
    )
    return cameras


def beside_path(map_from_camera_N44: np.ndarray, up_3: np.ndarray) -> list[Camera]:
    """Return views from a little behind the first and the middle pose of a trajectory."""
    poses_N44 = np.asarray(map_from_camera_N44).reshape(-1, 4, 4)
    if not len(poses_N44):
        return []
    names = {len(poses_N44) // 2: 'from half way', 0: 'from the start'}
    return [_behind(poses_N44[index], up_3, names[index]) for index in sorted(names)]


def best_views(
    painter: 'MeshPainter',
    vertices_m_N3: np.ndarray,
    up_3: np.ndarray,
    map_from_camera_N44: np.ndarray,
    *,
    sides: int = 3,
) -> list[Camera]:
    """
    Choose the sides that show most of the mesh, and where there is a path, views along it.

    :param sides: how many of the cameras around the mesh, the view from above not counted
    """
    *ring, above = around(vertices_m_N3, up_3)
    ring.sort(key=painter.seen_share, reverse=True)
    return [*beside_path(map_from_camera_N44, up_3), *ring[:sides], above]


def up_of_cameras(map_from_camera_N44: np.ndarray) -> np.ndarray:
    """Return the mean upward direction of a trajectory's images; Z where it cancels out."""
    up_3 = -np.asarray(map_from_camera_N44).reshape(-1, 4, 4)[:, :3, 1].sum(axis=0)
    length = np.linalg.norm(up_3)
    return up_3 / length if length > 1e-6 else np.array([0.0, 0.0, 1.0])


class MeshPainter:
    """
    A mesh prepared for ray casting.

    :param vertices_m_N3: positions in the map frame
    :param triangles_M3: vertex indices, counter-clockwise seen from the front
    :param colors_N3: uint8 colors of the vertices
    :raises InputError: if there is no triangle
    """

    def __init__(
        self, vertices_m_N3: np.ndarray, triangles_M3: np.ndarray, colors_N3: np.ndarray
    ) -> None:
        import open3d as o3d

        if not len(triangles_M3):
            raise InputError('a mesh without triangles cannot be drawn')
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(vertices_m_N3, dtype=np.float32)),
            o3d.core.Tensor.from_numpy(np.ascontiguousarray(triangles_M3, dtype=np.uint32)),
        )
        self._triangles_M3 = triangles_M3
        self._colors_N3 = colors_N3.astype(np.float32)

    def paint(self, camera: Camera, width: int = 640, height: int = 480) -> np.ndarray:
        """
        Draw the mesh with its colors under a headlight.

        :return: ``rgb_HW3`` uint8
        """
        rays_R6 = _rays(camera, width * SAMPLES, height * SAMPLES)
        rgb_R3 = self._colors_along(rays_R6)
        samples = rgb_R3.reshape(height, SAMPLES, width, SAMPLES, 3)
        return np.rint(samples.mean(axis=(1, 3))).astype(np.uint8)

    def seen_share(self, camera: Camera) -> float:
        """Return the share of the picture that first meets a surface from its front."""
        rays_R6 = _rays(camera, 80, 60)
        hits = self._cast(rays_R6)
        facing = np.einsum('ij,ij->i', hits['primitive_normals'], rays_R6[:, 3:]) < 0
        return float(np.mean(np.isfinite(hits['t_hit']) & facing))

    def _colors_along(self, rays_R6: np.ndarray) -> np.ndarray:
        """Return the color of the first front face along each ray, through back faces."""
        rgb_R3 = np.tile(np.array(PAPER_RGB, dtype=np.float32), (len(rays_R6), 1))
        waiting = np.arange(len(rays_R6))
        for _ in range(LAYERS):
            hits = self._cast(rays_R6)
            found = np.isfinite(hits['t_hit'])
            facing = -np.einsum('ij,ij->i', hits['primitive_normals'], rays_R6[:, 3:])
            front = found & (facing > 0)
            rgb_R3[waiting[front]] = self._shaded(hits, facing, front)
            behind = found & ~front
            if not behind.any():
                break
            waiting, rays_R6 = waiting[behind], rays_R6[behind]
            rays_R6[:, :3] += (hits['t_hit'][behind, None] + 1e-4) * rays_R6[:, 3:]
        return rgb_R3

    def _cast(self, rays_R6: np.ndarray) -> dict[str, np.ndarray]:
        import open3d as o3d

        cast = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays_R6))
        return {name: value.numpy() for name, value in cast.items()}

    def _shaded(
        self, hits: dict[str, np.ndarray], facing: np.ndarray, front: np.ndarray
    ) -> np.ndarray:
        corners_R33 = self._colors_N3[self._triangles_M3[hits['primitive_ids'][front]]]
        second, third = hits['primitive_uvs'][front].T
        weights_R3 = np.stack([1.0 - second - third, second, third], axis=1)
        rgb_R3 = np.einsum('rk,rkc->rc', weights_R3, corners_R33)
        return rgb_R3 * (AMBIENT + (1.0 - AMBIENT) * facing[front, None])


def _behind(map_from_camera: np.ndarray, up_3: np.ndarray, name: str) -> Camera:
    eye_m_3, forward_3 = map_from_camera[:3, 3], map_from_camera[:3, 2]
    steep = abs(float(forward_3 @ up_3)) > 0.95  # looking at the floor, the picture has no 'up'
    return Camera(
        eye_m_3=eye_m_3 - STEP_BACK_M * forward_3,
        target_m_3=eye_m_3 + forward_3,
        up_3=-map_from_camera[:3, 1] if steep else up_3,
        vertical_fov_deg=58.0,
        name=name,
    )


def _floor_axes(up_3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two directions along the floor, the first nearest to X or, where that is up, to Y."""
    start_3 = np.array([1.0, 0.0, 0.0]) if abs(up_3[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    ahead_3 = start_3 - up_3 * (start_3 @ up_3)
    ahead_3 /= np.linalg.norm(ahead_3)
    return ahead_3, np.cross(up_3, ahead_3)


def _rays(camera: Camera, width: int, height: int) -> np.ndarray:
    """Return origin and unit direction of each pixel's ray, row by row, float32."""
    forward_3 = camera.target_m_3 - camera.eye_m_3
    forward_3 = forward_3 / np.linalg.norm(forward_3)
    right_3 = np.cross(forward_3, camera.up_3)
    right_3 = right_3 / np.linalg.norm(right_3)
    down_3 = np.cross(forward_3, right_3)
    focal = height / (2.0 * np.tan(np.radians(camera.vertical_fov_deg) / 2.0))
    columns = (np.arange(width) - (width - 1) / 2) / focal
    rows = (np.arange(height) - (height - 1) / 2) / focal
    direction_HW3 = forward_3 + columns[None, :, None] * right_3 + rows[:, None, None] * down_3
    direction_HW3 /= np.linalg.norm(direction_HW3, axis=-1, keepdims=True)
    origin_HW3 = np.broadcast_to(camera.eye_m_3, direction_HW3.shape)
    rays_HW6 = np.concatenate([origin_HW3, direction_HW3], axis=-1)
    return np.ascontiguousarray(rays_HW6.reshape(-1, 6), dtype=np.float32)
