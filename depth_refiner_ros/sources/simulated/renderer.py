"""Ray-cast a room into linear colour and exact Z depth."""

from dataclasses import dataclass

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.simulated.lighting import arriving_light
from depth_refiner_ros.sources.simulated.room import Room
from depth_refiner_ros.sources.simulated.textures import albedo, noise
import numpy as np
import open3d as o3d

_EDGE_STEP = np.float32(0.02)
_SIX_DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32)
_EXTRA_SAMPLES = np.array([(-0.35, -0.15), (0.15, -0.35), (0.35, 0.15), (-0.15, 0.35)],
                          np.float32)


@dataclass(frozen=True)
class Rendered:
    """
    One image of a room.

    :param linear_rgb_HW3: float32 light at the sensor, about 0.2 on average
    :param depth_m_HW: float32 depth along Z at the pixel centres
    """

    linear_rgb_HW3: np.ndarray
    depth_m_HW: np.ndarray


class RoomRenderer:
    """
    Renders one room from any place.

    :param room: the room; its triangles are handed to Embree once
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        vertices, triangles = room.mesh()
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(o3d.core.Tensor.from_numpy(vertices),
                                  o3d.core.Tensor.from_numpy(triangles.astype(np.uint32)))
        corners = vertices[triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        self._flat_normals = normals / np.maximum(
            np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        self._uv = _with_edges(room.surface.uv_V2[triangles])
        corner_normals = room.surface.normals_V3[triangles]
        self._smooth = (np.ptp(corner_normals, axis=1) > 1e-4).any(1)
        self._normals = _with_edges(corner_normals)
        self._gloss = np.array([m.gloss for m in room.materials], np.float32)
        self._emission = np.array([m.emission for m in room.materials], np.float32)
        self._grime = np.array([m.grime for m in room.materials], np.float32)

    def render(self, intrinsics: Intrinsics, map_from_camera: np.ndarray) -> Rendered:
        """
        Give colour and depth as a camera at this pose sees them.

        :param map_from_camera: 4 x 4 pose of the optical frame (x right, y down, z forward)
        :raises InputError: where the pose is not a finite 4 x 4 matrix
        """
        grid = _pixel_grid(intrinsics)
        rays = _rays(grid, intrinsics, map_from_camera)
        rgb, depth = self._shade(rays, intrinsics)
        shape = intrinsics.height, intrinsics.width
        depth_HW = depth.reshape(shape)
        edges = np.flatnonzero(_depth_edges(depth_HW))
        if len(edges):
            spread = (grid[edges, None] + _EXTRA_SAMPLES).reshape(-1, 2)
            extra, _ = self._shade(_rays(spread, intrinsics, map_from_camera), intrinsics)
            rgb[edges] = extra.reshape(-1, len(_EXTRA_SAMPLES), 3).mean(1)
        return Rendered(self._exposed(rgb).reshape(*shape, 3), depth_HW)

    def depth(self, intrinsics: Intrinsics, map_from_camera: np.ndarray) -> np.ndarray:
        """Give only ``depth_m_HW``, NaN where nothing is hit."""
        rays = _rays(_pixel_grid(intrinsics), intrinsics, map_from_camera)
        reach = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays))['t_hit'].numpy()
        return _nan_where_missed(reach).reshape(intrinsics.height, intrinsics.width)

    def clearance_m(self, points_N3: np.ndarray) -> np.ndarray:
        """Give the distance of points to the nearest surface in metres, 0 inside of a solid."""
        points = np.ascontiguousarray(points_N3, np.float32)
        distance = self._scene.compute_distance(o3d.core.Tensor.from_numpy(points)).numpy()
        return np.where(self._enclosed(points), np.float32(0), distance)

    def _enclosed(self, points_N3: np.ndarray) -> np.ndarray:
        """Tell which points see the inner side of surfaces in most of six directions."""
        rays = np.empty((len(points_N3), 6, 6), np.float32)
        rays[..., :3], rays[..., 3:] = points_N3[:, None], _SIX_DIRECTIONS
        hit = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays))
        met = np.isfinite(hit['t_hit'].numpy())
        triangle = np.where(met, hit['primitive_ids'].numpy(), 0)
        outward = np.einsum('nki,ki->nk', self._normals[triangle][..., :3], _SIX_DIRECTIONS)
        return (met & (outward > 0)).sum(1) >= 4

    def _blocked(self, origins_N3: np.ndarray, vectors_N3: np.ndarray) -> np.ndarray:
        rays = o3d.core.Tensor.from_numpy(np.concatenate([origins_N3, vectors_N3], 1))
        return self._scene.test_occlusions(rays, tnear=0.0, tfar=0.999).numpy()

    def _shade(self, rays_N6: np.ndarray,
               intrinsics: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
        """Give linear colour and Z depth along rays whose direction has depth one."""
        hit = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays_N6))
        reach = hit['t_hit'].numpy()
        missed = ~np.isfinite(reach)
        triangle = np.where(missed, 0, hit['primitive_ids'].numpy()).astype(np.int32)
        along = np.where(missed, np.float32(1), reach)
        barycentric = hit['primitive_uvs'].numpy()
        directions = rays_N6[:, 3:]
        length = np.sqrt(np.einsum('ij,ij->i', directions, directions))
        to_eye = directions * (-1 / length)[:, None]
        points = rays_N6[:, :3] + along[:, None] * directions
        normals = self._shading_normals(triangle, barycentric, to_eye)
        material = self.room.surface.material_F.take(triangle)
        slant = np.maximum(np.abs(np.einsum('ij,ij->i', normals, to_eye)), np.float32(0.06))
        footprint = along * np.float32(1 / intrinsics.fx) / np.sqrt(slant)
        uv = _interpolated(self._uv.take(triangle, 0), barycentric, 2)
        colour = albedo(material, uv, footprint, self.room.materials)
        dirt = noise(uv[:, 0], uv[:, 1], 1.7, 1.7, self.room.seed) - np.float32(0.5)
        colour = colour * (1 + self._grime.take(material) * dirt)[:, None]
        gloss = self._gloss.take(material)
        light, shine = arriving_light(self.room.lighting, points, normals, to_eye,
                                      np.flatnonzero(gloss > 0.05), self._blocked)
        emission = self._emission.take(material)
        glows = emission > 0
        light[glows] = emission[glows, None]
        rgb = colour * light + gloss[:, None] * shine
        rgb[missed] = 0
        return rgb, _nan_where_missed(reach)

    def _shading_normals(self, triangle: np.ndarray, barycentric: np.ndarray,
                         to_eye: np.ndarray) -> np.ndarray:
        """Give unit normals on the eye's side, smooth over curved surfaces."""
        # ndarray.take is three times as fast here as indexing with an array.
        normals = self._flat_normals.take(triangle, 0)
        curved = np.flatnonzero(self._smooth.take(triangle))
        smooth = _interpolated(self._normals.take(triangle.take(curved), 0),
                               barycentric.take(curved, 0), 3)
        smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-6)
        away = np.einsum('ij,ij->i', smooth, normals.take(curved, 0)) < 0
        smooth[away] *= -1
        hidden = np.einsum('ij,ij->i', normals, to_eye) < 0
        normals[curved] = smooth
        normals[hidden] *= -1
        return normals

    def _exposed(self, rgb_N3: np.ndarray) -> np.ndarray:
        """Scale to the look of the room's camera; its automatic exposure lags behind a little."""
        look = self.room.look
        level = float(np.minimum(rgb_N3, 4.0).mean())
        reference = float(self.room.lighting.ambient_3.mean()) * 1.2
        gain = look.level / (max(level, 1e-4) ** look.drift * reference ** (1 - look.drift))
        return rgb_N3 * (np.float32(gain) * look.balance_3)


