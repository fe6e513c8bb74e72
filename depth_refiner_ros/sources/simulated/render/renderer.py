# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ray-cast a room into linear color and exact Z depth."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
from depth_refiner_ros.core.lens import Camera, Lens
from depth_refiner_ros.sources.simulated.render.lighting import arriving_light
from depth_refiner_ros.sources.simulated.render.noise import noise
from depth_refiner_ros.sources.simulated.render.rays import (
    all_pixels,
    directions_through,
    dot,
    eye_and_turn,
    packed,
)
from depth_refiner_ros.sources.simulated.render.skies import sky_color
from depth_refiner_ros.sources.simulated.render.surface import Surface
from depth_refiner_ros.sources.simulated.render.textures import albedo
from depth_refiner_ros.sources.simulated.rooms.room import Room
import numpy as np
import open3d as o3d

_EDGE_STEP = np.float32(0.02)
_SKY_M = 1e4
_SIX_DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
_EXTRA_SAMPLES = np.array([(-0.35, -0.15), (0.15, -0.35), (0.35, 0.15), (-0.15, 0.35)], np.float32)


@dataclass(frozen=True)
class Rendered:
    """
    One image of a room.

    :param linear_rgb_HW3: float32 light at the sensor, about 0.2 on average
    :param depth_m_HW: float32 depth along Z at the pixel centres; where nothing is hit, NaN
        indoors and +Inf, too far to measure, below an open sky
    """

    linear_rgb_HW3: np.ndarray
    depth_m_HW: np.ndarray


class Hits(NamedTuple):
    """Where rays of depth one meet the room; NaN, triangle 0 where they miss it."""

    depth_m_N: np.ndarray
    triangle_N: np.ndarray
    barycentric_2N: np.ndarray


