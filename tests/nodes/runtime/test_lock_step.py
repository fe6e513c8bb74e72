# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a player remembers of the frames that it has sent."""

from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.runtime import lock_step
from depth_refiner_ros.nodes.runtime.lock_step import LockStep

from tests.nodes.node_graph import Probe


def test_days_of_frames_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(lock_step, 'REMEMBERED', 20)
    with Probe() as probe:
        steps = LockStep(probe.node, 'refiner')
        for stamp_ns in range(1, 101):
            steps.expect(stamp_ns)
            report = (
                steps._skip if stamp_ns % 2 else lambda header: steps._finish('refiner', header)
            )
            report(header_of(stamp_ns, ''))
            assert steps.wait(stamp_ns, 0.0)
        assert steps.skipped == 50
        assert len(steps._finished['refiner']) <= 21
        assert len(steps._skipped_ns) <= 21
