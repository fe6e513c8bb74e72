# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Questions for distances from the map of a real node."""

import signal

from depth_refiner_ros.nodes.conversions.cloud import cloud_of_distances, points_from_cloud
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2

from tests.nodes.node_graph import Probe
from tests.nodes.wall_scene import PARAMETERS, Scene

pytestmark = pytest.mark.slow
POINTS = np.array(
    [[0.0, 0.0, 1.0], [0.1, -0.1, 1.9], [0.0, 0.0, 2.5], [5.0, 0.0, 1.0]], dtype=np.float32
)


class Planner:
    """Asks for distances."""

    def __init__(self, probe, tsdf):
        self.probe, self.stamp_ns = probe, 0
        self.questions = probe.publisher(PointCloud2, 'distance_query')
        probe.heard_by(tsdf, probe.listen(PointCloud2, 'distance'))
        probe.matched(self.questions)

    def ask(self, points, frame_id='map'):
        self.stamp_ns += 1
        header = header_of(self.stamp_ns, frame_id)
        question = PointCloud2(header=header, height=1, width=len(points))
        self.questions.publish(cloud_of_distances(question, points, np.zeros(len(points))))

    def answer(self):
        """Return the distances of the answer to the last question."""
        answers = self.probe.received['distance']
        self.probe.wait(
            lambda: answers and stamp_ns_of(answers[-1].header) == self.stamp_ns, 'an answer'
        )
        np.testing.assert_array_equal(points_from_cloud(answers[-1]), POINTS)
        return np.frombuffer(answers[-1].data, np.float32).reshape(-1, 4)[:, 3]


def test_a_planner_is_told_distances_and_what_is_unknown(tmp_path):
    parameters = {**PARAMETERS, 'distance_queries': True, 'save_at_shutdown': False}
    with Probe() as probe, probe.run('tsdf', parameters, folder=tmp_path) as tsdf:
        scene, planner = Scene(probe, tsdf), Planner(probe, tsdf)
        planner.ask(POINTS)
        assert np.isnan(planner.answer()).all(), 'nothing is known yet'
        for _ in range(3):
            scene.send()
        planner.ask(POINTS)
        found = planner.answer()
        np.testing.assert_allclose(found[:2], [1.0, 0.1], atol=0.01)
        assert np.isnan(found[2:]).all(), 'behind the wall and beside the view'
        planner.ask(POINTS, 'odom')
        probe.wait(lambda: "frame 'odom'; give points in map_frame" in tsdf.output, 'the fix')
        planner.ask(POINTS)
        planner.answer()
        assert tsdf.stop(signal.SIGTERM) == 0, tsdf.output
        assert 'Traceback' not in tsdf.output
