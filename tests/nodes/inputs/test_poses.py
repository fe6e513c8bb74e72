import threading
import time

from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.inputs.pose_inputs import body_from_camera, TopicPoses
from depth_refiner_ros.nodes.inputs.poses import FilePoses, PoseBuffer
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry
import numpy as np
import pytest

MS = 1_000_000
TURN = (0.0, 0.0, np.sin(np.pi / 4), np.cos(np.pi / 4))  # 90 degrees about z


def pose(x_m, turn=(0.0, 0.0, 0.0, 1.0)):
    return pose_from_quaternion((x_m, 0.0, 0.0), turn)


def ask(poses, ms, gap_ms=20.0, timeout_s=0.0):
    return poses.wait_at(
        round(ms * MS), 'camera', max_gap_ns=round(gap_ms * MS), timeout_s=timeout_s
    )


@pytest.fixture
def buffer():
    made = PoseBuffer()
    made.add(100 * MS, pose(1.0))
    made.add(120 * MS, pose(3.0, TURN))
    return made


def test_poses_are_interpolated_between_two(buffer):
    middle = ask(buffer, 105)
    np.testing.assert_allclose(middle[:3, 3], (1.5, 0.0, 0.0))
    angle = np.degrees(np.arctan2(middle[1, 0], middle[0, 0]))
    assert angle == pytest.approx(22.5)


def test_equal_stamps_need_no_neighbour(buffer):
    np.testing.assert_array_equal(ask(buffer, 120, gap_ms=0.0), pose(3.0, TURN))


@pytest.mark.parametrize(('ms', 'x_m'), [(85, 1.0), (79, None), (139, 3.0), (141, None)])
def test_beyond_the_ends_the_tolerance_decides(buffer, ms, x_m):
    found = ask(buffer, ms)
    assert (found is None) == (x_m is None)
    if found is not None:
        assert found[0, 3] == x_m


def test_holes_are_not_bridged_beyond_the_tolerance():
    buffer = PoseBuffer()
    buffer.add(0, pose(0.0))
    buffer.add(1000 * MS, pose(1.0))
    assert ask(buffer, 500) is None
    np.testing.assert_allclose(ask(buffer, 990)[0, 3], 0.99)


def test_waiting_ends_when_the_pose_comes(buffer):
    timer = threading.Timer(0.05, buffer.add, [150 * MS, pose(5.0)])
    timer.start()
    assert ask(buffer, 150, timeout_s=30.0)[0, 3] == 5.0
    timer.join()


def test_waiting_is_bounded(buffer):
    started_s = time.monotonic()
    assert ask(buffer, 500, timeout_s=0.1) is None
    assert time.monotonic() - started_s >= 0.1
    assert ask(PoseBuffer(), 1) is None


def test_poses_may_come_out_of_order_and_replace_each_other(buffer):
    buffer.add(110 * MS, pose(7.0))
    buffer.add(110 * MS, pose(8.0))
    assert ask(buffer, 110)[0, 3] == 8.0
    buffer.clear()
    assert ask(buffer, 110) is None


def test_poses_of_a_file():
    trajectory = Trajectory(
        stamps_ns_N=np.array([100, 200]) * MS, map_from_camera_N44=np.stack([pose(1.0), pose(2.0)])
    )
    poses = FilePoses(trajectory)
    assert ask(poses, 150, gap_ms=60)[0, 3] == pytest.approx(1.5)
    assert ask(poses, 150, gap_ms=40) is None
    assert ask(poses, 210)[0, 3] == 2.0
    assert ask(poses, 230) is None


def stamped(ms, x_m=0.0, frame_id='map'):
    message = PoseStamped(header=header_of(ms * MS, frame_id))
    message.pose.position.x = x_m
    return message


def test_messages_of_the_map_frame_are_taken_in():
    errors = []
    poses = TopicPoses('map', None, errors.append)
    poses.take_in(stamped(5, 2.0))
    assert ask(poses, 5)[0, 3] == 2.0
    poses.take_in(stamped(6, 3.0, frame_id='odom'))
    assert errors == ["poses are in frame 'odom' but map_frame is 'map'; set map_frame:=odom"]
    assert ask(poses, 6)[0, 3] == 2.0


def test_unfit_poses_are_told():
    errors = []
    poses = TopicPoses('map', None, errors.append)
    broken = stamped(5)
    broken.pose.orientation.w = 0.0
    poses.take_in(broken)
    broken = stamped(6, float('nan'))
    poses.take_in(broken)
    assert len(errors) == 2
    assert 'length 0' in errors[0]
    assert 'not a number' in errors[1]
    assert ask(poses, 6) is None


def test_a_jump_back_in_time_forgets():
    poses = TopicPoses('map', None, pytest.fail)
    poses.take_in(stamped(500, 1.0))
    poses.take_in(stamped(5, 2.0))
    assert ask(poses, 500) is None
    assert ask(poses, 5)[0, 3] == 2.0


def test_a_pose_out_of_order_takes_its_place():
    poses = TopicPoses('map', None, pytest.fail)
    for stamp_ms, x_m in ((100, 1.0), (200, 3.0), (150, 4.0), (190, 5.0)):
        poses.take_in(stamped(stamp_ms, x_m))
    assert [ask(poses, stamp_ms)[0, 3] for stamp_ms in (100, 150, 190, 200)] == [
        1.0,
        4.0,
        5.0,
        3.0,
    ]
    poses.take_in(stamped(5, 6.0))
    assert ask(poses, 200) is None


def test_odometry_of_the_body_needs_the_camera_on_it():
    message = Odometry(header=header_of(5 * MS, 'map'), child_frame_id='base_link')
    message.pose.pose.orientation.z, message.pose.pose.orientation.w = TURN[2:]
    unknown = TopicPoses('map', None, pytest.fail)
    unknown.take_in(message)
    with pytest.raises(InputError, match="odom describes 'base_link' but depth is in 'camera'"):
        ask(unknown, 5)
    known = TopicPoses('map', body_from_camera('1 0 0.5 0 0 0 1'), pytest.fail)
    known.take_in(message)
    # The body looks along y, so 1 m ahead of it is 1 m along y.
    np.testing.assert_allclose(ask(known, 5)[:3, 3], (0.0, 1.0, 0.5), atol=1e-12)
    message.child_frame_id = 'camera'
    same = TopicPoses('map', None, pytest.fail)
    same.take_in(message)
    assert ask(same, 5) is not None


def test_the_camera_on_the_body_is_read_from_text():
    assert body_from_camera('  ') is None
    np.testing.assert_allclose(body_from_camera('1, 2, 3, 0, 0, 0, 1')[:3, 3], (1, 2, 3))
    with pytest.raises(SettingsError, match='x y z qx qy qz qw'):
        body_from_camera('1 2 3')
    with pytest.raises(SettingsError, match='could not convert'):
        body_from_camera('one 2 3 0 0 0 1')
