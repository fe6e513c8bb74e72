# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The frames by which places are recognised: how many there may be, and which are kept."""

import cv2
from depth_refiner_ros.mapping.odometry.features import Features
from depth_refiner_ros.mapping.odometry.key_frames import KeyFrame, KeyFrames
import numpy as np
import pytest

MATRIX = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])


def features(seed):
    """Return what a camera at rest sees of 300 points, each with a descriptor of its own."""
    draw = np.random.default_rng(seed)
    points_m_N3 = draw.uniform((-1, -1, 2), (1, 1, 4), (300, 3))
    pixels_N3 = points_m_N3 @ MATRIX.T
    return Features(
        pixels_N2=pixels_N3[:, :2] / pixels_N3[:, 2:],
        descriptors_ND=draw.integers(0, 256, (300, 32), dtype=np.uint8),
        points_m_N3=points_m_N3,
    )


def key_frame(seed, east_m=0.0):
    pose = np.eye(4)
    pose[0, 3] = east_m
    return KeyFrame(
        features=features(seed), image=None, map_from_camera=pose, covariance_66=np.zeros((6, 6))
    )


@pytest.mark.parametrize('place', [0, 1309, 1311, 1399])
def test_places_are_recognised_among_more_key_frames_than_opencv_matches_at_once(place):
    keys, usual = KeyFrames(cv2.NORM_HAMMING, MATRIX), key_frame(0)
    for index in range(1400):
        keys.add(key_frame(1) if index == place else usual)
    found = list(keys.seen_before(features(1), fewest_inliers=40, among=len(keys)))
    assert [before.index for before in found] == [place]
    assert found[0].motion.inliers > 250


def test_the_farthest_key_frames_are_forgotten_beyond_a_number():
    keys = KeyFrames(cv2.NORM_HAMMING, MATRIX, most=3)
    for seed, east_m in enumerate((0.0, 1.0, 5.0, 4.0, 3.0)):
        keys.add(key_frame(seed, east_m))
    assert [key.map_from_camera[0, 3] for key in keys] == [5.0, 4.0, 3.0]
    for seed, expected in ((1, []), (2, [0]), (4, [2])):
        found = keys.seen_before(features(seed), fewest_inliers=40, among=len(keys))
        assert [before.index for before in found] == expected
