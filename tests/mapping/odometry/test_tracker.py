# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.odometry.track import TrackStatus
from depth_refiner_ros.mapping.odometry.tracker import Odometry
from depth_refiner_ros.mapping.poses import inverse
import numpy as np
import pytest


def follow(odometry, room, poses, map_from_first=None):
    tracks = []
    for pose in poses:
        depth, rgb = room.render(pose)
        tracks.append(odometry.track(rgb, depth, map_from_first=map_from_first))
    return tracks


def test_follows_a_camera_through_a_room(room, turn):
    poses = [turn(1.5 * step, (0.02 * step, -0.01 * step, 0.015 * step)) for step in range(15)]
    tracks = follow(Odometry(room.camera), room, poses, map_from_first=poses[0])
    assert [track.status for track in tracks] == [TrackStatus.FIRST] + [TrackStatus.OK] * 14
    for track, pose in zip(tracks, poses):
        error = inverse(pose) @ track.map_from_camera
        assert np.linalg.norm(error[:3, 3]) < 0.01
        assert np.degrees(np.arccos(np.clip((np.trace(error[:3, :3]) - 1) / 2, -1, 1))) < 0.3
    moved = tracks[-1].map_from_camera[:3, 3]
    np.testing.assert_allclose(moved, [0.28, -0.14, 0.21], atol=0.01)


def test_a_jump_is_lost_and_tracking_resumes_where_it_was(room, turn):
    odometry = Odometry(room.camera)
    here = [turn(0), turn(1), turn(2)]
    follow(odometry, room, here[:2])
    depth, rgb = room.render(turn(120))
    lost = odometry.track(rgb, depth)
    assert lost.status is TrackStatus.LOST
    assert lost.map_from_camera is None
    assert lost.reason
    depth, rgb = room.render(here[2])
    found = odometry.track(rgb, depth)
    assert found.status is TrackStatus.OK
    np.testing.assert_allclose(found.map_from_camera, here[2], atol=0.01)


def test_a_black_frame_without_depth_is_lost_not_still(room, turn):
    odometry = Odometry(room.camera)
    follow(odometry, room, [turn(0)])
    lost = odometry.track(np.zeros((120, 160, 3), np.uint8), np.full((120, 160), np.nan))
    assert (lost.status, lost.map_from_camera) == (TrackStatus.LOST, None)
    assert '0.0% of the pixels' in lost.reason


def test_a_bare_wall_does_not_fix_the_motion(room):
    odometry = Odometry(room.camera)
    wall, grey = np.full((120, 160), 2.0, np.float32), np.full((120, 160, 3), 128, np.uint8)
    assert odometry.track(grey, wall).status is TrackStatus.FIRST
    lost = odometry.track(grey, wall)
    assert lost.status is TrackStatus.LOST
    assert 'too little shape and texture' in lost.reason


@pytest.mark.parametrize(('image', 'lost'), [('dark', 0), ('noise', 10)])
def test_a_first_frame_that_nothing_fits_does_not_lose_the_rest(blotted_room, turn, image, lost):
    odometry = Odometry(blotted_room.camera)
    depth, rgb = blotted_room.render(turn(0))
    noise = np.random.default_rng(0).integers(0, 40, rgb.shape, dtype=np.uint8)
    odometry.track(noise if image == 'noise' else np.zeros_like(rgb), np.full_like(depth, 2.0))
    way = [turn(step) for step in range(lost + 3)]
    tracks = follow(odometry, blotted_room, way, map_from_first=turn(lost))
    assert [track.status.value for track in tracks] == ['lost'] * lost + ['first', 'ok', 'ok']
    np.testing.assert_allclose(tracks[-1].map_from_camera, way[-1], atol=0.01)
    corrected = odometry.corrected()
    assert corrected[: lost + 1] == [None] * (lost + 1)
    np.testing.assert_array_equal(corrected[lost + 1], turn(lost))


def test_a_map_with_two_frames_is_not_given_up(blotted_room, turn):
    odometry = Odometry(blotted_room.camera)
    way = [turn(0), turn(1), *[turn(170)] * 12, turn(1)]
    tracks = follow(odometry, blotted_room, way)
    assert {track.status for track in tracks[2:-1]} == {TrackStatus.LOST}
    np.testing.assert_allclose(tracks[-1].map_from_camera, turn(1), atol=0.01)


