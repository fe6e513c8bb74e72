# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The refiner as a process that holds the scale of its depth by poses."""

import math
import signal

from depth_refiner_ros.nodes.conversions.headers import header_of
from geometry_msgs.msg import PoseStamped
import numpy as np
import pytest

from tests.nodes.node_graph import Probe
from tests.nodes.test_graph_refiner import Bench, CAMERA, MS, PARAMETERS

pytestmark = pytest.mark.slow
WALL_M = 2.0


def test_depth_is_held_by_poses_and_published_without_them():
    parameters = {**PARAMETERS, 'pose_source': 'pose', 'pose_wait_ms': 20.0}
    with Probe() as probe, probe.run('refiner', parameters) as refiner:
        poses = probe.publisher(PoseStamped, 'pose')
        bench = Bench(probe, refiner)
        probe.matched(poses)

        def scale(error, *, posed=True):
            """Send a wall with an error in its scale, and return the error that is left."""
            stamp_ns = bench.stamp_ns + 40 * MS
            if posed:
                message = PoseStamped(header=header_of(stamp_ns, 'map'))
                message.pose.position.x = 0.002 * stamp_ns / (40 * MS)
                poses.publish(message)
            depth_m = np.full((CAMERA.height, CAMERA.width), WALL_M * math.exp(error), np.float32)
            return math.log(float(bench.depth(bench.send(depth_m=depth_m)).mean()) / WALL_M)

        for _ in range(10):
            assert scale(0.0) == pytest.approx(0.0, abs=1e-3)
        assert abs(scale(0.05)) < 0.01, 'held'
        assert scale(0.05, posed=False) == pytest.approx(0.05, abs=1e-3), 'without a pose'
        status = bench.status(lambda status: status['frames_without_pose'] == '1', 'a count')
        assert 'the nearest pose is 40.0 ms away' in status['message']
        assert abs(scale(-0.05)) < 0.01, 'held again'
        assert 'the nearest pose is 40.0 ms away' in refiner.output
        assert refiner.stop(signal.SIGTERM) == 0, refiner.output
        assert 'Traceback' not in refiner.output
