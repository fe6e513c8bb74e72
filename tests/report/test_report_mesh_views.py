# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a mesh."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.mesh_views import (
    around,
    beside_path,
    best_views,
    Camera,
    MeshPainter,
    PAPER_RGB,
    up_of_cameras,
)
import numpy as np
import pytest

UP = np.array([0.0, 0.0, 1.0])
FLOOR = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float32)
UPWARD = np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32)
GREEN = np.tile(np.array([[0, 200, 0]], np.uint8), (4, 1))


def camera_above(height_m=4.0):
    return Camera(
        eye_m_3=np.array([0.0, 0.0, height_m]),
        target_m_3=np.zeros(3),
        up_3=np.array([0.0, 1.0, 0.0]),
    )


def test_floor_seen_squarely_has_its_own_color_and_true_size():
    picture = MeshPainter(FLOOR, UPWARD, GREEN).paint(camera_above(), 80, 60)
    covered = 1.0 - picture[..., 0] / PAPER_RGB[0]
    # 2 m at 4 m with 40 degrees over 60 rows: 60 / (2 tan 20) x 2 / 4 = 41.2 pixels a side
    assert covered.sum() == pytest.approx(41.2**2, rel=0.01)
    np.testing.assert_array_equal(picture[30, 40], [0, 200, 0])  # facing the light: full color
    np.testing.assert_array_equal(picture[0, 0], [246, 247, 249])


def test_slanted_surface_is_darker():
    painter = MeshPainter(FLOOR, UPWARD, GREEN)
    slanted = Camera(eye_m_3=np.array([0.0, -4.0, 1.0]), target_m_3=np.zeros(3), up_3=UP)
    green = int(painter.paint(slanted, 80, 60)[30, 40, 1])
    # headlight: 0.45 + 0.55 x cos of the angle between ray and normal, 1 / sqrt(17)
    assert green == pytest.approx(200 * (0.45 + 0.55 / 17**0.5), abs=2)


def test_backs_are_looked_through():
    ceiling = FLOOR + np.float32([0, 0, 2])
    vertices = np.concatenate([FLOOR, ceiling])
    downward = UPWARD[:, ::-1] + 4
    red = np.tile(np.array([[200, 0, 0]], np.uint8), (4, 1))
    room = MeshPainter(vertices, np.concatenate([UPWARD, downward]), np.concatenate([GREEN, red]))
    np.testing.assert_array_equal(room.paint(camera_above(5.0), 80, 60)[30, 40], [0, 200, 0])


def test_colors_are_interpolated_between_vertices():
    colors = np.array([[0, 0, 0], [200, 0, 0], [200, 0, 0], [0, 0, 0]], np.uint8)
    row = MeshPainter(FLOOR, UPWARD, colors).paint(camera_above(), 81, 61)[30, :, 0].astype(int)
    assert row[40] == pytest.approx(100, abs=3)
    assert row[30] < row[40] < row[50]


def test_picture_is_not_mirrored():
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 255, 0], [255, 0, 0]], np.uint8)
    picture = MeshPainter(FLOOR, UPWARD, colors).paint(camera_above(), 80, 60)
    assert picture[30, 22, 0] > picture[30, 58, 0]  # minus x, red, is on the left when y is up


def test_empty_mesh_is_refused():
    with pytest.raises(InputError, match='without triangles'):
        MeshPainter(np.zeros((0, 3)), np.zeros((0, 3), int), np.zeros((0, 3), np.uint8))
    with pytest.raises(InputError, match='empty mesh'):
        around(np.zeros((0, 3)), UP)


def test_cameras_around_see_all_of_the_mesh_and_stand_above_it():
    painter = MeshPainter(FLOOR, UPWARD, GREEN)
    cameras = around(FLOOR, UP)
    assert len({camera.name for camera in cameras}) == 9
    for camera in cameras:
        assert camera.eye_m_3[2] > 0.5
        assert painter.seen_share(camera) > 0.1


@pytest.mark.parametrize('up', [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.3, 0.4, 0.5]])
def test_any_direction_may_be_up(up):
    up = np.array(up) / np.linalg.norm(up)
    for camera in around(FLOOR, up):
        assert (camera.eye_m_3 - FLOOR.mean(axis=0)) @ up > 0


def test_best_sides_are_those_that_see_fronts():
    wall = np.array([[0, -1, 0], [0, 1, 0], [0, 1, 2], [0, -1, 2]], dtype=np.float32)
    painter = MeshPainter(wall, UPWARD, GREEN)  # its front looks along +x
    first = best_views(painter, wall, UP, np.empty((0, 4, 4)))[0]
    assert first.name == 'from 0 degrees'
    assert first.eye_m_3[0] > 0


def test_views_beside_the_path_look_where_the_camera_looked():
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # forward is +x, down is -z
    (start,) = beside_path(pose[None], UP)
    np.testing.assert_allclose(start.target_m_3 - start.eye_m_3, [1.3, 0, 0], atol=1e-12)
    assert [camera.name for camera in beside_path(np.stack([pose] * 3), UP)] == [
        'from the start',
        'from half way',
    ]
    assert beside_path(np.empty((0, 4, 4)), UP) == []


def test_up_is_against_the_image_rows():
    pose = np.eye(4)
    np.testing.assert_allclose(up_of_cameras(pose[None]), [0, -1, 0])
    np.testing.assert_allclose(up_of_cameras(np.empty((0, 4, 4))), [0, 0, 1])
