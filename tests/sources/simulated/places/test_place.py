# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Each kind of place: sound triangles, true sizes, nothing outside, the same for the same seed."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.simulated import build_place
from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.heaps import heap
from depth_refiner_ros.sources.simulated.places.place import build_kind, KINDS, OUTDOOR
from depth_refiner_ros.sources.simulated.places.site import open_site, Scene
from depth_refiner_ros.sources.simulated.render.textures import TEXTURES
from depth_refiner_ros.sources.simulated.rooms import furniture
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
import numpy as np
import pytest


@pytest.fixture(scope='module', params=[*KINDS, *OUTDOOR])
def place(request):
    return build_kind(request.param, 3)


def test_triangles_and_materials_are_sound(place):
    vertices, triangles = place.mesh()
    assert 0 <= triangles.min()
    assert triangles.max() < len(vertices)
    assert len(triangles) < 200_000
    assert np.isfinite(vertices).all()
    assert place.surface.material_F.max() < len(place.materials)
    assert {material.kind for material in place.materials} <= set(TEXTURES)


def test_nothing_sticks_out(place):
    vertices, _ = place.mesh()
    around_m = 95 if place.kind in OUTDOOR else 0.35
    assert (vertices.min(0) > -around_m).all()
    assert (vertices.max(0) < place.size_3 + around_m).all()


def test_it_is_furnished(place):
    assert len(place.surface.triangles_F3) > 1500
    assert place.lighting.lamps or place.lighting.sky


def test_the_seed_decides_everything():
    first, again = build_place(31), build_place(31)
    assert first.kind == again.kind
    np.testing.assert_array_equal(first.surface.vertices_V3, again.surface.vertices_V3)
    assert len({len(build_place(seed).surface.vertices_V3) for seed in (31, 32, 33)}) == 3


def test_the_share_of_streets_leaves_other_places_as_they_are():
    inside, mixed, outside = (
        [build_place(s, share) for s in range(40, 52)] for share in (0, 0.3, 1)
    )
    assert {place.kind for place in outside} == {'street'}
    assert 'street' not in {place.kind for place in inside}
    assert {place.kind for place in mixed} > {'street'}
    for one, two in zip(inside, mixed):
        if two.kind != 'street':
            np.testing.assert_array_equal(one.surface.vertices_V3, two.surface.vertices_V3)


def test_negative_seed_is_refused():
    with pytest.raises(InputError, match='-1'):
        build_place(-1)


def test_halls_and_corridors_are_longer_than_rooms():
    assert build_kind('corridor', 3).size_3[:2].max() > 6
    assert build_kind('hall', 3).size_3[:2].max() > 9


def test_a_table_s_top_is_known_in_the_map():
    table, scene = Piece(), Scene()
    table.box((0, 0, 0.7), (2, 1, 0.04), 0)
    table.tops.append(Top(0.0, 1.0, -0.5, 0.5, 0.72))
    scene.add(table, (3, 4, 0), yaw=np.pi / 2)
    (spot,) = scene.spots
    np.testing.assert_allclose(spot.centre_3, (3, 4.5, 0.72), atol=1e-9)
    assert spot.half_2 == (0.5, 0.5)


def test_a_piece_never_stands_where_another_stands():
    site, crate = open_site(PlaceKit(np.random.default_rng(1)), 5, 6, 2.5), Piece()
    crate.box((0, 0, 0.5), (1, 1, 1), 0)
    assert site.put(crate, 2, 2)
    assert not site.put(crate, 2.5, 2.5)
    assert not site.put(crate, 5.9, 2)
    assert site.put(crate, 3.2, 2)


def test_a_full_table_is_covered_and_nothing_lies_beside_it():
    kit = PlaceKit(np.random.default_rng(5))
    bare = furniture.table(kit, 0.0)
    top, before = bare.tops[0], bare.bounds()
    heap(kit, bare, top)
    low, high = bare.bounds()
    np.testing.assert_allclose(low, before[0])
    np.testing.assert_allclose(high[:2], before[1][:2])
    assert top.z + 0.05 < high[2] < top.z + 0.5
    above = bare.mesh().vertices_V3
    above = above[above[:, 2] > top.z + 0.003]
    cells = {tuple(cell) for cell in np.floor(above[:, :2] / 0.1).astype(int)}
    assert len(cells) * 0.01 > 0.5 * (top.x1 - top.x0) * (top.y1 - top.y0)
