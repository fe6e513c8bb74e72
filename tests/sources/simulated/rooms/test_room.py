# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sizes, validity and reproducibility of the procedural rooms."""

import itertools

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.simulated import build_room
from depth_refiner_ros.sources.simulated.render.textures import TEXTURES
from depth_refiner_ros.sources.simulated.rooms import furniture, small_things, structures
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.catalogue import CATALOGUE
from depth_refiner_ros.sources.simulated.rooms.clutter import strew
from depth_refiner_ros.sources.simulated.rooms.layout import at_wall, on_floor, Plan
from depth_refiner_ros.sources.simulated.rooms.materials import Kit
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
import numpy as np
import pytest
from scipy.spatial import cKDTree

SEEDS = range(24)


@pytest.fixture(scope='module')
def rooms():
    return [build_room(seed) for seed in SEEDS]


def kit(seed: int) -> Kit:
    return Kit(np.random.default_rng(seed))


def test_same_seed_same_room_other_seed_other_room():
    first, again, other = build_room(7), build_room(7), build_room(8)
    for one, two in zip(first.surface, again.surface):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(first.materials, again.materials):
        assert one.kind == two.kind
        assert one.seed == two.seed
        np.testing.assert_array_equal(one.a, two.a)
    assert len(first.surface.vertices_V3) != len(other.surface.vertices_V3)


def test_global_random_state_plays_no_part():
    np.random.seed(1)
    first = build_room(3).surface.vertices_V3
    np.random.seed(2)
    np.testing.assert_array_equal(first, build_room(3).surface.vertices_V3)


def test_negative_seed_is_refused():
    with pytest.raises(InputError, match='-1'):
        build_room(-1)


def test_meshes_are_sound(rooms):
    for room in rooms:
        surface = room.surface
        vertices, triangles = room.mesh()
        assert vertices.dtype == np.float32
        assert triangles.dtype == np.int32
        assert 0 <= triangles.min()
        assert triangles.max() < len(vertices) == len(surface.uv_V2) == len(surface.normals_V3)
        assert len(triangles) == len(surface.material_F) < 60_000
        assert np.isfinite(vertices).all()
        assert np.isfinite(surface.uv_V2).all()
        np.testing.assert_allclose(np.linalg.norm(surface.normals_V3, axis=1), 1, atol=1e-3)
        assert surface.material_F.max() < len(room.materials)
        assert {material.kind for material in room.materials} <= set(TEXTURES)


def test_rooms_have_true_sizes_and_hold_everything(rooms):
    for room in rooms:
        vertices, _ = room.mesh()
        assert 2.3 <= room.size_3[2] <= 3.5
        assert 1.5 <= room.size_3[:2].min()
        assert room.size_3[:2].max() <= 9.0
        low, high = vertices.min(0), vertices.max(0)
        assert (low > -0.31).all(), f'room {room.seed} sticks out below {low}'
        assert (high < room.size_3 + 0.31).all(), f'room {room.seed} sticks out above {high}'


def test_rooms_differ_in_kind_lamp_and_shadow(rooms):
    assert {room.kind for room in rooms} == set(CATALOGUE)
    assert all(room.lighting.lamps for room in rooms)
    shadowed = [room for room in rooms if any(lamp.shadows for lamp in room.lighting.lamps)]
    assert len(shadowed) >= len(rooms) / 2
    assert any(room.lighting.sun for room in rooms)


