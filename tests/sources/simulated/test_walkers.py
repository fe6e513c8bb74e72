# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""People who walk through a simulated room."""

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.simulated import SimulatedSource, walkers
import numpy as np
import pytest

SEED, FRAMES, RATE_HZ = 950005, 10, 2.0


def camera(people: int) -> SimulatedSource:
    return SimulatedSource(SEED, FRAMES, width=96, height=72, rate_hz=RATE_HZ, people=people)


@pytest.fixture(scope='module')
def peopled():
    return camera(2)


@pytest.fixture(scope='module')
def frames(peopled):
    return list(peopled)


@pytest.fixture(scope='module')
def empty():
    return list(camera(0))


def test_people_hide_what_is_behind_them_and_move(frames, empty):
    hidden = [a.depth_m_HW < 0.97 * b.depth_m_HW for a, b in zip(frames, empty)]
    nothing = [a.depth_m_HW > 1.0001 * b.depth_m_HW for a, b in zip(frames, empty)]
    assert not np.any(nothing)
    assert sum(mask.mean() > 0.01 for mask in hidden) >= FRAMES // 2
    still = frames[0].depth_m_HW[hidden[0]]
    assert not np.allclose(frames[1].depth_m_HW[hidden[0]], still, rtol=0.02)
    changed = np.abs(frames[0].rgb_HW3.astype(int) - empty[0].rgb_HW3).mean(-1)
    assert changed[hidden[0]].mean() > 5 * changed[~hidden[0]].mean()


def test_the_camera_walks_as_it_does_alone(peopled, frames, empty):
    for ours, theirs in zip(frames, empty):
        np.testing.assert_array_equal(ours.map_from_camera, theirs.map_from_camera)
        assert ours.depth_m_HW.min() > 0.25
    np.testing.assert_array_equal(peopled.mesh()[0], camera(0).mesh()[0])
    assert peopled.name == f'simulated_{SEED}_2_people'


def test_the_same_arguments_give_the_same_people(frames):
    for ours, again in zip(frames, camera(2)):
        np.testing.assert_array_equal(ours.rgb_HW3, again.rgb_HW3)
        np.testing.assert_array_equal(ours.depth_m_HW, again.depth_m_HW)


def test_nobody_walks_through_things_cameras_or_each_other(peopled):
    seconds = np.linspace(0, 60, 400)
    eyes = np.array([pose[:2, 3] for pose in peopled.poses])
    at_frames = np.arange(FRAMES) / RATE_HZ
    people = peopled._peopled._walkers
    for walker in people:
        places = walker.places(seconds)
        points = np.column_stack([places, np.full(len(places), 0.9)])
        assert peopled._renderer.clearance_m(points).min() > walkers.FROM_THINGS_M - 0.03
        steps_m = np.linalg.norm(np.diff(places, axis=0), axis=1)
        assert steps_m.max() <= walkers.FASTEST_M_S * (seconds[1] - seconds[0]) * 1.001
        apart = np.linalg.norm(walker.places(at_frames) - eyes, axis=1)
        assert apart.min() >= walkers.FROM_CAMERA_M
    first, second = (walker.places(at_frames) for walker in people)
    assert np.linalg.norm(first - second, axis=1).min() >= 2 * walkers.FROM_THINGS_M


def test_people_look_where_they_go(peopled):
    walker = peopled._peopled._walkers[0]
    for second in (0.3, 1.7, 4.0):
        ahead = np.diff(walker.places(np.array([second, second + 0.01])), axis=0)[0]
        scene = walkers.Piece()
        walker.stand_in(scene, second)
        toes = scene.mesh().vertices_V3[:, :2] - walker.places(np.array([second]))[0]
        turn = np.arctan2(ahead[1], ahead[0]) + np.pi / 2
        figure = walker.figure.mesh().vertices_V3[:, :2]
        across = figure[:, 0] * np.cos(turn) - figure[:, 1] * np.sin(turn)
        np.testing.assert_allclose(toes[:, 0], across, atol=1e-5)


def test_a_location_names_the_people():
    source = open_source(f'sim:{SEED}:3:2')
    assert (source.seed, source.frames, source.people) == (SEED, 3, 2)
    for bad in (f'sim:{SEED}:3:2:1', f'sim:{SEED}:3:x'):
        with pytest.raises(SourceError, match='or sim:SEED:FRAMES:PEOPLE'):
            open_source(bad)
    with pytest.raises(SourceError, match='9 people; a room takes 0 to 8'):
        open_source(f'sim:{SEED}:3:9')


def test_a_room_without_a_free_line_is_named(monkeypatch):
    monkeypatch.setattr(walkers, 'FROM_CAMERA_M', 50.0)
    with pytest.raises(SourceError, match=f'room {SEED}: found no free line for walker 1'):
        next(iter(camera(1)))
