# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Real nodes in real processes, and a test node that talks to them over DDS."""

from collections import defaultdict
from contextlib import contextmanager
import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import threading
import time
import uuid

from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import compressed_from_rgb, image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.sources.ros.camera import CameraReader
from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from tests.nodes.warm_program import WarmProgram

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = float(os.environ.get('TEST_PATIENCE_S', '120'))
"""The longest that anything is waited for; a busy machine loads torch slowly."""


@contextmanager
def graph_domain():
    """Isolate the processes of one test run in a ROS domain."""
    own = {
        'ROS_DOMAIN_ID': str(random.SystemRandom().randint(110, 200)),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'OMP_NUM_THREADS': '1',
        'RCUTILS_COLORIZED_OUTPUT': '0',
        'PYTHONUNBUFFERED': '1',
        # The older name would have Kilted warn of it in every process.
        'FASTDDS_DEFAULT_PROFILES_FILE': str(ROOT / 'config' / 'fastdds.xml'),
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


class NodeProcess:
    """
    A node of the package in its own process.

    :param name: module below ``depth_refiner_ros.nodes`` without ``_node``
    :param namespace: ROS namespace
    :param parameters: name to value
    :param remaps: from to
    :param words: further words after ``--ros-args``
    :param cold: start the program itself, with its imports, rather than a :class:`WarmProgram`
    """

    def __init__(
        self, name, namespace, parameters=None, remaps=None, folder=None, words=(), cold=False
    ):
        words = ['--ros-args', '-r', f'__ns:={namespace}', *words]
        for key, value in (parameters or {}).items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            words += ['-p', f'{key}:={text}']
        for key, value in (remaps or {}).items():
            words += ['-r', f'{key}:={value}']
        self.lines = []
        environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
        if cold:
            self.process = subprocess.Popen(
                [sys.executable, '-m', f'depth_refiner_ros.nodes.{name}_node', *words],
                cwd=folder or ROOT,
                text=True,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        else:
            self.process = WarmProgram(name, words, folder or ROOT, environment)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self):
        return '\n'.join(self.lines)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, number=signal.SIGINT):
        """End the process and return its exit code; a hang is a failure."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.finish()
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f'the node did not end:\n{self.output}') from None

    def finish(self):
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()
        return code


class Probe:
    """The node of a test, in a separate namespace."""

    def __init__(self, name='probe', namespace=None):
        self.namespace = namespace or f'/t{uuid.uuid4().hex[:8]}'
        self.context = Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node(name, namespace=self.namespace, context=self.context)
        self.received = defaultdict(list)
        self._hears_diagnostics = False
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def run(self, name, parameters=None, remaps=None, folder=None, words=(), *, cold=False):
        """Start a node of ours in this namespace."""
        return NodeProcess(name, self.namespace, parameters, remaps, folder, words, cold)

    def publisher(self, kind, topic, *, reliable=True, depth=20):
        return self.node.create_publisher(kind, topic, _qos(reliable, depth))

    def listen(self, kind, topic, *, reliable=True, depth=100):
        return self.node.create_subscription(
            kind, topic, self.received[topic].append, _qos(reliable, depth)
        )

    def wait(self, condition, what='condition', timeout_s=PATIENCE_S):
        """Spin the node until a condition holds."""
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline_s, f'waited in vain for {what}'
            self._executor.spin_once(timeout_sec=0.05)

    def watch(self, seconds):
        """Spin the node for a while, to check that something does not happen."""
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            self._executor.spin_once(timeout_sec=0.05)

    def matched(self, *publishers):
        """Wait until each publisher has a subscriber."""
        self.wait(
            lambda: all(publisher.get_subscription_count() for publisher in publishers),
            f'listeners of {[publisher.topic_name for publisher in publishers]}',
        )

    def heard_by(self, process, *subscriptions):
        """Wait until each subscription has a publisher and the process still lives."""
        self.wait(
            lambda: (
                process.process.poll() is not None
                or all(
                    self.node.count_publishers(subscription.topic_name)
                    for subscription in subscriptions
                )
            ),
            'publishers',
        )
        assert process.process.poll() is None, process.output

    def call(self, kind, service, request):
        """Call a service and return its response."""
        client = self.node.create_client(kind, service)
        self.wait(client.service_is_ready, service)
        future = client.call_async(request)
        self.wait(future.done, f'{service} to answer')
        self.node.destroy_client(client)
        return future.result()

    def set_parameter(self, node, name, value):
        """Request the change of a parameter, and return the node's answer."""
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()]
        )
        return self.call(SetParameters, f'{node}/set_parameters', request).results[0]

    def wait_diagnostics(self, node, condition, what):
        """Wait for a report of a node that meets a condition, and return it."""
        if not self._hears_diagnostics:
            self._hears_diagnostics = True
            self.listen(DiagnosticArray, '/diagnostics')
        self.wait(lambda: (seen := self.diagnostics(node)) is not None and condition(seen), what)
        return self.diagnostics(node)

    def diagnostics(self, node):
        """Return the last status that a node in this namespace reported."""
        found = [
            status
            for message in self.received['/diagnostics']
            for status in message.status
            if status.name.startswith(f'{self.namespace}/{node}:')
        ]
        if not found:
            return None
        last = found[-1]
        return {
            'level': last.level,
            'hardware_id': last.hardware_id,
            'message': last.message,
            **{item.key: item.value for item in last.values},
        }


class Camera:
    """
    A camera with a registered depth sensor.

    :param probe: publishes
    :param intrinsics: of all images
    :param prefix: of its topics
    """

    def __init__(
        self, probe, intrinsics, *, reliable=True, compressed=False, with_depth=True, prefix=''
    ):
        self.intrinsics = intrinsics
        self._make_image = compressed_from_rgb if compressed else image_from_rgb
        self.info = probe.publisher(CameraInfo, f'{prefix}camera_info', reliable=reliable)
        self.depth = (
            probe.publisher(Image, f'{prefix}depth_in', reliable=reliable) if with_depth else None
        )
        self.image = (
            probe.publisher(CompressedImage, f'{prefix}image/compressed', reliable=reliable)
            if compressed
            else probe.publisher(Image, f'{prefix}image', reliable=reliable)
        )

    @property
    def publishers(self):
        return [publisher for publisher in (self.info, self.depth, self.image) if publisher]

    def send(self, stamp_ns, depth_m=None, rgb=None, *, image=None, info=None):
        """Send one frame; ready-made messages replace its parts."""
        header = header_of(stamp_ns, 'camera_optical_frame')
        width, height = self.intrinsics.width, self.intrinsics.height
        if info is None:
            info = info_from_intrinsics(header, self.intrinsics)
        info.header = header
        self.info.publish(info)
        if self.depth is not None:
            self.depth.publish(
                image_from_depth(header, slope(width, height) if depth_m is None else depth_m)
            )
        if image is None:
            image = self._make_image(header, picture(width, height) if rgb is None else rgb)
        image.header = header
        self.image.publish(image)


def camera_of(info):
    """Return the camera in a message of the test."""
    rectifier = CameraReader('depth/image').rectifier(info, info.width, info.height)
    return rectifier.intrinsics


def _qos(reliable, depth):
    return QoSProfile(
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
    )


def picture(width=64, height=48, seed=0):
    """Return an rgb image with structure."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def slope(width=64, height=48, near_m=1.0, far_m=3.0):
    """Return depth that grows from left to right."""
    return np.tile(np.linspace(near_m, far_m, width, dtype=np.float32), (height, 1))