def test_large_motions_are_followed_by_features(blotted_room, turn):
    poses = [turn(12 * step, (0.1 * step, 0.0, 0.05 * step)) for step in range(4)]
    tracks = follow(Odometry(blotted_room.camera), blotted_room, poses)
    for track, pose in zip(tracks[1:], poses[1:]):
        assert track.status is TrackStatus.OK
        assert track.inliers > 50
        np.testing.assert_allclose(track.map_from_camera, pose, atol=0.01)


def test_a_lost_camera_is_found_again_where_it_was_before(blotted_room, turn):
    odometry = Odometry(blotted_room.camera)
    way = [turn(18 * step) for step in range(6)]
    follow(odometry, blotted_room, way)
    assert odometry.key_frames > 1
    elsewhere, back = turn(170), turn(5, (0.2, 0.0, 0.1))
    lost, found, next_one = follow(odometry, blotted_room, [elsewhere, back, back])
    assert (lost.status, lost.map_from_camera) == (TrackStatus.LOST, None)
    assert 'features agree with one motion' in lost.reason
    assert (found.status, odometry.found_again) == (TrackStatus.FOUND_AGAIN, 1)
    assert next_one.status is TrackStatus.OK
    for track in (found, next_one):
        np.testing.assert_allclose(track.map_from_camera, back, atol=0.02)
    corrected = odometry.corrected()
    assert corrected[6] is None
    np.testing.assert_allclose(corrected[7], back, atol=0.02)


def test_without_loops_frames_leave_nothing_behind(blotted_room, turn):
    odometry = Odometry(blotted_room.camera, close_loops=False)
    way = [turn(18 * step) for step in range(6)] + [turn(200), turn(12)]
    tracks = follow(odometry, blotted_room, way)
    np.testing.assert_allclose(tracks[-1].map_from_camera, turn(12), atol=0.02)
    assert odometry.found_again == 1
    assert (odometry.corrected(), odometry._edges) == ([], [])


def test_without_loops_the_nearest_key_frames_are_kept(blotted_room, turn, monkeypatch):
    monkeypatch.setattr('depth_refiner_ros.mapping.odometry.tracker.MOST_KEY_FRAMES', 3)
    odometry = Odometry(blotted_room.camera, close_loops=False)
    way = [turn(18 * step, (0.1 * step, 0, 0)) for step in range(8)]
    tracks = follow(odometry, blotted_room, [*way, turn(300), way[5]])
    assert odometry.key_frames == 3
    np.testing.assert_allclose(tracks[-1].map_from_camera, way[5], atol=0.03)


def test_a_loop_pulls_the_end_of_the_way_back_to_its_start(blotted_room, turn):
    """Depth that grows by 1 % from key frame to key frame makes the way drift."""
    odometry = Odometry(blotted_room.camera)
    way = [turn(angle, (0.4 * np.sin(np.radians(angle)), 0, 0)) for angle in range(0, 361, 20)]
    tracks = []
    for step, pose in enumerate(way):
        depth, rgb = blotted_room.render(pose)
        tracks.append(odometry.track(rgb, depth * np.float32(1 + 0.01 * step)))
    drifted = tracks[-1].map_from_camera
    assert odometry.loops > 0
    closed = odometry.corrected()
    np.testing.assert_allclose(closed[0], np.eye(4), atol=1e-9)
    off_before, off_after = (
        np.linalg.norm((end - way[-1])[:3, 3]) for end in (drifted, closed[-1])
    )
    assert off_after < 0.5 * off_before


def test_pixels_that_lead_away_from_the_features_are_not_followed(blotted_room, turn):
    """The second depth is that of another place, so that only colors and the first one agree."""
    odometry = Odometry(blotted_room.camera)
    depth, rgb = blotted_room.render(turn(0))
    odometry.track(rgb, depth)
    _, rgb = blotted_room.render(turn(4, (0.05, 0, 0)))
    wrong = np.tile(np.linspace(1.0, 3.0, 320, dtype=np.float32), (240, 1))
    track = odometry.track(rgb, wrong)
    assert (track.status, track.overlap) == (TrackStatus.OK, 0.0)
    np.testing.assert_allclose(track.map_from_camera, turn(4, (0.05, 0, 0)), atol=0.01)


def test_sizes_are_checked(room):
    odometry = Odometry(room.camera)
    with pytest.raises(MappingError, match='160x120'):
        odometry.track(np.zeros((120, 160, 3), np.uint8), np.zeros((60, 80), np.float32))
    with pytest.raises(MappingError, match='rigid'):
        follow(odometry, room, [np.eye(4)], map_from_first=np.zeros((4, 4)))
