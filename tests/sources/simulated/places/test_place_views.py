# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the cameras of a place stand, and what lenses they have."""

import math

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.simulated import place_views, RoomRenderer
from depth_refiner_ros.sources.simulated.place_views import lens, OUTDOOR_VIEWS, VIEWS
from depth_refiner_ros.sources.simulated.places.place import build_kind, Place
import numpy as np
import pytest

HEIGHTS_M = {
    'hand': (1.2, 1.7),
    'along': (0.2, 1.7),
    'table': (0.6, 2.0),
    'close': (0.6, 2.0),
    'floor': (0.1, 0.5),
    'drone': (2.0, 4.0),
}


@pytest.fixture(scope='module')
def office():
    return build_kind('office', 5)


@pytest.fixture(scope='module')
def renderer(office):
    return RoomRenderer(office)


@pytest.fixture(scope='module')
def views(office, renderer):
    return place_views(office, renderer, 6, 48, (64, 48))


def test_each_kind_of_view_has_its_height(views):
    assert {view.kind for view in views} == set(VIEWS)
    for view in views:
        low, high = HEIGHTS_M[view.kind]
        assert low - 1e-6 <= view.map_from_camera[2, 3] <= high + 1e-6


def test_no_camera_is_inside_a_thing_or_right_before_one(views, renderer):
    places = np.stack([view.map_from_camera[:3, 3] for view in views])
    needed = np.minimum(0.25, 0.9 * places[:, 2]) - 1e-6
    assert (renderer.clearance_m(places) >= needed).all()
    for view in views:
        depth_m = renderer.depth(view.intrinsics, view.map_from_camera)
        assert np.median(depth_m) > 0.4


def test_a_table_is_seen_from_its_edge(views, office, renderer):
    close = [view for view in views if view.kind == 'table']
    tops = np.stack([spot.centre_3 for spot in office.spots])
    for view in close:
        eye = view.map_from_camera[:3, 3]
        assert np.linalg.norm(tops[:, :2] - eye[:2], axis=1).min() < 1.6
        assert view.map_from_camera[2, 2] < -0.1, 'it looks down'


def test_clutter_is_looked_down_on_from_close_by(views, office, renderer):
    close = [view for view in views if view.kind == 'close']
    assert close
    tops = np.stack([spot.centre_3 for spot in office.spots])
    for view in close:
        eye, forward = view.map_from_camera[:3, 3], view.map_from_camera[:3, 2]
        assert math.sin(-1.2) - 1e-6 <= forward[2] <= math.sin(-0.3) + 1e-6
        reach_m = (tops[:, 2] + 0.05 - eye[2]) / forward[2]
        assert ((reach_m > 0.35 - 1e-6) & (reach_m < 1.0 + 1e-6)).any()


def test_views_are_almost_level(views):
    rolls = [math.asin(view.map_from_camera[2, 0]) for view in views]
    assert 0.01 < np.std(rolls) < 0.08
    assert np.abs(rolls).max() < 0.2


def test_the_sky_of_a_street_is_seen_and_too_far_to_measure():
    street = build_kind('street', 4)
    renderer = RoomRenderer(street)
    views = place_views(street, renderer, 4, 12, (64, 48))
    assert {view.kind for view in views} <= set(OUTDOOR_VIEWS)
    far = np.stack([renderer.depth(view.intrinsics, view.map_from_camera) for view in views])
    assert not np.isnan(far).any()
    assert 0.02 < np.isinf(far).mean() < 0.7
    assert (far > 0).all()
    assert np.max(far[np.isfinite(far)]) > 40
    up = place_views(street, renderer, 4, 1, (64, 48))[0].map_from_camera.copy()
    up[:3, :3] = [[1, 0, 0], [0, -1, 0], [0, 0, 1]]
    up[:3, 3] = street.size_3 / 2 + (0, 0, 25)
    seen = renderer.render(views[0].intrinsics, up)
    assert np.isposinf(seen.depth_m_HW).all()
    assert seen.linear_rgb_HW3.min() > 0.02
    assert seen.linear_rgb_HW3[..., 2].mean() > 0.8 * seen.linear_rgb_HW3[..., 0].mean()


def test_lenses_are_50_to_110_degrees_wide():
    rng = np.random.default_rng(0)
    lenses = [lens(rng, 320, 240) for _ in range(300)]
    wide = np.degrees([2 * math.atan(160 / camera.fx) for camera in lenses])
    assert wide.min() < 52
    assert wide.max() > 105
    assert 50 <= wide.min() < wide.max() <= 110
    assert ((wide > 55) & (wide < 75)).mean() > 0.5


def test_a_place_without_room_for_a_camera_says_so(hand_made, closed_box):
    room = hand_made(closed_box, size=(1.0, 1.0, 0.15))
    with pytest.raises(SourceError, match='place 0: found 0 of 2 free views'):
        place_views(_as_place(room), RoomRenderer(room), 0, 2, (64, 48))


def _as_place(room):
    return Place(**vars(room), spots=())


def test_frames_of_places_are_complete_and_repeat():
    source = open_source('places:40:2', width=64, height=48)
    assert len(source) == 2
    assert len(open_source('places:40')) == 1
    first, second = source
    (again, _) = source
    np.testing.assert_array_equal(first.rgb_HW3, again.rgb_HW3)
    np.testing.assert_array_equal(first.depth_m_HW, again.depth_m_HW)
    assert first.rgb_HW3.shape == (48, 64, 3)
    assert first.stamp_ns + 1_000_000_000 == second.stamp_ns
    assert first.intrinsics != second.intrinsics
    assert not first.of_video
    assert (first.depth_m_HW > 0).all(), 'known, or the sky at +Inf'


@pytest.mark.parametrize('word', ['places:', 'places:x', 'places:1:2:3', 'places:-1'])
def test_a_misspelled_source_of_places_says_how(word):
    with pytest.raises(SourceError, match='must be places:SEED or places:SEED:PLACES'):
        open_source(word)


def test_places_out_of_range_are_refused():
    with pytest.raises(SourceError, match='0 places from seed 3'):
        open_source('places:3:0')
