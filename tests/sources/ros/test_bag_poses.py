# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses of a bag: from messages of the camera, of a body that carries it, and from /tf."""

from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.sources.ros.bag import RosbagSource
import numpy as np
import pytest

from tests.sources.ros import bags
from tests.sources.ros.test_bag import images, opened, read, START, STEP

QUARTER = (0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5))  # 90 degrees about z


def test_poses_out_of_order_take_their_place(tmp_path):
    order = (0, 20, 10, 30, 90)
    poses = [
        ('/p', START + n * 10**6, bags.pose(START + ms * 10**6, float(ms)))
        for n, ms in enumerate(order)
    ]
    stamps = [START + ms * 10**6 for ms in (5, 15, 25, 40)]
    frames = read(tmp_path, [*poses, *images(*stamps)])
    assert [frame.map_from_camera[0, 3] for frame in frames] == pytest.approx(
        [5.0, 15.0, 25.0, 40.0]
    )


def test_unfit_and_repeated_poses_are_counted_and_named(tmp_path):
    poses = [
        bags.pose(START, 0.0, (0.0, 0.0, 0.0, 0.0)),
        bags.pose(START, float('nan')),
        bags.pose(START, 3.0),
        bags.pose(START, 4.0),
    ]
    lines = []
    messages = [*images(START), *(('/p', START, pose) for pose in poses)]
    (frame,) = read(tmp_path, messages, log=lines.append)
    assert frame.map_from_camera[0, 3] == 4.0
    left_out, repeated = lines
    assert left_out.startswith('2 of 4 poses of /p left out; the first: quaternion 0 0 0 0')
    assert repeated == '1 of 4 poses of /p repeat a stamp; the last counts'


def test_odometry_too_far_away_to_be_metres_costs_its_frame_alone(tmp_path):
    lines, stamps = [], [START, START + STEP, START + 2 * STEP]
    messages = [
        (
            '/odom',
            stamp,
            bags.odometry(stamp, x_m, child='camera', quaternion=(0.0, 0.0, 0.0, 1.0)),
        )
        for stamp, x_m in zip(stamps, (1.0, 1e8, 3.0))
    ]
    frames = read(tmp_path, [*messages, *images(*stamps)], log=lines.append)
    assert [frame.map_from_camera is None for frame in frames] == [False, True, False]
    assert '1 of 3 poses of /odom left out; the first: position 1e+08 0 0 cannot' in lines[0]


def odometry_walk(child='base_link'):
    """A base that drives along x and has turned left: its camera looks along y of the map."""
    messages = []
    for step in range(3):
        now = START + step * STEP
        odom = bags.odometry(now, float(step), child=child, quaternion=QUARTER)
        messages += [*images(now, bag_ns=now, frame='optical'), ('/odom', now, odom)]
    return messages


MOUNT = (
    '/tf_static',
    START,
    bags.transforms(
        bags.transform(START, 'base_link', 'mast', (0.5, 0.0, 0.0)),
        bags.transform(START, 'mast', 'optical', (0.0, 0.0, 1.0)),
    ),
)


def test_odometry_of_the_base_is_refused_without_the_way_to_the_camera(tmp_path):
    with pytest.raises(
        SourceError,
        match=r"/odom: the poses describe frame 'base_link' but the images are in 'optical'.*"
        r'body_from_camera.*pose_topic:=none',
    ):
        opened(tmp_path, odometry_walk())
    assert len(list(RosbagSource(tmp_path / 'bag', pose_topic='none'))) == 3


@pytest.mark.parametrize(
    ('messages', 'options'),
    [
        ([MOUNT], {}),
        ([], {'body_from_camera': '0.5 0 1 0 0 0 1'}),
        ([MOUNT], {'body_from_camera': '0.5 0 1 0 0 0 1'}),
    ],
)
def test_odometry_of_the_base_is_brought_to_the_camera(tmp_path, messages, options):
    frames = read(tmp_path, [*odometry_walk(), *messages], **options)
    for step, frame in enumerate(frames):
        np.testing.assert_allclose(frame.map_from_camera[:3, 3], (step, 0.5, 1.0), atol=1e-12)


def test_poses_come_from_tf_where_there_is_no_pose_topic(tmp_path):
    moving = [
        (
            '/tf',
            START + step * STEP,
            bags.transforms(
                bags.transform(START + step * STEP, 'odom', 'base_link', (step, 0.0, 0.0)),
                bags.transform(START + step * STEP, 'base_link', 'wheel', (0.0, step, 0.0)),
            ),
        )
        for step in range(3)
    ]
    lines = []
    seen = images(*(START + step * STEP for step in range(3)), frame='optical')
    source = opened(tmp_path, [*seen, *moving, MOUNT], log=lines.append)
    assert lines == ["poses are those of 'optical' in 'odom', from /tf"]
    assert len(source.trajectory)
    found = [frame.map_from_camera[:3, 3].tolist() for frame in source]
    assert found == [[0.5, 0.0, 1.0], [1.5, 0.0, 1.0], [2.5, 0.0, 1.0]]
    wide = RosbagSource(tmp_path / 'bag', pose_topic='/tf', max_gap_s=0.02)
    assert [frame.map_from_camera is not None for frame in wide] == [True] * 3


def test_static_transforms_alone_are_no_poses(tmp_path):
    source = opened(tmp_path, [*images(START, frame='optical'), MOUNT], log=pytest.fail)
    assert len(source.trajectory) == 0
    assert next(iter(source)).map_from_camera is None
    with pytest.raises(
        SourceError, match=r"'optical' moves; its frames: base_link, mast, optical"
    ):
        RosbagSource(tmp_path / 'bag', pose_topic='/tf_static')


def test_an_unfit_mount_is_one_line(tmp_path):
    with pytest.raises(SettingsError, match='must be x y z qx qy qz qw'):
        opened(tmp_path, images(START), body_from_camera='1 2 3')


def test_odometry_of_no_named_frame_is_taken_for_the_camera_with_a_line(tmp_path):
    lines = []
    frames = read(tmp_path, odometry_walk(child=''), log=lines.append)
    assert [frame.map_from_camera[0, 3] for frame in frames] == [0.0, 1.0, 2.0]
    [line] = [line for line in lines if 'child_frame_id' in line]
    assert line.startswith('/odom has no child_frame_id: it is taken for the pose of the camera')