def _with_edges(corners_F3k: np.ndarray) -> np.ndarray:
    """Give value at the first corner and its change to the other two, side by side."""
    first = corners_F3k[:, 0]
    return np.ascontiguousarray(np.concatenate(
        [first, corners_F3k[:, 1] - first, corners_F3k[:, 2] - first], 1), np.float32)


def _interpolated(table_Nk: np.ndarray, barycentric: np.ndarray, size: int) -> np.ndarray:
    return (table_Nk[:, :size] + barycentric[:, :1] * table_Nk[:, size:2 * size]
            + barycentric[:, 1:] * table_Nk[:, 2 * size:])


def _pixel_grid(intrinsics: Intrinsics) -> np.ndarray:
    """Give column and row of all pixels as ``grid_N2``; whole numbers are pixel centres."""
    rows, columns = np.indices((intrinsics.height, intrinsics.width), dtype=np.float32)
    return np.stack([columns, rows], -1).reshape(-1, 2)


def _rays(pixels_N2: np.ndarray, intrinsics: Intrinsics,
          map_from_camera: np.ndarray) -> np.ndarray:
    """Give ``rays_N6`` (origin, direction) in the map; the direction's depth is one."""
    pose = np.asarray(map_from_camera)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise InputError(f'map_from_camera of shape {pose.shape} must be a finite 4 x 4 matrix')
    turn = pose[:3, :3].astype(np.float32)
    x = (pixels_N2[:, :1] - np.float32(intrinsics.cx)) / np.float32(intrinsics.fx)
    y = (pixels_N2[:, 1:] - np.float32(intrinsics.cy)) / np.float32(intrinsics.fy)
    rays = np.empty((len(pixels_N2), 6), np.float32)
    rays[:, :3] = pose[:3, 3]
    rays[:, 3:] = x * turn[:, 0] + y * turn[:, 1] + turn[:, 2]
    return rays


def _depth_edges(depth_m_HW: np.ndarray) -> np.ndarray:
    """Mark pixels beside a jump of the depth, where one sample would give a jagged outline."""
    edges = np.zeros(depth_m_HW.shape, bool)
    inverse = 1 / depth_m_HW
    for ahead, behind in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        jump = np.abs(inverse[ahead] - inverse[behind]) > _EDGE_STEP * inverse[ahead]
        edges[ahead] |= jump
        edges[behind] |= jump
    return edges


def _nan_where_missed(reach: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(reach), reach, np.float32(np.nan))
