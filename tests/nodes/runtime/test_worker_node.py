# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a node passes frames to its worker, tested in this process."""

import threading
import time

from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from depth_refiner_ros.nodes.inputs.frame_sync import ImageSet
from depth_refiner_ros.nodes.refiner_node import RefinerNode
from diagnostic_msgs.msg import DiagnosticArray
import pytest
import rclpy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header


@pytest.fixture
def make():
    nodes = []

    def made(**parameters):
        given = {'prior': 'sensor', 'refiner': 'none', 'always_on': 'true', **parameters}
        rclpy.init(
            args=[
                '--ros-args',
                *(word for name, value in given.items() for word in ('-p', f'{name}:={value}')),
            ]
        )
        nodes.append(RefinerNode())
        return nodes[-1]

    yield made
    for node in nodes:
        node.close()
        node.destroy_node()
    rclpy.try_shutdown()


def image_set(stamp_ns):
    return ImageSet(
        image=Image(header=header_of(stamp_ns, 'eye')),
        info=CameraInfo(),
        arrived_s=time.monotonic(),
    )


def counts(node):
    snapshot = node.statistics.snapshot()
    return snapshot.received, snapshot.dropped


def wait_until(condition):
    deadline_s = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_a_frame_sent_again_in_lock_step_is_not_worked_on_twice(make):
    """A player repeats a frame that takes long; if each copy were refined, it would never end."""
    node = make(keep_every_frame='true')
    assert node.trigger_configure().name == 'SUCCESS'
    node.process = lambda item, watch: time.sleep(0.3)
    assert node.trigger_activate().name == 'SUCCESS'
    for stamp_ns in (1, 1, 2, 1, 2):
        node.accept(image_set(stamp_ns))
    wait_until(lambda: node.statistics.snapshot().done == 2)
    assert counts(node) == (2, {})
    node.accept(image_set(1))  # its end may have got lost
    wait_until(lambda: node.statistics.snapshot().done == 3)
    assert counts(node) == (3, {})


def test_a_live_camera_without_stamps_is_served_its_newest_image(make):
    node = make(keep_every_frame='false')
    for _ in range(3):
        node.accept(image_set(0))
    assert counts(node) == (3, {'superseded': 2})


def test_a_start_that_breaks_off_leaves_nothing_behind(make):
    node = make()
    subscribe = node.subscribe

    def break_off():
        subscribe()
        assert len(list(node.subscriptions)) >= 3
        raise RuntimeError('broke off')

    node.subscribe = break_off
    assert node.trigger_configure().name == 'SUCCESS'
    assert node.trigger_activate().name == 'ERROR'
    assert list(node.subscriptions) == []
    before_ns = time.monotonic_ns()
    told = []
    listener = rclpy.create_node('listener')
    listener.create_subscription(DiagnosticArray, '/diagnostics', told.append, 10)
    while not told:
        assert time.monotonic_ns() - before_ns < 60e9
        node.diagnostics.publish()
        rclpy.spin_once(listener, timeout_sec=0.1)
    listener.destroy_node()
    values = {item.key: item.value for item in told[0].status[0].values}
    assert values['state'] == 'unconfigured'


def test_who_waits_for_a_frame_is_told_that_the_node_was_stopped(make):
    node = make(keep_every_frame='true')
    assert node.trigger_configure().name == 'SUCCESS'
    begun = threading.Event()

    def work_until_stopped(item, watch):
        begun.set()
        wait_until(lambda: counts(node)[1].get('stopped') == 2)

    node.process = work_until_stopped
    assert node.trigger_activate().name == 'SUCCESS'
    ended = []
    listener = rclpy.create_node('listener')
    heard = listener.create_subscription(Header, '/refiner/skipped', ended.append, 10)
    wait_until(lambda: heard.get_publisher_count() and node.count_subscribers('/refiner/skipped'))
    time.sleep(0.5)  # both sides see the match a little apart
    for stamp_ns in (1, 2, 3):
        node.accept(image_set(stamp_ns))
    assert begun.wait(60.0)
    assert node.trigger_deactivate().name == 'SUCCESS'
    wait_until(lambda: rclpy.spin_once(listener, timeout_sec=0.1) or len(ended) >= 2)
    listener.destroy_node()
    assert [stamp_ns_of(header) for header in ended] == [2, 3]
    assert counts(node) == (3, {'stopped': 2})


def test_the_end_of_a_node_says_once_what_became_of_its_frames(make, capfd):
    node = make(keep_every_frame='false')
    assert node.trigger_configure().name == 'SUCCESS'
    for stamp_ns in (1, 2, 3):
        node.accept(image_set(stamp_ns))
    assert node.trigger_shutdown().name == 'SUCCESS'
    node.close()
    said = [line for line in capfd.readouterr().err.splitlines() if 'frames in' in line]
    assert len(said) == 1
    assert said[0].endswith('[refiner]: 3 frames in, 0 out, lost: 2 superseded, 1 stopped')


def test_a_node_that_was_never_loaded_counts_nothing_at_its_end(make, capfd):
    make().close()
    assert 'frames in' not in capfd.readouterr().err
