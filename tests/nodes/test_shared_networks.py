# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A round of frames of several cameras, and what happens if their batch fails, in this process."""

import subprocess
import sys
import time

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import BackendError, InputError
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.inputs.frame_sync import ImageSet
from depth_refiner_ros.nodes.refiner_node import RefinerNode
from depth_refiner_ros.nodes.runtime.worker import Worker
from depth_refiner_ros.nodes.shared_networks import SharedNetworks
from depth_refiner_ros.refiner.refiner import DepthRefiner
import pytest
import rclpy

from tests.nodes.node_graph import picture, slope

CAMERA = Intrinsics.from_fov(64, 48, 60.0)
WORDS = ('prior:=sensor', 'refiner:=none', 'always_on:=true', 'batch_cameras:=always')


@pytest.fixture
def pair():
    rclpy.init(args=['--ros-args', *(word for value in WORDS for word in ('-p', value))])
    networks = SharedNetworks()
    worker = Worker(networks.serve)
    nodes = [RefinerNode(networks, worker, f'/{name}') for name in ('front', 'rear')]
    for node in nodes:
        assert node.trigger_configure().name == 'SUCCESS'
        assert node.trigger_activate().name == 'SUCCESS'
    yield worker, nodes
    for node in nodes:
        node.close()
        node.destroy_node()
    rclpy.try_shutdown()


def send(worker, nodes, stamp_ns):
    """Hand a frame to each node while the worker cannot begin a round in between."""
    header = header_of(stamp_ns, 'eye')
    with worker._changed:
        for node in nodes:
            node.accept(
                ImageSet(
                    image=image_from_rgb(header, picture()),
                    info=info_from_intrinsics(header, CAMERA),
                    depth=image_from_depth(header, slope()),
                    arrived_s=time.monotonic(),
                )
            )


def wait_done(nodes, count):
    deadline_s = time.monotonic() + 120.0
    while any(node.statistics.snapshot().done < count for node in nodes):
        assert time.monotonic() < deadline_s, [node.statistics.snapshot() for node in nodes]
        time.sleep(0.01)


@pytest.mark.parametrize(
    ('error', 'wanted'),
    [
        (None, [2, 2]),
        (InputError('of one frame'), [2, 2]),
        (BackendError('out of memory'), [2]),  # then one by one
        (RuntimeError('a bug'), [2]),
    ],
)
def test_frames_that_wait_together_are_one_call_and_survive_its_failure(
    pair, monkeypatch, error, wanted
):
    worker, nodes = pair
    calls, together = [], DepthRefiner.refine_together

    def counted(shots):
        calls.append(len(shots))
        if error is not None:
            raise error
        return together(shots)

    monkeypatch.setattr(DepthRefiner, 'refine_together', staticmethod(counted))
    for number in (1, 2):
        send(worker, nodes, number)
        wait_done(nodes, number)
    assert calls == wanted
    assert [node.statistics.snapshot().received for node in nodes] == [2, 2]


THREADS_BEFORE_AND_AFTER = """
from concurrent.futures import ThreadPoolExecutor
import os
import time
from depth_refiner_ros.nodes.shared_networks import SharedNetworks
from depth_refiner_ros.settings.networks import ModelSettings

def load():
    settings = ModelSettings(backend='torch', precision='fp32', threads=2)
    SharedNetworks().join('/refiner', settings, print)

def threads():
    time.sleep(1.0)  # those that end need a moment
    return len(os.listdir('/proc/self/task'))

with ThreadPoolExecutor(1) as passing:  # what packages start when they are imported
    passing.submit(load).result()
before = threads()
load()
print('threads', before, threads())
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='counts threads in /proc')
def test_loading_leaves_no_threads_of_openmp_behind():
    """With those of the worker they would be more than cores, and none of them waits awake."""
    command = [sys.executable, '-c', THREADS_BEFORE_AND_AFTER]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    _, before, after = found.stdout.splitlines()[-1].split()
    assert after == before
