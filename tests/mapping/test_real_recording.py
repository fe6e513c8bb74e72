# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from itertools import islice

from depth_refiner_ros.mapping.mesh_metrics import surface_distance
from depth_refiner_ros.mapping.odometry.track import TrackStatus
from depth_refiner_ros.mapping.odometry.tracker import Odometry
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.sources.tum import TumSource
import numpy as np
import pytest

pytestmark = pytest.mark.data


def test_fused_kitchen_agrees_with_a_frame_it_has_not_seen(kitchen):
    frames = list(TumSource(kitchen))
    volume = TsdfVolume(0.02, max_range_m=4.0)
    for frame in frames[::15]:
        volume.integrate(frame.depth_m_HW, frame.rgb_HW3, frame.intrinsics, frame.map_from_camera)
    mesh = volume.mesh(min_weight=2, min_part_triangles=100)
    assert len(mesh.triangles_M3) > 20_000
    unseen = frames[37]
    rows, columns = np.nonzero(np.isfinite(unseen.depth_m_HW))
    rows, columns = rows[::50], columns[::50]
    x_y_2P = unseen.intrinsics.rays().numpy()[:, rows, columns]
    points_P3 = np.vstack([x_y_2P, np.ones(len(rows))]).T * unseen.depth_m_HW[rows, columns, None]
    pose = unseen.map_from_camera
    distance_m = surface_distance(
        (points_P3 @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32), mesh
    )
    assert np.median(distance_m) < 0.015


def test_tracking_follows_the_kitchen_camera(kitchen):
    frames = list(islice(TumSource(kitchen), 12))
    odometry = Odometry(frames[0].intrinsics)
    for frame in frames:
        track = odometry.track(
            frame.rgb_HW3, frame.depth_m_HW, map_from_first=frame.map_from_camera
        )
        assert track.status is not TrackStatus.LOST
        error_m = track.map_from_camera[:3, 3] - frame.map_from_camera[:3, 3]
        assert np.linalg.norm(error_m) < 0.02
