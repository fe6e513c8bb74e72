# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The live data set for MonoGS, pulled as its front end does."""

from contextlib import contextmanager
from dataclasses import replace
import threading

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth, image_from_depth_mm
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.monogs_dataset import ENDLESS, LiveDataset
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
import torch

CAMERA = Intrinsics(fx=80.0, fy=82.0, cx=39.5, cy=29.5, width=80, height=60)
MS = 1_000_000


class Refiner:
    """Publishes frames whose color and depth say their number, as the refiner does."""

    def __init__(self, probe, *, millimetres=False):
        self.depth_message = image_from_depth_mm if millimetres else image_from_depth
        self.info = probe.publisher(CameraInfo, 'depth/camera_info')
        self.color = probe.publisher(Image, 'color/image')
        self.depth = probe.publisher(Image, 'depth/image')
        self.number, self.camera = 0, CAMERA
        self.ended = threading.Event()

    def send(self):
        if self.ended.is_set():
            return
        self.number += 1
        camera, header = self.camera, header_of(self.number * 50 * MS, 'camera_optical_frame')
        depth_m_HW = np.full((camera.height, camera.width), 1.0 + self.number / 100, np.float32)
        depth_m_HW[:10], depth_m_HW[10:20, :5], depth_m_HW[-1] = np.nan, np.inf, 0.0
        rgb_HW3 = np.full((camera.height, camera.width, 3), self.number % 256, np.uint8)
        rgb_HW3[..., 0] = 255
        self.info.publish(info_from_intrinsics(header, camera))
        self.color.publish(image_from_rgb(header, rgb_HW3))
        self.depth.publish(self.depth_message(header, depth_m_HW))


@contextmanager
def running(refiner, period_s=0.05):
    ending = threading.Event()

    def work():
        while not ending.wait(period_s):
            refiner.send()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


@contextmanager
def opened(probe, **options):
    """Open the data set as MonoGS' ``load_dataset`` does, after the branch of docs/monogs.md."""
    own = {'namespace': probe.namespace, 'timeout_s': 60.0, 'reliability': 'reliable', **options}
    config = {'Dataset': {'type': 'depth_refiner', 'sensor_type': 'depth', 'ros': own}}
    dataset = LiveDataset(None, 'datasets/live/room', config)
    try:
        yield dataset
    finally:
        dataset.close()


@pytest.mark.parametrize('millimetres', [False, True])
def test_the_front_end_of_monogs_reads_new_frames_in_metres(probe, millimetres):
    refiner = Refiner(probe, millimetres=millimetres)
    with running(refiner), opened(probe) as dataset:
        # What it asks once, for projection matrix and cameras.
        assert (dataset.fx, dataset.fy, dataset.cx, dataset.cy) == (80.0, 82.0, 39.5, 29.5)
        assert (dataset.width, dataset.height, len(dataset)) == (80, 60, ENDLESS)
        assert 2.0 * dataset.fx * np.tan(dataset.fovx / 2.0) == pytest.approx(80)
        assert 2.0 * dataset.fy * np.tan(dataset.fovy / 2.0) == pytest.approx(60)
        numbers = []
        for index in range(6):
            color, depth, pose = dataset[index]
            assert (color.shape, color.dtype) == ((3, 60, 80), torch.float32)
            assert bool((color[0] == 1.0).all())
            number = round(float(color[1, 0, 0]) * 255)
            assert (depth.shape, depth.dtype) == ((60, 80), np.float32)
            assert np.isfinite(depth).all(), 'its masks are multiplied'
            assert (depth[:10] == 0.0).all()
            assert (depth[10:20, :5] == 0.0).all()
            np.testing.assert_allclose(depth[20:-1], 1.0 + number / 100, atol=1e-3)
            assert torch.equal(pose, torch.eye(4, device=pose.device))
            # Its depth loss, in which any NaN would spread.
            seen = torch.from_numpy(depth)[None]
            loss = ((seen - 1.0).abs() * (seen > 0.01)).mean()
            assert bool(torch.isfinite(loss))
            numbers.append(number)
    assert numbers == sorted(set(numbers)), 'each frame once, none older than the one before'


def test_a_slow_front_end_gets_the_newest(probe):
    refiner = Refiner(probe)
    with running(refiner, 0.02), opened(probe) as dataset:
        first = round(float(dataset[0][0][1, 0, 0]) * 255)
        sent, waiting = refiner.number, threading.Event()
        while refiner.number < sent + 20:
            waiting.wait(0.02)
        later = round(float(dataset[1][0][1, 0, 0]) * 255)
    assert later >= first + 10


def test_a_frame_of_another_camera_is_left_out(probe, capfd):
    refiner = Refiner(probe)
    with running(refiner), opened(probe, timeout_s=1.0) as dataset:
        refiner.camera = replace(CAMERA, fx=90.0)
        pulls = (dataset[index] for index in range(ENDLESS))
        with pytest.raises(SourceError, match='no color and depth of one stamp'):
            list(pulls)
    assert 'frame left out: its camera is' in capfd.readouterr().err


def test_when_the_camera_ends_the_length_is_what_was_pulled(probe):
    """MonoGS saves its map when its frame number has reached the length."""
    refiner = Refiner(probe)
    with running(refiner), opened(probe, timeout_s=1.0) as dataset:
        number = 0
        while number < len(dataset):
            dataset[number]
            number += 1
            if number == 3:
                refiner.ended.set()
    assert number >= 3


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({'topic': 'x'}, r'Dataset\.ros\.topic is unknown; use one of namespace, color'),
        ({'reliability': 'best_effort'}, "reliability = 'best_effort' must be sensor_data or rel"),
        ({'timeout_s': 'abc'}, "timeout_s = 'abc' must be a number"),
        ({'timeout_s': -1}, r'timeout_s = -1 must be a number from 0\.001'),
        ({'tolerance_ms': 'x'}, "tolerance_ms = 'x' must be a number"),
        ({'color': ''}, "color = '' must be a name"),
        ({'color': 'a b'}, 'a name in Dataset.ros is none for ROS: '),
        ({'namespace': 'a b'}, 'a name in Dataset.ros is none for ROS: '),
    ],
)
def test_options_that_do_not_fit_are_named(probe, options, told):
    with pytest.raises(SettingsError, match=told), opened(probe, **options):
        pass


def test_silence_is_answered_in_one_line(probe):
    with (
        pytest.raises(SourceError, match=r"on '/t\w+/depth/image' for 0\.2 s; start the refiner"),
        opened(probe, timeout_s=0.2),
    ):
        pass
