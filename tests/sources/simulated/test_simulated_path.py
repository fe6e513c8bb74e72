# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Positions of the camera, its speed and its views."""

import itertools

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.simulated import (
    build_room,
    camera_path,
    random_intrinsics,
    random_views,
    RoomRenderer,
)
from depth_refiner_ros.sources.simulated.camera_paths import pose
import numpy as np
import pytest


@pytest.fixture(scope='module', params=[0, 3, 4, 16])
def scene(request):
    room = build_room(request.param)
    return room, RoomRenderer(room)


def turn_deg(first: np.ndarray, second: np.ndarray) -> float:
    cosine = (np.trace(first[:3, :3].T @ second[:3, :3]) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def check_pose(map_from_camera: np.ndarray, room) -> None:
    turn, place = map_from_camera[:3, :3], map_from_camera[:3, 3]
    np.testing.assert_allclose(turn.T @ turn, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    assert map_from_camera.dtype == np.float64
    assert (place > 0.29).all()
    assert (place < room.size_3 - 0.29).all()
    pitch = np.degrees(np.arcsin(turn[2, 2]))
    assert abs(pitch) <= 35.5


def median_depth(renderer, camera, view) -> float:
    return float(np.median(renderer.depth(camera, view)))


def test_axes_of_a_level_pose():
    view = pose(np.array([1.0, 2.0, 3.0]), np.pi / 2, 0.0, 0.0)
    expected = np.array([[1, 0, 0, 1], [0, 0, 1, 2], [0, -1, 0, 3], [0, 0, 0, 1]])
    np.testing.assert_allclose(view, expected, atol=1e-12)


def test_positive_pitch_looks_up_and_roll_turns_clockwise():
    up = pose(np.zeros(3), 0.0, 0.3, 0.0)
    assert up[2, 2] == pytest.approx(np.sin(0.3))
    rolled = pose(np.zeros(3), 0.0, 0.0, 0.1)
    assert rolled[2, 0] == pytest.approx(-np.sin(0.1))


def test_path_is_slow_clear_and_worth_seeing(scene):
    room, renderer = scene
    path = camera_path(room, renderer, 5, 40, 10.0)
    camera = random_intrinsics(room.seed, 64, 48)
    assert len(path) == 40
    places = np.array([step[:3, 3] for step in path])
    assert renderer.clearance_m(places).min() >= 0.3
    speed = np.linalg.norm(np.diff(places, axis=0), axis=1) * 10
    assert speed.max() <= 0.5
    assert places.std(0).max() > 0.01
    assert max(turn_deg(a, b) for a, b in itertools.pairwise(path)) * 10 <= 40
    for step in path:
        check_pose(step, room)
        assert 0.6 < median_depth(renderer, camera, step) < 7


def test_path_has_no_jerks(scene):
    room, renderer = scene
    places = np.array([step[:3, 3] for step in camera_path(room, renderer, 5, 60, 20.0)])
    acceleration = np.diff(places, 2, axis=0) * 20**2
    assert np.linalg.norm(acceleration, axis=1).max() < 1.0


def test_views_are_clear_and_differ(scene):
    room, renderer = scene
    views = random_views(room, renderer, 9, 6)
    assert len(views) == 6
    assert renderer.clearance_m(np.array([view[:3, 3] for view in views])).min() >= 0.3
    for view in views:
        check_pose(view, room)
    assert np.ptp([view[:2, 3] for view in views], axis=0).max() > 0.2


def test_same_seed_same_poses(scene):
    room, renderer = scene
    np.testing.assert_array_equal(
        camera_path(room, renderer, 5, 12, 10.0), camera_path(room, renderer, 5, 12, 10.0)
    )
    first, second = (random_views(room, renderer, 9, count) for count in (2, 4))
    np.testing.assert_array_equal(first, second[:2])


def test_no_views_and_one_frame_are_fine(scene):
    room, renderer = scene
    assert random_views(room, renderer, 1, 0) == []
    assert len(camera_path(room, renderer, 1, 1, 10.0)) == 1


def test_room_without_free_space_says_so(hand_made, closed_box):
    closed_box.box((2, 2.5, 1.5), (3.6, 4.6, 2.9), 0)
    room = hand_made(closed_box, size=(4.0, 5.0, 3.0))
    renderer = RoomRenderer(room)
    with pytest.raises(SourceError, match='room 0: found 0 of 1'):
        random_views(room, renderer, 0, 1)
    with pytest.raises(SourceError, match='room 0: found no free path of 3 frames'):
        camera_path(room, renderer, 0, 3, 10.0)


def test_intrinsics_cover_their_range():
    cameras = [random_intrinsics(seed, 640, 480) for seed in range(300)]
    fov = np.degrees([2 * np.arctan(camera.width / 2 / camera.fx) for camera in cameras])
    assert 45 <= fov.min() < 50
    assert 90 < fov.max() <= 95
    off = np.abs([camera.cx - 319.5 for camera in cameras])
    assert 20 < off.max() <= 32
    assert random_intrinsics(3, 640, 480) == random_intrinsics(3, 640, 480)


def test_intrinsics_keep_their_field_of_view_at_another_size():
    large, small = random_intrinsics(3, 640, 480), random_intrinsics(3, 320, 240)
    assert large.resized(320, 240).fx == pytest.approx(small.fx)