class RoomRenderer:
    """
    Renders one room from any pose.

    Lists of points are kept as one row per axis, which is several times as fast in numpy.

    :param room: the room; its triangles are passed to Embree once
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        vertices, triangles = room.mesh()
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            o3d.core.Tensor.from_numpy(vertices),
            o3d.core.Tensor.from_numpy(triangles.astype(np.uint32)),
        )
        self._surface = Surface(room.surface, room.materials)

    def render(self, intrinsics: Camera, map_from_camera: np.ndarray) -> Rendered:
        """
        Return color and depth as a camera at this pose sees them.

        :param intrinsics: its camera; of a lens, depth is the distance along its rays
        :param map_from_camera: 4 x 4 pose of the optical frame (x right, y down, z forward)
        :raises InputError: if the pose is not a finite 4 x 4 matrix
        """
        shape = intrinsics.height, intrinsics.width
        eye_3, turn_33 = eye_and_turn(map_from_camera)
        through = directions_through(*all_pixels(intrinsics), intrinsics, turn_33)
        hits = self._cast(eye_3, through)
        depth_HW = hits.depth_m_N.reshape(shape)
        sky = self.room.lighting.sky
        edges = _depth_edges(depth_HW if sky is None else np.nan_to_num(depth_HW, nan=_SKY_M))
        rows, columns = np.nonzero(edges)
        extra = directions_through(
            columns[:, None] + _EXTRA_SAMPLES[:, 0],
            rows[:, None] + _EXTRA_SAMPLES[:, 1],
            intrinsics,
            turn_33,
        )
        both = (np.concatenate(pair, -1) for pair in zip(hits, self._cast(eye_3, extra)))
        rgb = self._shade(eye_3, np.concatenate([through, extra], 1), Hits(*both), intrinsics)
        rgb_3HW = rgb[:, : depth_HW.size].reshape(3, *shape)
        rgb_3HW[:, rows, columns] = (
            rgb[:, depth_HW.size :].reshape(3, -1, len(_EXTRA_SAMPLES)).mean(2)
        )
        return Rendered(self._exposed(rgb_3HW), self._with_sky(depth_HW))

    def depth(self, intrinsics: Camera, map_from_camera: np.ndarray) -> np.ndarray:
        """Return only ``depth_m_HW``; where nothing is hit, NaN, and +Inf for the sky."""
        eye_3, turn_33 = eye_and_turn(map_from_camera)
        hits = self._cast(eye_3, directions_through(*all_pixels(intrinsics), intrinsics, turn_33))
        return self._with_sky(hits.depth_m_N.reshape(intrinsics.height, intrinsics.width))

    def _with_sky(self, depth_m_HW: np.ndarray) -> np.ndarray:
        """Return +Inf for NaN where there is an open sky."""
        if self.room.lighting.sky is None:
            return depth_m_HW
        return np.where(np.isnan(depth_m_HW), np.float32(np.inf), depth_m_HW)

    def clearance_m(self, points_N3: np.ndarray) -> np.ndarray:
        """Return the distance of points to the nearest surface in metres, 0 inside a solid."""
        points = np.ascontiguousarray(points_N3, np.float32)
        distance = self._scene.compute_distance(o3d.core.Tensor.from_numpy(points)).numpy()
        return np.where(self._enclosed(points), np.float32(0), distance)

    def _enclosed(self, points_N3: np.ndarray) -> np.ndarray:
        """Return which points see the inner side of surfaces in most of six directions."""
        rays = np.empty((len(points_N3), 6, 6), np.float32)
        rays[..., :3], rays[..., 3:] = points_N3[:, None], _SIX_DIRECTIONS
        hit = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays))
        met = np.isfinite(hit['t_hit'].numpy())
        triangle = np.where(met, hit['primitive_ids'].numpy(), 0)
        outward = np.einsum('ink,ki->nk', self._surface.outward(triangle), _SIX_DIRECTIONS)
        return (met & (outward > 0)).sum(1) >= 4

    def _blocked(self, origins_3N: np.ndarray, vectors_3N: np.ndarray) -> np.ndarray:
        rays = o3d.core.Tensor.from_numpy(packed(origins_3N, vectors_3N))
        return self._scene.test_occlusions(rays, tnear=0.0, tfar=0.999).numpy()

    def _cast(self, eye_3: np.ndarray, directions_3N: np.ndarray) -> Hits:
        hit = self._scene.cast_rays(o3d.core.Tensor.from_numpy(packed(eye_3, directions_3N)))
        reach = hit['t_hit'].numpy()
        met = np.isfinite(reach)
        return Hits(
            np.where(met, reach, np.float32(np.nan)),
            np.where(met, hit['primitive_ids'].numpy(), 0).astype(np.intp),
            hit['primitive_uvs'].numpy().T,
        )

    def _shade(
        self, eye_3: np.ndarray, directions_3N: np.ndarray, hits: Hits, camera: Camera
    ) -> np.ndarray:
        """Return the linear color ``rgb_3N`` of what the rays meet."""
        depth, triangle, barycentric = hits
        missed = np.isnan(depth)
        along = np.where(missed, np.float32(1), depth)
        to_eye = directions_3N * (-1 / np.sqrt(dot(directions_3N, directions_3N)))
        points = along * directions_3N
        points += eye_3[:, None]
        normals = self._surface.normals(triangle, barycentric, to_eye)
        material = self._surface.material(triangle)
        slant = np.maximum(np.abs(dot(normals, to_eye)), np.float32(0.06))
        focal_px = camera.matrix.fx if isinstance(camera, Lens) else camera.fx
        footprint = along * np.float32(1 / focal_px) / np.sqrt(slant)
        uv = self._surface.uv(triangle, barycentric)
        rgb = albedo(material, uv, footprint, self.room.materials)
        dirt = noise(uv[0], uv[1], 1.7, 1.7, self.room.seed) - np.float32(0.5)
        rgb *= 1 + self._surface.grime.take(material) * dirt
        light, shine = arriving_light(self.room.lighting, points, normals, to_eye, self._blocked)
        emission = self._surface.emission.take(material)
        rgb *= np.where(emission > 0, emission, light)
        shine *= self._surface.gloss.take(material)
        rgb += shine
        sky = self.room.lighting.sky
        if sky is not None and missed.any():
            rgb[:, missed] = sky_color(sky, directions_3N[:, missed])
        else:
            rgb[:, missed] = 0
        return rgb

    def _exposed(self, rgb_3HW: np.ndarray) -> np.ndarray:
        """Scale to the room's exposure and color balance; automatic exposure is not perfect."""
        look = self.room.look
        level = float(np.minimum(rgb_3HW, 4.0).mean())
        reference = float(self.room.lighting.ambient_3.mean()) * 1.2
        gain = look.level / (max(level, 1e-4) ** look.drift * reference ** (1 - look.drift))
        rgb_3HW *= (np.float32(gain) * look.balance_3)[:, None, None]
        return cv2.merge(list(rgb_3HW))


def _depth_edges(depth_m_HW: np.ndarray) -> np.ndarray:
    """Mark pixels next to a depth edge, where one sample would give a jagged outline."""
    edges = np.zeros(depth_m_HW.shape, bool)
    inverse = 1 / depth_m_HW
    for ahead, behind in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        jump = np.abs(inverse[ahead] - inverse[behind]) > _EDGE_STEP * inverse[ahead]
        edges[ahead] |= jump
        edges[behind] |= jump
    return edges
