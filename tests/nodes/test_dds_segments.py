# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shared memory of Fast DDS, in real processes that are killed."""

import os
from pathlib import Path
import signal
import subprocess
import sys

from depth_refiner_ros.apps import doctor
from depth_refiner_ros.core.dds_segments import abandoned_bytes, free_abandoned, SEGMENT
import pytest

from tests.nodes.node_graph import NodeProcess

SHARED = Path('/dev/shm')
SEGMENT_BYTES = 64 * 2**20
PARTICIPANT = """
import rclpy, signal
rclpy.init()
node = rclpy.create_node('killed')
print('up', flush=True)
signal.pause()
"""

pytestmark = pytest.mark.skipif(
    os.environ.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp') != 'rmw_fastrtps_cpp',
    reason='another middleware than Fast DDS',
)


def start():
    """Start a participant; return its process and its segments."""
    process = subprocess.Popen([sys.executable, '-c', PARTICIPANT], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'up\n'
    opened = map(os.path.realpath, Path(f'/proc/{process.pid}/fd').iterdir())
    locked = {path.removesuffix('_el') for path in opened if path.endswith('_el')}
    return process, {path for path in segments() if str(path) in locked}


def segments():
    return {path for path in SHARED.iterdir() if SEGMENT.fullmatch(path.name)}


def end(process, number):
    process.send_signal(number)
    process.wait()
    process.stdout.close()


def grow_older(paths):
    """Nothing is removed that may belong to a process that just starts."""
    for path in paths:
        os.utime(f'{path}_el', (0, 0))


def test_only_what_killed_processes_left_is_given_back():
    killed, left = start()
    living, used = start()
    free_abandoned(least_age_s=0)
    assert left
    assert left <= segments(), 'both live'
    before = abandoned_bytes()
    end(killed, signal.SIGKILL)
    assert abandoned_bytes() - before >= SEGMENT_BYTES
    free_abandoned()
    assert left <= segments(), 'younger than ten seconds'
    grow_older(left | used)
    assert free_abandoned() >= SEGMENT_BYTES
    assert used <= segments()
    assert not left & segments()
    assert not any(Path(f'{path}_el').exists() for path in left)
    end(living, signal.SIGKILL)
    free_abandoned(least_age_s=0)


def test_doctor_says_how_much_and_how_to_free_it():
    process, left = start()
    end(process, signal.SIGKILL)
    (finding,) = [item for item in doctor.dds() if 'were killed' in item.found]
    assert int(finding.found.split(' MiB')[0]) >= 64
    assert (finding.state, finding.fix) == ('note', 'fastdds shm clean')
    free_abandoned(least_age_s=0)
    assert not left & segments()


def test_a_node_that_starts_gives_back_what_killed_ones_left(probe, tmp_path):
    process, left = start()
    end(process, signal.SIGKILL)
    grow_older(left)
    with NodeProcess('collector', probe.namespace, {'folder': tmp_path}) as node:
        probe.wait(lambda: 'of shared memory of killed ROS processes' in node.output, 'a line')
        assert node.stop() == 0
    assert not left & segments()


def test_no_folder_of_shared_memory_is_no_fault(tmp_path):
    assert abandoned_bytes(tmp_path / 'none') == free_abandoned(tmp_path / 'none') == 0
