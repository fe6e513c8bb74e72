# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses of the camera: the rules shared by bags, live topics and TF."""

from depth_refiner_ros.core.errors import InputError, MappingError, SettingsError
from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.sources.ros.camera_poses import CameraPoses, parsed_body_from_camera
from depth_refiner_ros.sources.ros.transforms import TransformTree
import numpy as np
import pytest

from tests.sources.ros.bags import odometry, pose, transform

MS = 1_000_000
TURN = (0.0, 0.0, np.sin(np.pi / 4), np.cos(np.pi / 4))  # 90 degrees about z
AHEAD = pose_from_quaternion((1.0, 0.0, 0.5), (0.0, 0.0, 0.0, 1.0))


def made(*messages, body_from_camera=None, tree=None, **options):
    poses = CameraPoses('', body_from_camera, tree or TransformTree(), **options)
    for message in messages:
        poses.add(message)
    return poses


def ask(poses, ms, frame='camera', gap_ms=20):
    return poses.at(ms * MS, frame, max_gap_ns=gap_ms * MS)


def test_poses_without_a_child_frame_are_the_camera_s():
    poses = made(pose(0, 1.0), pose(10 * MS, 2.0))
    assert ask(poses, 5)[0, 3] == 1.5
    assert poses.map_frame == 'map'


def test_odometry_of_the_camera_needs_nothing_more():
    assert ask(made(odometry(0, 3.0, child='camera')), 0)[0, 3] == 3.0
    assert ask(made(odometry(0, 3.0, child='/camera')), 0)[0, 3] == 3.0
    assert ask(made(odometry(0, 3.0, child='')), 0)[0, 3] == 3.0


def test_odometry_of_the_body_is_refused_until_the_way_to_the_camera_is_known():
    body = odometry(0, 0.0, child='base_link', quaternion=TURN)
    with pytest.raises(
        InputError,
        match=r"frame 'base_link' but the images are in 'camera'.*"
        r'set body_from_camera to',
    ):
        ask(made(body), 0)
    # The body looks along y, so 1 m ahead of it is 1 m along y.
    known = ask(made(body, body_from_camera=AHEAD), 0)
    np.testing.assert_allclose(known[:3, 3], (0.0, 1.0, 0.5), atol=1e-12)
    tree = TransformTree()
    tree.add(transform(0, 'base_link', 'mast', (1.0, 0.0, 0.0)), static=True)
    tree.add(transform(0, 'mast', 'camera', (0.0, 0.0, 0.5)), static=True)
    np.testing.assert_allclose(ask(made(body, tree=tree), 0), known, atol=1e-12)


def test_the_option_goes_before_the_transforms():
    tree = TransformTree()
    tree.add(transform(0, 'base_link', 'camera', (9.0, 9.0, 9.0)), static=True)
    poses = made(odometry(0, 0.0, child='base_link'), body_from_camera=AHEAD, tree=tree)
    np.testing.assert_allclose(ask(poses, 0)[:3, 3], (1.0, 0.0, 0.5))


def test_a_camera_that_turns_on_the_body_is_taken_at_the_stamp():
    tree = TransformTree()
    for ms in (0, 10):
        tree.add(transform(ms * MS, 'base_link', 'camera', (0.0, ms / 10, 0.0)), static=False)
    body = [odometry(ms * MS, ms / 10, child='base_link') for ms in (0, 10, 100)]
    poses = made(*body, tree=tree)
    np.testing.assert_allclose(ask(poses, 5)[:3, 3], (0.5, 0.5, 0.0))
    assert ask(poses, 100) is None
    assert not poses.settled(100 * MS, 'camera')
    assert 'nearest pose is 90.0 ms away' in poses.why_none(100 * MS, 'camera')


def test_poses_of_transforms_alone():
    tree = TransformTree()
    tree.add(transform(0, 'map', 'base', (1.0, 0.0, 0.0)), static=False)
    poses = CameraPoses('map', None, tree, from_tree=True)
    assert ask(poses, 0, 'camera') is None
    why = poses.why_none(0, 'camera')
    assert (
        "no transform leads from 'camera' to 'map'; frames of /tf and /tf_static: base, map" in why
    )
    tree.add(transform(0, 'base', 'camera', (0.0, 2.0, 0.0)), static=True)
    np.testing.assert_allclose(ask(poses, 15)[:3, 3], (1.0, 2.0, 0.0))
    assert ask(poses, 25) is None
    assert 'nearest pose is 25.0 ms away' in poses.why_none(25 * MS, 'camera')


def test_poses_of_another_map_frame_are_refused():
    poses = CameraPoses('map', None, TransformTree())
    with pytest.raises(InputError, match="in frame 'odom' but map_frame is 'map'; set map_frame"):
        poses.add(odometry(0, 0.0))
    assert len(poses) == 0
    assert poses.why_none(0, 'camera') == 'there is no pose'


def test_poses_of_another_body_are_left_out_of_a_recording_and_followed_live():
    for live in (False, True):
        poses = CameraPoses('', None, TransformTree(), live=live)
        poses.add(odometry(0, 0.0, child='camera'))
        other = odometry(5 * MS, 100.0, child='gripper')
        if live:
            poses.add(other)
            assert not poses.is_of('camera')
            continue
        with pytest.raises(InputError, match=r"are of frame 'gripper', those before of 'camera'"):
            poses.add(other)
        poses.add(odometry(10 * MS, 1.0, child='camera'))
        assert ask(poses, 5)[0, 3] == pytest.approx(0.5)


def test_poses_of_two_frames_are_told_no_option_that_only_nodes_have():
    poses = CameraPoses('', None, TransformTree())
    poses.add(odometry(0, 0.0))
    other = odometry(1, 0.0)
    other.header.frame_id = 'map'
    with pytest.raises(InputError, match=r"'map', those before in 'odom'; .* pose_topic$"):
        poses.add(other)


def test_unfit_poses_are_refused():
    with pytest.raises(MappingError, match='length 0'):
        made(pose(0, 1.0, (0.0, 0.0, 0.0, 0.0)))
    with pytest.raises(MappingError, match='not a number'):
        made(pose(0, float('nan')))


def test_a_jump_back_in_time_forgets_live_poses_and_no_recorded_ones():
    sent = [pose(500 * MS, 1.0), pose(450 * MS, 2.0), pose(5 * MS, 3.0)]
    live, recorded = made(*sent, live=True), made(*sent)
    assert [ask(live, ms) is not None for ms in (500, 450, 5)] == [False, False, True]
    assert [ask(recorded, ms)[0, 3] for ms in (500, 450, 5)] == [1.0, 2.0, 3.0]


def test_the_camera_on_the_body_is_read_from_text():
    assert parsed_body_from_camera('  ') is None
    np.testing.assert_allclose(parsed_body_from_camera('1, 2, 3, 0, 0, 0, 1')[:3, 3], (1, 2, 3))
    for text, words in (
        ('1 2 3', 'must be x y z qx qy qz qw'),
        ('one 2 3 0 0 0 1', 'could not convert'),
        ('0 0 0 0 0 0 2', 'has length 2, not 1'),
        ('nan 0 0 0 0 0 1', 'not a number'),
    ):
        with pytest.raises(SettingsError, match=words):
            parsed_body_from_camera(text)
