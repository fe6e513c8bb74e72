# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How far an estimated trajectory is from the true one: ATE and RPE of Sturm et al. 2012.

ATE is the root mean square distance of positions after the best rigid alignment (Umeyama 1991),
which tells drift. RPE compares the motions between consecutive poses, which tells jitter.
"""

from dataclasses import dataclass

from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.trajectory import Trajectory
import numpy as np

FEWEST = 3
"""Fewer positions are aligned almost without a rest, whatever they are."""


@dataclass(frozen=True, kw_only=True)
class TrajectoryError:
    """
    Errors over the poses whose true pose is known.

    :param poses: number of poses compared
    :param length_m: length of the true path through them
    :param ate_mm: absolute trajectory error, RMSE in millimetres, without a change of scale
    :param ate_max_mm: the largest distance of one position
    :param rpe_mm: relative pose error of consecutive poses, RMSE of the translation
    :param rpe_deg: RMSE of its angle of rotation
    :param scale: by which the estimated path must be multiplied to fit the true one best; nan
        for a camera that stands still
    :param ate_scaled_mm: ATE with that scale, which is what a depth of wrong scale leaves
    """

    poses: int
    length_m: float
    ate_mm: float
    ate_max_mm: float
    rpe_mm: float
    rpe_deg: float
    scale: float
    ate_scaled_mm: float


def trajectory_error(
    estimated: Trajectory, true: Trajectory, *, max_gap_ns: int = 0
) -> TrajectoryError | None:
    """
    Compare each estimated pose with the true one at its stamp.

    :param max_gap_ns: see :meth:`Trajectory.at`; 0 takes equal stamps alone
    :return: None if fewer than three poses have a true one
    """
    pairs = [
        (pose, true_pose)
        for stamp_ns, pose in zip(estimated.stamps_ns_N, estimated.map_from_camera_N44)
        if (true_pose := true.at(int(stamp_ns), max_gap_ns=max_gap_ns)) is not None
    ]
    if len(pairs) < FEWEST:
        return None
    poses_N44, true_N44 = (np.array(poses) for poses in zip(*pairs))
    positions_N3, true_N3 = poses_N44[:, :3, 3], true_N44[:, :3, 3]
    _, distances_N = _aligned(positions_N3, true_N3, with_scale=False)
    scale, scaled_N = _aligned(positions_N3, true_N3, with_scale=True)
    steps = [
        _step_error(*poses) for poses in zip(poses_N44, poses_N44[1:], true_N44, true_N44[1:])
    ]
    return TrajectoryError(
        poses=len(pairs),
        length_m=float(np.linalg.norm(np.diff(true_N3, axis=0), axis=1).sum()),
        ate_mm=1e3 * _rms(distances_N),
        ate_max_mm=1e3 * float(distances_N.max()),
        rpe_mm=1e3 * _rms(np.array([distance_m for distance_m, _ in steps])),
        rpe_deg=_rms(np.array([angle for _, angle in steps])),
        scale=scale,
        ate_scaled_mm=1e3 * _rms(scaled_N),
    )


def angle_deg(pose: np.ndarray) -> float:
    """Return the angle of a pose's rotation, 0 to 180 degrees; exact for small angles, too."""
    # The arc cosine of the trace cannot tell angles below 1e-6 degrees from zero.
    sine = np.linalg.norm(pose[:3, :3] - pose[:3, :3].T) / np.sqrt(8.0)
    return float(np.degrees(np.arctan2(sine, (np.trace(pose[:3, :3]) - 1.0) / 2.0)))


def _aligned(
    positions_N3: np.ndarray, true_N3: np.ndarray, *, with_scale: bool
) -> tuple[float, np.ndarray]:
    """Return scale and remaining distances after the best alignment, Umeyama 1991, eq. 40-42."""
    centred_N3 = positions_N3 - positions_N3.mean(axis=0)
    true_centred_N3 = true_N3 - true_N3.mean(axis=0)
    left, singular_3, right = np.linalg.svd(true_centred_N3.T @ centred_N3)
    # Of a mirror image the axis with least to lose is turned back.
    signs_3 = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = left @ np.diag(signs_3) @ right
    scale = 1.0
    if with_scale:
        spread = float(np.square(centred_N3).sum())
        scale = float(singular_3 @ signs_3) / spread if spread else float('nan')
    distances_N = np.linalg.norm(scale * centred_N3 @ rotation.T - true_centred_N3, axis=1)
    return scale, distances_N


def _step_error(
    first: np.ndarray, second: np.ndarray, true_first: np.ndarray, true_second: np.ndarray
) -> tuple[float, float]:
    """Return metres and degrees between an estimated motion and the true one."""
    error = inverse(inverse(true_first) @ true_second) @ inverse(first) @ second
    return float(np.linalg.norm(error[:3, 3])), angle_deg(error)


def _rms(values_N: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values_N))))
