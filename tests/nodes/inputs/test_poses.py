# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses that a node waits for; their meaning is tested with recordings, which share it."""

import threading
import time
from types import SimpleNamespace

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.inputs.poses import FilePoses, LivePoses
from geometry_msgs.msg import PoseStamped, TransformStamped
from nav_msgs.msg import Odometry
import numpy as np
import pytest

MS = 1_000_000


def ask(poses, ms, gap_ms=20.0, timeout_s=0.0):
    return poses.wait_at(
        round(ms * MS), 'camera', max_gap_ns=round(gap_ms * MS), timeout_s=timeout_s
    )


def stamped(ms, x_m=0.0, frame_id='map'):
    message = PoseStamped(header=header_of(ms * MS, frame_id))
    message.pose.position.x = x_m
    return message


def transforms(*stamped_ms_x, parent='map', child='camera'):
    """Return an object like a TFMessage, because tf2_msgs is not on the package registries."""
    made = []
    for ms, x_m in stamped_ms_x:
        message = TransformStamped(header=header_of(ms * MS, parent), child_frame_id=child)
        message.transform.translation.x = x_m
        made.append(message)
    return SimpleNamespace(transforms=made)


def test_waiting_ends_when_the_pose_comes():
    poses = LivePoses('map', None, pytest.fail)
    poses.add_pose(stamped(100, 1.0))
    timer = threading.Timer(0.05, poses.add_pose, [stamped(150, 5.0)])
    timer.start()
    assert ask(poses, 150, timeout_s=30.0)[0, 3] == 5.0
    timer.join()


def test_waiting_is_bounded():
    poses = LivePoses('map', None, pytest.fail)
    poses.add_pose(stamped(100, 1.0))
    started_s = time.monotonic()
    assert ask(poses, 500, timeout_s=0.1) is None
    assert time.monotonic() - started_s >= 0.1
    assert 'nearest pose is 400.0 ms away' in poses.why_none(500 * MS, 'camera')


def test_waiting_for_a_transform():
    poses = LivePoses('map', None, pytest.fail, from_tree=True)
    timer = threading.Timer(
        0.05, poses.add_transforms, [transforms((100, 1.0), (120, 3.0))], {'static': False}
    )
    timer.start()
    assert ask(poses, 105, timeout_s=30.0)[0, 3] == 1.5
    timer.join()
    assert ask(poses, 140)[0, 3] == 3.0
    assert ask(poses, 141) is None


def test_odometry_waits_for_the_way_to_the_camera():
    message = Odometry(header=header_of(5 * MS, 'map'), child_frame_id='base_link')
    poses = LivePoses('map', None, pytest.fail)
    poses.add_pose(message)
    with pytest.raises(InputError, match="frame 'base_link' but the images are in 'camera'"):
        ask(poses, 5)
    timer = threading.Timer(
        0.05, poses.add_transforms, [transforms((0, 0.5), parent='base_link')], {'static': True}
    )
    timer.start()
    assert ask(poses, 5, timeout_s=30.0)[0, 3] == 0.5
    timer.join()


def test_what_cannot_be_used_is_reported_and_the_rest_taken():
    errors = []
    poses = LivePoses('map', None, errors.append)
    poses.add_pose(stamped(6, 3.0, frame_id='odom'))
    broken = stamped(5)
    broken.pose.orientation.w = 0.0
    poses.add_pose(broken)
    bad = transforms((0, float('nan')), (1, 2.0), parent='base')
    poses.add_transforms(bad, static=True)
    poses.add_pose(stamped(5, 2.0))
    assert errors[0] == "poses are in frame 'odom' but map_frame is 'map'; set map_frame:=odom"
    assert 'length 0' in errors[1]
    assert 'not a number' in errors[2]
    assert len(errors) == 3
    assert ask(poses, 5)[0, 3] == 2.0


def test_a_jump_back_in_time_forgets():
    poses = LivePoses('map', None, pytest.fail)
    poses.add_pose(stamped(500, 1.0))
    poses.add_pose(stamped(5, 2.0))
    assert ask(poses, 500) is None
    assert ask(poses, 5)[0, 3] == 2.0


def test_poses_of_a_file():
    trajectory = Trajectory(
        stamps_ns_N=np.array([100, 200]) * MS,
        map_from_camera_N44=np.stack(
            [pose_from_quaternion((x_m, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)) for x_m in (1.0, 2.0)]
        ),
    )
    poses = FilePoses(trajectory)
    assert ask(poses, 150, gap_ms=60)[0, 3] == pytest.approx(1.5)
    assert ask(poses, 150, gap_ms=40) is None
    assert ask(poses, 210)[0, 3] == 2.0
    assert ask(poses, 230) is None
    assert 'pose_file' in poses.why_none(230 * MS, 'camera')
