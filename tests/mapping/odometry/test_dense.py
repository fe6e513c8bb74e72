# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.odometry.dense import dense_image, DenseAlignment, halvings
from depth_refiner_ros.mapping.poses import inverse
import numpy as np
import pytest

from tests.mapping.conftest import blots, Room


def off_m(found, true):
    return np.linalg.norm((inverse(true) @ found.first_from_second)[:3, 3])


def test_shape_leads_back_from_a_start_that_colors_cannot_leave(blotted_room, turn):
    alignment = DenseAlignment(blotted_room.camera, 5.0)
    corner, then = turn(40), turn(52, (0.1, 0.0, 0.05))
    true = inverse(corner) @ then
    start = true @ turn(8)
    first, second = (
        dense_image(rgb, depth) for depth, rgb in map(blotted_room.render, (corner, then))
    )
    assert off_m(alignment.motion(first, second, start), true) > 0.05
    found = alignment.motion(first, second, start, shape_first=True)
    assert off_m(found, true) < 0.005
    assert 0.5 < found.overlap <= 1.0


@pytest.mark.parametrize(('columns', 'halved'), [(400, 0), (401, 1), (640, 1), (1920, 3)])
def test_large_images_are_halved(columns, halved, turn):
    assert halvings(columns) == halved
    if columns != 640:
        return
    room = Room(camera=Intrinsics.from_fov(640, 480, 75.0), paint=blots)
    first, second = (
        dense_image(rgb, depth)
        for depth, rgb in map(room.render, (turn(0), turn(3, (0.05, 0, 0))))
    )
    assert first.depth.columns == 320
    found = DenseAlignment(room.camera, 5.0).motion(first, second, turn(2, (0.03, 0, 0)))
    assert off_m(found, turn(3, (0.05, 0, 0))) < 0.002
