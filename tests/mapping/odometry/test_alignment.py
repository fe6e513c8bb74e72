# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.mapping.odometry.alignment import Aligner
from depth_refiner_ros.mapping.odometry.limits import Limits
from depth_refiner_ros.mapping.odometry.matching import FeatureMotion, Matches
from depth_refiner_ros.mapping.odometry.orb import Orb
from depth_refiner_ros.mapping.poses import inverse
import numpy as np
import pytest


@pytest.mark.parametrize(('moved_m', 'followed'), [(0.005, True), (0.15, False)])
def test_pixels_decide_only_where_features_agree(blotted_room, turn, moved_m, followed):
    """The pixels of both images are the same; the features claim a move."""
    camera = blotted_room.camera
    aligner = Aligner(camera, 5.0, Orb(), Limits())
    depth_m_HW, rgb_HW3 = blotted_room.render(turn(40))
    seen = aligner.seen(rgb_HW3, depth_m_HW)
    claimed = turn(0, (moved_m, 0, 0))
    points_m_N3 = seen.features.points_m_N3
    shifted_m_N3 = points_m_N3 + inverse(claimed)[:3, 3]
    pixels_N2 = (shifted_m_N3 @ camera.matrix().T)[:, :2] / shifted_m_N3[:, 2:]
    aligned = aligner.refined(
        seen.image,
        seen,
        Matches(points_m_N3=points_m_N3, pixels_N2=pixels_N2),
        FeatureMotion(first_from_second=claimed, inliers_N=np.ones(len(pixels_N2), dtype=bool)),
    )
    assert (aligned.overlap > 0.9) == followed
    expected = np.eye(4) if followed else claimed
    np.testing.assert_allclose(aligned.key_from_camera, expected, atol=2e-3)
