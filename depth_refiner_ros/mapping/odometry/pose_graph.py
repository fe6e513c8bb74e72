# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Key frames whose poses are corrected by the loops between them, in Open3D's pose graph.

A loop that contradicts the others is left out by the optimiser's line process (Choi et al. 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from depth_refiner_ros.mapping.odometry.cross import cross
import numpy as np
import open3d as o3d

LOOP_DISTANCE_M = 0.3
"""
How far apart a loop may find points that the way there put in one place. Drift beyond it is taken
for a false loop: 5 cm leave a ring of 12 key frames open at a drift of 12 cm, 1 m lets a false
loop of 2 m in; from 0.2 to 0.5 m both are told apart (the rings of the tests).
"""
PRUNED_BELOW = 0.25
"""Loops that the line process trusts less are left out; Open3D's default."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """
    A measured motion between two key frames.

    :param information_66: float64, see :func:`information_of`
    :param loop: False between neighbours in time, which is never doubted
    """

    first: int
    second: int
    first_from_second: np.ndarray
    information_66: np.ndarray
    loop: bool


def information_of(points_m_N3: np.ndarray) -> np.ndarray:
    """
    Return the 6 x 6 weight of a motion that these points were aligned by.

    It is the sum of ``G.T @ G`` with ``G = [-[p]x, I]`` over points p, angles first (Choi et al.
    2015, section 4); NaN points are left out.
    """
    points_m_N3 = points_m_N3[np.isfinite(points_m_N3).all(axis=1)]
    minus_cross_N33 = -cross(points_m_N3)
    information_66 = np.zeros((6, 6))
    information_66[:3, :3] = np.einsum('nij,nik->jk', minus_cross_N33, minus_cross_N33)
    information_66[:3, 3:] = minus_cross_N33.sum(axis=0).T
    information_66[3:, :3] = information_66[:3, 3:].T
    information_66[3:, 3:] = len(points_m_N3) * np.eye(3)
    return information_66


def corrected(poses: Sequence[np.ndarray], edges: Sequence[Edge]) -> list[np.ndarray]:
    """
    Return the poses of key frames that fit all edges best; the first one stays where it is.

    :param poses: ``map_from_camera`` of each key frame as tracked
    """
    if not any(edge.loop for edge in edges):
        return list(poses)
    parts = o3d.pipelines.registration
    graph = parts.PoseGraph()
    for pose in poses:
        graph.nodes.append(parts.PoseGraphNode(pose))
    for edge in edges:
        graph.edges.append(
            parts.PoseGraphEdge(
                edge.second,
                edge.first,
                edge.first_from_second,
                edge.information_66,
                uncertain=edge.loop,
            )
        )
    parts.global_optimization(
        graph,
        parts.GlobalOptimizationLevenbergMarquardt(),
        parts.GlobalOptimizationConvergenceCriteria(),
        parts.GlobalOptimizationOption(
            max_correspondence_distance=LOOP_DISTANCE_M,
            edge_prune_threshold=PRUNED_BELOW,
            reference_node=0,
        ),
    )
    return [np.array(node.pose) for node in graph.nodes]
