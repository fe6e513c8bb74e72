# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Distances between a reconstructed surface and the true one.

Accuracy: distance from points of the reconstruction to the true surface; all of the reconstruction
counts, so floating surfaces are penalised. Completeness: distance from points of the true surface
to the reconstruction; only true surface that a camera saw counts, because nothing else can be
reconstructed. Distances are to the surface, not to the nearest sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import checked_pose, inverse
import numpy as np
import open3d as o3d
import open3d.core as o3c


@dataclass(frozen=True, kw_only=True)
class MeshScore:
    """
    Distances in millimetres; ``accuracy_mm`` and ``completeness_mm`` are medians.

    :param precision: share of the reconstruction within the threshold of the true surface
    :param recall: share of the visible true surface within the threshold of the reconstruction
    :param f_score: their harmonic mean
    :param threshold_mm: that threshold
    :param visible_share: share of the true surface that was in view
    """

    accuracy_mm: float
    accuracy_mean_mm: float
    accuracy_p90_mm: float
    completeness_mm: float
    completeness_mean_mm: float
    completeness_p90_mm: float
    precision: float
    recall: float
    f_score: float
    threshold_mm: float
    visible_share: float


def compare(
    mesh: Mesh,
    truth: Mesh,
    *,
    views: Sequence[PosedDepth] = (),
    samples: int = 100_000,
    seed: int = 0,
    threshold_m: float = 0.05,
) -> MeshScore:
    """
    Score a reconstruction against the true surface.

    :param views: cameras that saw the true surface; without any, the whole surface counts as seen
    :param samples: points drawn on each surface, uniform by area
    :param threshold_m: largest distance that counts as correct in precision and recall
    :raises MappingError: if a mesh has no area or no view shows the true surface
    """
    rng = np.random.default_rng(seed)
    drawn_N3 = sample_surface(mesh, samples, rng)
    truth_N3 = sample_surface(truth, samples, rng)
    seen_N = visible(truth_N3, views) if views else np.ones(samples, dtype=bool)
    if not seen_N.any():
        raise MappingError(
            f'none of {len(views)} views shows the true surface; check that the '
            'mesh and the poses share one frame'
        )
    accuracy_m = surface_distance(drawn_N3, truth)
    completeness_m = surface_distance(truth_N3[seen_N], mesh)
    precision = float(np.mean(accuracy_m <= threshold_m))
    recall = float(np.mean(completeness_m <= threshold_m))
    both = precision + recall
    return MeshScore(
        accuracy_mm=_mm(np.median(accuracy_m)),
        accuracy_mean_mm=_mm(np.mean(accuracy_m)),
        accuracy_p90_mm=_mm(np.quantile(accuracy_m, 0.9)),
        completeness_mm=_mm(np.median(completeness_m)),
        completeness_mean_mm=_mm(np.mean(completeness_m)),
        completeness_p90_mm=_mm(np.quantile(completeness_m, 0.9)),
        precision=precision,
        recall=recall,
        f_score=2.0 * precision * recall / both if both else 0.0,
        threshold_mm=_mm(threshold_m),
        visible_share=float(np.mean(seen_N)),
    )


def sample_surface(mesh: Mesh, samples: int, rng: np.random.Generator) -> np.ndarray:
    """
    Draw points uniformly by area.

    :return: ``points_N3`` float32
    :raises MappingError: if the mesh has no area
    """
    corners_M33 = mesh.vertices_m_N3.astype(np.float64)[mesh.triangles_M3]
    edges_a_M3 = corners_M33[:, 1] - corners_M33[:, 0]
    edges_b_M3 = corners_M33[:, 2] - corners_M33[:, 0]
    area_M = np.linalg.norm(np.cross(edges_a_M3, edges_b_M3), axis=1)
    if not area_M.sum() > 0:
        raise MappingError(f'a mesh of {len(area_M)} triangles has no area to compare')
    chosen_N = rng.choice(len(area_M), size=samples, p=area_M / area_M.sum())
    u_N1, v_N1 = rng.random((2, samples, 1))
    outside_N1 = u_N1 + v_N1 > 1.0
    u_N1, v_N1 = np.where(outside_N1, 1.0 - u_N1, u_N1), np.where(outside_N1, 1.0 - v_N1, v_N1)
    points_N3 = (
        corners_M33[chosen_N, 0] + u_N1 * edges_a_M3[chosen_N] + v_N1 * edges_b_M3[chosen_N]
    )
    return points_N3.astype(np.float32)


def surface_distance(points_N3: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Return the distance of each point to the nearest triangle in metres, float32."""
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3c.Tensor.from_numpy(np.ascontiguousarray(mesh.vertices_m_N3)),
        o3c.Tensor.from_numpy(mesh.triangles_M3.astype(np.uint32)),
    )
    return scene.compute_distance(o3c.Tensor.from_numpy(points_N3)).numpy()


def visible(
    points_N3: np.ndarray, views: Sequence[PosedDepth], *, tolerance_m: float = 0.02
) -> np.ndarray:
    """
    Whether a camera saw each point: inside the image and not behind its depth.

    :param tolerance_m: how far behind the depth a point may lie; at slanted surfaces the depth of
        the pixel centre differs from that of the point
    :return: bool of shape (N,)
    """
    seen_N = np.zeros(len(points_N3), dtype=bool)
    for view in views:
        camera_from_map = inverse(checked_pose(view.map_from_camera))
        local_N3 = points_N3 @ camera_from_map[:3, :3].T + camera_from_map[:3, 3]
        ahead = np.flatnonzero(local_N3[:, 2] > 1e-6)
        x, y, z = local_N3[ahead].T
        columns = np.rint(view.intrinsics.fx * x / z + view.intrinsics.cx)
        rows = np.rint(view.intrinsics.fy * y / z + view.intrinsics.cy)
        inside = (
            (columns >= 0)
            & (columns < view.intrinsics.width)
            & (rows >= 0)
            & (rows < view.intrinsics.height)
        )
        depth_m = view.depth_m_HW[rows[inside].astype(int), columns[inside].astype(int)]
        seen_N[ahead[inside]] |= z[inside] <= depth_m + tolerance_m
    return seen_N


def _mm(distance_m: np.floating | float) -> float:
    return float(distance_m) * 1000.0
