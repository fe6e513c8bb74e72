# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rooms built by hand, whose depth and light can be computed on paper."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.sources.simulated.rooms.light_sources import Lighting
from depth_refiner_ros.sources.simulated.rooms.materials import Material
from depth_refiner_ros.sources.simulated.rooms.room import CameraLook, Room
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np
import pytest


def grey(**values) -> Material:
    return Material(
        kind='plain', a=np.full(3, 0.5, np.float32), b=np.zeros(3, np.float32), grime=0.0, **values
    )


@pytest.fixture
def camera() -> Intrinsics:
    return Intrinsics(fx=101.0, fy=97.0, cx=60.3, cy=43.8, width=128, height=96)


@pytest.fixture
def hand_made():
    """Return a function that wraps a piece into a room with a fixed exposure."""

    def wrap(
        piece: Piece, materials=None, lamps=(), ambient=0.2, sun=None, size=(40.0, 50.0, 30.0)
    ) -> Room:
        far = np.array(size, np.float32)
        lighting = Lighting(
            np.full(3, ambient, np.float32), tuple(lamps), sun, far, np.zeros((2, 2), np.float32)
        )
        look = CameraLook(level=0.2, drift=0.0, balance_3=np.ones(3, np.float32))
        return Room(
            seed=0,
            kind='living',
            size_3=far,
            surface=piece.mesh(),
            materials=materials or [grey()],
            lighting=lighting,
            look=look,
            focus_3=None,
        )

    return wrap


@pytest.fixture
def closed_box() -> Piece:
    """Return the six inner sides of a room of 4 x 5 x 3 m, made of plates."""
    piece, size = Piece(), np.array([4.0, 5.0, 3.0])
    for axis in range(3):
        for end in (0.0, 1.0):
            centre, plate = size / 2, size + 0.2
            centre[axis] = size[axis] * end + 0.2 * (end - 0.5)
            plate[axis] = 0.2
            piece.box(tuple(centre), tuple(plate), 0)
    return piece
