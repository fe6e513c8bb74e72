# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.odometry.features import Features, features_of
from depth_refiner_ros.mapping.odometry.matching import errors_px, Matches, matches_of, motion_of
from depth_refiner_ros.mapping.odometry.orb import Orb
from depth_refiner_ros.mapping.poses import inverse
import numpy as np
import pytest

CAMERA = Intrinsics.from_fov(320, 240, 75.0)
MATRIX = CAMERA.matrix()


def seen(points_m_N3, second_from_first):
    moved = points_m_N3 @ second_from_first[:3, :3].T + second_from_first[:3, 3]
    return (moved @ MATRIX.T)[:, :2] / moved[:, 2:]


def test_a_motion_is_found_among_wrong_matches(turn):
    random = np.random.default_rng(3)
    points_m_N3 = random.uniform((-2, -1.5, 2), (2, 1.5, 5), (100, 3))
    motion = turn(20, (0.5, -0.1, 0.2))
    pixels_N2 = seen(points_m_N3, inverse(motion))
    pixels_N2[:40] = random.uniform((0, 0), (320, 240), (40, 2))
    matches = Matches(points_m_N3=points_m_N3, pixels_N2=pixels_N2)
    found = motion_of(matches, MATRIX)
    np.testing.assert_allclose(found.first_from_second, motion, atol=1e-4)
    assert found.inliers_N[40:].all()
    assert found.inliers < 65
    again = motion_of(matches, MATRIX)
    np.testing.assert_array_equal(again.first_from_second, found.first_from_second)


def test_too_few_matches_and_points_behind_the_camera_are_no_motion(turn):
    points_m_N3 = np.random.default_rng(3).uniform((-2, -1.5, 2), (2, 1.5, 5), (20, 3))
    few = Matches(points_m_N3=points_m_N3[:7], pixels_N2=seen(points_m_N3[:7], np.eye(4)))
    assert motion_of(few, MATRIX) is None
    matches = Matches(points_m_N3=points_m_N3, pixels_N2=seen(points_m_N3, np.eye(4)))
    assert np.isinf(errors_px(matches, turn(180), MATRIX)).all()
    np.testing.assert_allclose(errors_px(matches, np.eye(4), MATRIX), 0, atol=1e-9)


def described(descriptors, depth_m=2.0):
    count = len(descriptors)
    pixels = np.column_stack([np.arange(count), np.zeros(count)]).astype(float)
    points = np.column_stack([pixels, np.full(count, depth_m)])
    return Features(
        pixels_N2=pixels, descriptors_ND=np.array(descriptors, np.uint8), points_m_N3=points
    )


def test_only_clear_matches_with_depth_count():
    first = described([[0b0], [0b11110000], [0b11111111]])
    first.points_m_N3[2] = np.nan
    second = described([[0b11100000], [0b00111100]])
    matches = matches_of(first, second, cv2.NORM_HAMMING)
    np.testing.assert_array_equal(matches.points_m_N3, first.points_m_N3[1:2])
    np.testing.assert_array_equal(matches.pixels_N2, second.pixels_N2[:1])
    assert len(matches_of(described([[1]]), second, cv2.NORM_HAMMING)) == 0
    assert len(matches_of(first, described(np.empty((0, 1))), cv2.NORM_HAMMING)) == 0


def test_features_are_lifted_by_the_depth_below_them(blotted_room, turn):
    depth_m_HW, rgb_HW3 = blotted_room.render(turn(10))
    depth_m_HW[:, 160:] = np.nan
    features = features_of(Orb(300), rgb_HW3, depth_m_HW, blotted_room.camera)
    known_N = features.pixels_N2[:, 0] < 159
    assert 0 < features.located < len(features) <= 300
    assert features.located == pytest.approx(known_N.sum(), abs=5)
    points = features.points_m_N3[known_N] @ turn(10)[:3, :3].T
    assert blotted_room.distance_to_walls(points).max() < 0.02
    pixels_N2 = seen(features.points_m_N3[known_N], np.eye(4))
    np.testing.assert_allclose(pixels_N2, features.pixels_N2[known_N], atol=1e-9)


def test_plain_and_dark_images_have_fewer_features_or_none(blotted_room, turn):
    _, rgb_HW3 = blotted_room.render(turn(0))
    orb = Orb(300)
    pixels_N2, descriptors_ND = orb.detect(np.full_like(rgb_HW3, 90))
    assert (pixels_N2.shape, descriptors_ND.shape) == ((0, 2), (0, 32))
    dark = rgb_HW3 // 8 + 20
    assert not cv2.ORB_create(300).detect(cv2.cvtColor(dark, cv2.COLOR_RGB2GRAY))
    assert len(orb.detect(dark)[0]) > 50