def test_pieces_have_true_sizes(subtests):
    pieces = [
        (furniture.chair, (0.36, 0.36, 0.75), (0.55, 0.75, 1.0)),
        (furniture.office_chair, (0.5, 0.5, 0.9), (0.75, 0.75, 1.2)),
        (furniture.stool, (0.3, 0.3, 0.42), (0.45, 0.45, 0.79)),
        (furniture.sofa, (0.8, 0.8, 0.7), (2.8, 1.2, 1.1)),
        (furniture.bed, (0.9, 2.0, 0.7), (2.0, 2.2, 1.1)),
        (storage.shelf, (0.6, 0.2, 0.8), (1.3, 0.45, 2.8)),
        (storage.cupboard, (0.39, 0.4, 0.9), (2.5, 0.7, 2.3)),
        (storage.fridge, (0.55, 0.55, 1.4), (0.65, 0.75, 1.95)),
        (storage.bin_, (0.15, 0.15, 0.24), (0.5, 0.5, 0.61)),
        (storage.ladder, (0.4, 0.3, 1.2), (0.6, 1.0, 2.05)),
        (storage.railing, (1.0, 0.04, 0.89), (2.5, 0.06, 1.06)),
        (storage.bicycle, (1.6, 0.4, 0.9), (1.8, 0.65, 1.1)),
        (storage.column, (0.35, 0.15, 1.5), (0.75, 0.35, 1.95)),
        (small_things.mug, (0.07, 0.06, 0.08), (0.13, 0.11, 0.12)),
        (small_things.bottle, (0.05, 0.05, 0.2), (0.1, 0.1, 0.34)),
        (small_things.monitor, (0.47, 0.1, 0.35), (0.76, 0.25, 0.62)),
        (small_things.keyboard, (0.43, 0.12, 0.02), (0.45, 0.14, 0.03)),
        (structures.door, (0.8, 0.04, 2.0), (1.15, 0.1, 2.1)),
    ]
    for seed, (maker, low, high) in itertools.product(range(6), pieces):
        with subtests.test(piece=maker.__name__, seed=seed):
            least, most = maker(kit(seed)).bounds()
            size = most - least
            assert (size >= np.array(low) - 1e-3).all(), size
            assert (size <= np.array(high) + 1e-3).all(), size
            assert least[2] == pytest.approx(0, abs=0.012)


def test_working_heights(subtests):
    for seed in range(8):
        with subtests.test(seed=seed):
            assert 0.72 <= furniture.table(kit(seed)).tops[0].z <= 0.763
            assert 0.72 <= furniture.desk(kit(seed)).tops[0].z <= 0.76
            vertices = storage.counter(kit(seed)).mesh().vertices_V3
            assert np.isclose(vertices[:, 2], 0.9, atol=1e-4).any()


def test_seats_are_at_chair_height():
    for seed in range(12):
        mesh = furniture.chair(kit(seed)).mesh()
        corners = mesh.vertices_V3[mesh.triangles_F3]
        area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2] / 2
        level = np.abs(area) > 0.03
        tops = corners[level, :, 2].max()
        assert 0.43 <= tops <= 0.47 + 1e-4


def test_small_things_stand_on_their_top_and_apart():
    piece = Piece()
    strew(kit(5), piece, Top(-0.6, 0.6, -0.4, 0.4, 0.74), 30)
    things = [mesh.vertices_V3 for mesh in piece.meshes]
    assert len(things) >= 5
    for index, thing in enumerate(things):
        assert thing[:, 2].min() == pytest.approx(0.74, abs=1e-3)
        assert (np.abs(thing[:, :2]) < (0.601, 0.401)).all()
        for other in things[:index]:
            nearest, _ = cKDTree(other[:, :2]).query(thing[:, :2])
            assert nearest.min() > 0


def test_things_too_tall_for_their_shelf_are_left_out():
    for seed in range(5):
        piece = Piece()
        strew(kit(seed), piece, Top(-0.6, 0.6, -0.4, 0.4, 0.0), 30, room_above=0.12)
        if piece.meshes:
            assert piece.bounds()[1][2] <= 0.12


def test_furniture_never_shares_floor():
    for seed in range(10):
        draw, plan, scene = kit(seed), Plan(np.array([5.0, 4.0, 2.6], np.float32)), Piece()
        for _ in range(8):
            at_wall(draw, plan, scene, storage.chest(draw))
            on_floor(draw, plan, scene, furniture.stool(draw))
        assert len(plan.floor) >= 6
        assert 0 < plan.covered() < 1
        for index, (x0, y0, x1, y1) in enumerate(plan.floor):
            assert min(x0, y0) >= 0
            assert x1 <= 5
            assert y1 <= 4
            for a, b, c, d in plan.floor[:index]:
                assert x1 < a or c < x0 or y1 < b or d < y0


def test_fronts_face_the_room(subtests):
    cases = [
        (0, 1.5, 3.9, (0, -1)),
        (1, 0.1, 1.5, (1, 0)),
        (2, 1.5, 0.1, (0, 1)),
        (3, 4.9, 1.5, (-1, 0)),
    ]
    for wall, x, y, facing in cases:
        with subtests.test(wall=wall, x=x, y=y, facing=facing):
            plan = Plan(np.array([5.0, 4.0, 2.6], np.float32))
            px, py, yaw = plan.pose(wall, 1.5, 0.1)
            assert (px, py) == pytest.approx((x, y))
            assert (np.sin(yaw), -np.cos(yaw)) == pytest.approx(facing, abs=1e-6)
