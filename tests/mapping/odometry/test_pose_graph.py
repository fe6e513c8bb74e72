# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.mapping.odometry.pose_graph import corrected, Edge, information_of
from depth_refiner_ros.mapping.poses import inverse
import numpy as np

POINTS = np.random.default_rng(1).uniform((-1, -1, 1), (1, 1, 3), (50, 3))


def edges(poses, drift, loops=()):
    """Return measured motions around a ring, each with the same error, and true or false loops."""
    found = [
        Edge(
            first=n,
            second=n + 1,
            first_from_second=inverse(poses[n]) @ poses[n + 1] @ drift,
            information_66=information_of(POINTS),
            loop=False,
        )
        for n in range(len(poses) - 1)
    ]
    return found + [
        Edge(
            first=first,
            second=second,
            first_from_second=motion,
            information_66=information_of(POINTS),
            loop=True,
        )
        for first, second, motion in loops
    ]


def chained(first, measured):
    poses = [first]
    for edge in measured:
        if not edge.loop:
            poses.append(poses[-1] @ edge.first_from_second)
    return poses


def ring(turn):
    return [turn(30 * n, (np.sin(n * np.pi / 6), 0, np.cos(n * np.pi / 6))) for n in range(12)]


def worst_m(poses, true):
    return max(np.linalg.norm((pose - place)[:3, 3]) for pose, place in zip(poses, true))


def test_weights_by_the_sum_over_points():
    expected = np.zeros((6, 6))
    for x, y, z in POINTS:
        rows = np.hstack([-np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]), np.eye(3)])
        expected += rows.T @ rows
    unknown = np.vstack([POINTS, np.full((1, 3), np.nan)])
    np.testing.assert_allclose(information_of(unknown), expected)


def test_a_loop_closes_a_ring_that_drifts(turn):
    true = ring(turn)
    closing = (0, 11, inverse(true[0]) @ true[11])
    measured = edges(true, turn(1.2, (0.02, 0, 0)), [closing])
    tracked = chained(true[0], measured)
    poses = corrected(tracked, measured)
    np.testing.assert_allclose(poses[0], true[0], atol=1e-9)
    assert worst_m(tracked[-1:], true[-1:]) > 0.2
    assert worst_m(poses[-1:], true[-1:]) < 0.05


def test_a_false_loop_is_left_out(turn):
    true = ring(turn)
    measured = edges(true, np.eye(4), [(0, 6, np.eye(4))])
    assert worst_m(corrected(chained(true[0], measured), measured), true) < 0.02


def test_without_a_loop_nothing_changes(turn):
    true = ring(turn)
    tracked = chained(true[0], edges(true, turn(1)))
    for pose, before in zip(corrected(tracked, edges(true, turn(1))), tracked):
        np.testing.assert_array_equal(pose, before)
