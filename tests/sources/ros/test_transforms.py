# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The tree of frames, fed with messages as a bag holds them."""

from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.sources.ros.transforms import TransformTree
import numpy as np
import pytest

from tests.sources.ros.bags import transform

MS = 1_000_000
QUARTER = (0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5))  # 90 degrees about z


@pytest.fixture
def robot():
    """A robot that drives along x of the map, its camera 0.5 m ahead and turned by 90 degrees."""
    tree = TransformTree()
    for ms in (0, 100, 200):
        tree.add(transform(ms * MS, 'map', 'base', (ms / 100, 0.0, 0.0)), static=False)
    tree.add(transform(0, 'base', 'mast', (0.5, 0.0, 0.0), QUARTER), static=True)
    tree.add(transform(0, 'mast', 'camera', (0.0, 0.0, 1.0)), static=True)
    tree.add(transform(0, 'base', 'wheel', (0.0, -0.3, 0.0)), static=True)
    return tree


def at(tree, target, source, ms, gap_ms=20):
    return tree.at(target, source, round(ms * MS), max_gap_ns=gap_ms * MS)


def test_a_chain_is_multiplied_and_interpolated(robot):
    pose = at(robot, 'map', 'camera', 110)
    np.testing.assert_allclose(pose[:3, 3], (1.6, 0.0, 1.0))
    np.testing.assert_allclose(pose[:3, :3] @ (1, 0, 0), (0, 1, 0), atol=1e-12)
    np.testing.assert_allclose(at(robot, 'camera', 'map', 110), inverse(pose), atol=1e-12)


def test_frames_of_two_branches_meet_at_their_ancestor(robot):
    pose = at(robot, 'wheel', 'camera', 5000)
    np.testing.assert_allclose(pose[:3, 3], (0.5, 0.3, 1.0))
    np.testing.assert_array_equal(at(robot, 'camera', 'camera', 0), np.eye(4))


def test_moving_frames_obey_the_tolerance_and_static_ones_hold_always(robot):
    assert at(robot, 'map', 'camera', 219)[0, 3] == 2.5
    assert at(robot, 'map', 'camera', 221) is None
    assert at(robot, 'map', 'camera', 150) is None
    assert at(robot, 'base', 'camera', 10**9) is not None
    assert robot.gap_ns('map', 'camera', 150 * MS) == 50 * MS


def test_what_may_still_change_is_not_settled(robot):
    assert robot.settled('map', 'camera', 200 * MS)
    assert not robot.settled('map', 'camera', 201 * MS)
    assert robot.settled('base', 'camera', 10**18)
    assert not robot.settled('map', 'elsewhere', 0)


def test_frames_without_a_chain(robot):
    robot.add(transform(0, 'other_map', 'other_base', (0.0, 0.0, 0.0)), static=True)
    assert not robot.connects('other_map', 'camera')
    assert at(robot, 'other_map', 'camera', 0) is None
    assert robot.frames == ['base', 'camera', 'map', 'mast', 'other_base', 'other_map', 'wheel']


def test_a_leading_slash_does_not_matter(robot):
    robot.add(transform(0, '/camera', '/optical', (0.0, 0.0, 0.0)), static=True)
    assert robot.connects('/map', 'optical')


def test_the_frame_that_does_not_move(robot):
    assert robot.fixed_frame_of('camera') == 'map'
    robot.add(transform(0, 'earth', 'map', (9.0, 0.0, 0.0)), static=True)
    assert robot.fixed_frame_of('camera') == 'map'
    arm = TransformTree()
    arm.add(transform(0, 'table', 'arm', (0.0, 0.0, 0.0)), static=True)
    assert arm.fixed_frame_of('arm') is None
    arm.add(transform(0, 'arm', 'hand', (0.0, 0.0, 0.0)), static=False)
    assert arm.fixed_frame_of('hand') == 'table'
    assert arm.fixed_frame_of('nowhere') is None


def test_a_new_parent_takes_a_frame_over(robot):
    robot.add(transform(0, 'wheel', 'camera', (0.0, 0.0, 0.0)), static=True)
    np.testing.assert_allclose(at(robot, 'base', 'camera', 0)[:3, 3], (0.0, -0.3, 0.0))


def test_loops_end():
    tree = TransformTree()
    tree.add(transform(0, 'a', 'b', (1.0, 0.0, 0.0)), static=True)
    tree.add(transform(0, 'b', 'a', (1.0, 0.0, 0.0)), static=True)
    tree.add(transform(0, 'c', 'c', (1.0, 0.0, 0.0)), static=True)
    assert not tree.connects('a', 'c')
    assert tree.connects('a', 'b')


def test_unfit_transforms_leave_the_tree_alone(robot):
    with pytest.raises(MappingError, match='length 0'):
        robot.add(transform(0, 'base', 'new', (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)), static=True)
    with pytest.raises(MappingError, match='not a number'):
        robot.add(transform(0, 'base', 'mast', (np.nan, 0.0, 0.0)), static=True)
    assert 'new' not in robot.frames
    assert at(robot, 'base', 'mast', 0)[0, 3] == 0.5


def played(live):
    """Return a tree that gets a recording of 30 s twice, as from a player in a loop."""
    tree = TransformTree(live=live)
    for x_m in (1.0, 2.0):
        for ms in range(0, 30_000, 100):
            tree.add(transform(ms * MS, 'map', 'camera', (x_m, 0.0, 0.0)), static=False)
            if ms == 5000:
                yield at(tree, 'map', 'camera', ms), at(tree, 'map', 'camera', 29_900)


def test_a_loop_longer_than_tf2_remembers_keeps_its_poses():
    (first, _), (second, end_of_first) = played(live=True)
    assert (first[0, 3], second[0, 3]) == (1.0, 2.0)
    assert end_of_first is None


def test_a_recorded_transform_far_out_of_order_takes_its_place():
    _, (second, end_of_first) = played(live=False)
    assert (second[0, 3], end_of_first[0, 3]) == (2.0, 1.0)
