# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.tracking import Odometry, TrackStatus
import numpy as np
import pytest


def follow(odometry, room, poses):
    tracks = []
    for pose in poses:
        depth, rgb = room.render(pose)
        tracks.append(odometry.track(rgb, depth))
    return tracks


def test_follows_a_camera_through_a_room(room, turn):
    poses = [turn(1.5 * step, (0.02 * step, -0.01 * step, 0.015 * step)) for step in range(15)]
    odometry = Odometry(room.camera, map_from_first=poses[0])
    tracks = follow(odometry, room, poses)
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


def test_sizes_are_checked(room):
    odometry = Odometry(room.camera)
    with pytest.raises(MappingError, match='160x120'):
        odometry.track(np.zeros((120, 160, 3), np.uint8), np.zeros((60, 80), np.float32))
    with pytest.raises(MappingError, match='rigid'):
        Odometry(room.camera, map_from_first=np.zeros((4, 4)))
