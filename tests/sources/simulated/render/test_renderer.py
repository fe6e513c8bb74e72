# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth and light of the renderer against values worked out by hand."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.simulated import RoomRenderer
from depth_refiner_ros.sources.simulated.camera_paths import pose
from depth_refiner_ros.sources.simulated.rooms.light_sources import Lamp, Pane, Sun
from depth_refiner_ros.sources.simulated.rooms.materials import Material
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np
import pytest

LEVEL_X = pose(np.array([0.0, 0.0, 0.0]), 0.0, 0.0, 0.0)


def rays(camera: Intrinsics) -> np.ndarray:
    """Return the directions (x/z, y/z, 1) of all pixels, worked out apart from the renderer."""
    rows, columns = np.mgrid[: camera.height, : camera.width].astype(float)
    return np.stack(
        [(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy, np.ones_like(rows)], -1
    )


def wall(x: float, half: float = 50.0) -> Piece:
    piece = Piece()
    piece.box((x + 0.5, 0, 0), (1.0, 2 * half, 2 * half), 0)
    return piece


def test_wall_seen_head_on_has_one_depth(hand_made, camera):
    depth = RoomRenderer(hand_made(wall(3.25))).depth(camera, LEVEL_X)
    assert depth.dtype == np.float32
    assert depth.shape == (96, 128)
    np.testing.assert_allclose(depth, 3.25, atol=1e-5)


def test_slanted_wall_agrees_with_its_plane(hand_made, camera):
    view = pose(np.array([0.4, -0.3, 0.2]), 0.35, -0.2, 0.1)
    depth = RoomRenderer(hand_made(wall(4.0))).depth(camera, view)
    slope = rays(camera) @ view[0, :3]
    np.testing.assert_allclose(depth, (4.0 - 0.4) / slope, atol=5e-4)


def test_ball_agrees_with_its_sphere(hand_made, camera):
    piece, centre, radius = Piece(), np.array([2.5, 0.3, -0.2]), 0.8
    piece.ball(tuple(centre), (radius, radius, radius), 0, segments=400)
    view = pose(np.array([0.1, 0.2, 0.0]), 0.05, -0.03, 0.0)
    depth = RoomRenderer(hand_made(piece)).depth(camera, view)
    directions = rays(camera)
    offset = (centre - view[:3, 3]) @ view[:3, :3]
    a, b = (directions**2).sum(-1), directions @ offset
    root = b**2 - a * (offset @ offset - radius**2)
    inside = root > 0.02
    expected = (b[inside] - np.sqrt(root[inside])) / a[inside]
    assert inside.sum() > 500
    np.testing.assert_allclose(depth[inside], expected, atol=5e-4)
    assert np.isnan(depth[root < -0.02]).all()


@pytest.mark.parametrize(('edge', 'last'), [(70.4, 70), (70.6, 70), (70.95, 70), (71.05, 71)])
def test_whole_numbers_are_pixel_centres(hand_made, camera, edge, last):
    # A plate 2 m ahead whose right end projects to the column `edge`; y of the map is left.
    piece, right = Piece(), -2.0 * (edge - camera.cx) / camera.fx
    piece.box((2.5, right + 5, 0), (1.0, 10.0, 10.0), 0)
    row = RoomRenderer(hand_made(piece)).depth(camera, LEVEL_X)[40]
    seen = np.flatnonzero(np.abs(row - 2.0) < 1e-3)
    assert seen.max() == last
    assert seen.min() == 0


def test_image_axes_follow_the_optical_frame(hand_made, camera):
    piece = Piece()
    piece.box((2, -1, 0), (0.1, 0.3, 0.3), 0)
    piece.box((2, 0, 0.6), (0.1, 0.3, 0.3), 0)
    rows, columns = np.nonzero(np.isfinite(RoomRenderer(hand_made(piece)).depth(camera, LEVEL_X)))
    right, above = columns > camera.cx + 25, rows < camera.cy - 12
    assert right.any()
    assert above.any()
    assert (right | above).all()


def test_render_gives_the_same_depth(hand_made, camera, closed_box):
    renderer = RoomRenderer(hand_made(closed_box))
    view = pose(np.array([1.0, 2.0, 1.2]), 0.7, -0.1, 0.02)
    seen = renderer.render(camera, view)
    np.testing.assert_array_equal(seen.depth_m_HW, renderer.depth(camera, view))
    assert seen.linear_rgb_HW3.shape == (96, 128, 3)
    assert seen.linear_rgb_HW3.dtype == np.float32
    assert np.isfinite(seen.linear_rgb_HW3).all()


def test_light_falls_with_distance_and_slant(hand_made, camera):
    lamp = Lamp(np.array([1.0, 0.0, 0.0], np.float32), np.ones(3, np.float32), False)
    room = hand_made(wall(3.0), lamps=(lamp,), ambient=1e-6)
    rgb = RoomRenderer(room).render(camera, LEVEL_X).linear_rgb_HW3[..., 0]
    sideways = 3.0 * np.linalg.norm(rays(camera)[..., :2], axis=-1)
    squared = 4.0 + sideways**2
    expected = 2.0 / np.sqrt(squared) / (squared + 0.25)
    np.testing.assert_allclose(rgb / rgb.max(), expected / expected.max(), rtol=0.01)


def test_something_before_the_lamp_throws_a_shadow(hand_made, camera):
    lamp = Lamp(np.array([1.0, 0.0, 1.0], np.float32), np.ones(3, np.float32), True)
    piece = wall(3.0)
    piece.box((2.0, 0, 0.5), (0.02, 0.4, 0.4), 0)
    bare = RoomRenderer(hand_made(wall(3.0), lamps=(lamp,), ambient=0.05))
    shaded = RoomRenderer(hand_made(piece, lamps=(lamp,), ambient=0.05))
    # The line from the lamp through the plate's middle meets the wall at z = 0.
    column, row = round(camera.cx), round(camera.cy)
    before = bare.render(camera, LEVEL_X).linear_rgb_HW3
    after = shaded.render(camera, LEVEL_X)
    assert after.depth_m_HW[row, column] == pytest.approx(3.0, abs=1e-4)
    assert after.linear_rgb_HW3[row, column, 0] < 0.5 * before[row, column, 0]
    np.testing.assert_allclose(after.linear_rgb_HW3[-1, 5], before[-1, 5], rtol=1e-4)


def test_sun_shines_only_through_the_pane(hand_made, camera):
    low, high = np.array([-1e3, 0.5, 1.0], np.float32), np.array([1e3, 1.0, 2.0], np.float32)
    sun = Sun(
        np.array([-0.8, 0.0, 0.6], np.float32),
        np.full(3, 5.0, np.float32),
        Pane(0, 0.0, low, high),
    )
    # Seen from x = 1: the patch on the wall x = 3 lies 2.25 m (3 * 0.6 / 0.8) below the pane.
    rgb = (
        RoomRenderer(hand_made(wall(3.0), sun=sun))
        .render(camera, pose(np.array([1.0, 0.75, -0.75]), 0.0, 0.0, 0.0))
        .linear_rgb_HW3[..., 0]
    )
    rows, columns = np.nonzero(rgb > 2 * np.median(rgb))
    y, z = 0.75 - 2 * (columns - camera.cx) / camera.fx, -0.75 - 2 * (rows - camera.cy) / camera.fy
    np.testing.assert_allclose([y.min(), y.max()], [0.5, 1.0], atol=0.03)
    np.testing.assert_allclose([z.min(), z.max()], [-1.25, -0.25], atol=0.03)


def test_outlines_are_mixed_in_color_but_not_in_depth(hand_made, camera):
    black = Material(kind='plain', a=np.zeros(3, np.float32), b=np.zeros(3, np.float32))
    white = Material(kind='plain', a=np.ones(3, np.float32), b=np.zeros(3, np.float32))
    piece, view = Piece(), pose(np.array([20.0, 25.0, 15.0]), 0.0, 0.0, 0.2)
    piece.box((24.5, 25.0, 15.0), (1.0, 20.0, 20.0), 0)
    piece.box((22.5, 30.0, 15.0), (1.0, 10.0, 10.0), 1)
    seen = RoomRenderer(hand_made(piece, [black, white])).render(camera, view)
    rgb = seen.linear_rgb_HW3[..., 0]
    between = (rgb > 0.05 * rgb.max()) & (rgb < 0.85 * rgb.max())
    assert 20 < between.sum() < 400
    assert set(np.round(np.unique(seen.depth_m_HW), 2)) == {np.float32(2.0), np.float32(4.0)}


@pytest.mark.parametrize('bad', [np.eye(3), np.full((4, 4), np.nan)])
def test_useless_pose_is_refused(hand_made, camera, bad):
    with pytest.raises(InputError, match='map_from_camera'):
        RoomRenderer(hand_made(wall(3.0))).render(camera, bad)
