# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a prior of video carries over from image to image, and where it does not."""

from dataclasses import replace

from depth_refiner_ros.apps.inference import infer
from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.bench.configured import time_stages
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.cuts import LONGEST_GAP_NS
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.sources.frame import Frame
import pytest
import torch

from tests.priors.official_video_depth_anything import frame, HEIGHT, WIDTH
from tests.priors.test_video_depth_anything import depth_of, tiny

CAMERA = Intrinsics.from_fov(WIDTH, HEIGHT, 60.0)
STEP_NS = 33_000_000
SETTINGS = ModelSettings(
    prior='video_depth_anything', refiner='none', device='cpu', precision='fp32'
)


def image(index):
    return torch.from_numpy(frame(index)).permute(2, 0, 1)[None]


def refiner(execution=None, scale_prior=None, prior=None, log=print):
    how = execution or choose('cpu', 'fp32')
    return DepthRefiner(prior or tiny(), None, how, SETTINGS, scale_prior, log=log)


def alone(index, pixels=None):
    return refiner().refine(image(index) if pixels is None else pixels, CAMERA).depth_m_B1HW


def video(made, count=3):
    """Refine the first images of a video and return the stamp of the next one."""
    for index in range(count):
        made.refine(image(index), CAMERA, stamp_ns=index * STEP_NS)
    return count * STEP_NS


def test_depth_of_a_video_follows_what_was_seen_before():
    made, prior = refiner(), tiny()
    for index in range(4):
        found = made.refine(image(index), CAMERA, stamp_ns=index * STEP_NS)
        wanted = depth_of(prior.predict_next, frame(index))
        torch.testing.assert_close(found.depth_m_B1HW, wanted, rtol=1e-5, atol=1e-5)
        assert found.continued == (index > 0)
    assert float((found.depth_m_B1HW - alone(3)).abs().max()) > 0.01


@pytest.mark.parametrize(
    ('later_ns', 'camera'),
    [
        (LONGEST_GAP_NS + 1, CAMERA),
        (-4 * STEP_NS, CAMERA),
        (0, replace(CAMERA, fx=CAMERA.fx + 1.0)),
        (0, None),
    ],
    ids=['a gap', 'time runs back', 'another camera', 'no camera'],
)
def test_after_a_cut_depth_is_that_of_a_fresh_prior(later_ns, camera):
    made = refiner()
    next_ns = video(made)
    found = made.refine(image(3), camera, stamp_ns=next_ns + later_ns)
    assert not found.continued
    assert torch.equal(found.depth_m_B1HW, alone(3))
    again = made.refine(image(4), camera, stamp_ns=next_ns + later_ns + STEP_NS)
    assert again.continued
    assert not torch.equal(again.depth_m_B1HW, alone(4)), 'the new video goes on'


def test_another_size_another_recording_and_single_images_start_anew():
    made = refiner()
    next_ns = video(made)
    half = image(3)[..., : WIDTH // 2]
    camera = Intrinsics.from_fov(WIDTH // 2, HEIGHT, 60.0)
    found = made.refine(half, camera, stamp_ns=next_ns).depth_m_B1HW
    assert torch.equal(found, refiner().refine(half, camera).depth_m_B1HW)
    next_ns = video(made)
    made.reset()
    assert torch.equal(made.refine(image(3), CAMERA, stamp_ns=next_ns).depth_m_B1HW, alone(3))
    for index in (1, 2, 3):
        assert torch.equal(made.refine(image(index), CAMERA).depth_m_B1HW, alone(index))
    assert torch.equal(made.refine(image(4), CAMERA, stamp_ns=0).depth_m_B1HW, alone(4))


def test_the_call_of_one_image_takes_the_stamp_of_a_video():
    made = refiner()
    next_ns = video(made)
    found = made(frame(3), CAMERA, stamp_ns=next_ns)
    assert float(abs(found - alone(3)[0, 0].numpy()).max()) > 0.01
    assert (made(frame(3), CAMERA) == alone(3)[0, 0].numpy()).all()


def test_a_warm_up_in_between_leaves_nothing_behind():
    made = refiner()
    next_ns = video(made)
    made.warm_up(WIDTH, HEIGHT)
    assert torch.equal(made.refine(image(3), CAMERA, stamp_ns=next_ns).depth_m_B1HW, alone(3))


class Watched(SensorPrior):
    """A sensor that notes whether it was asked for the next image of a video."""

    def __init__(self):
        self.asked = []

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        self.asked.append('first')
        return self.predict_next(rgb_B3HW, intrinsics, sensor_m_B1HW)

    def predict_next(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        self.asked.append('next')
        return PriorDepth(depth_B1HW=torch.ones_like(rgb_B3HW[:, :1]), kind='metric')

    def for_another_video(self):
        return Watched()


def test_a_scale_prior_carries_over_too_and_a_warm_up_prepares_both():
    scale_prior = Watched()
    made = refiner(prior=SensorPrior(), scale_prior=scale_prior)
    made.warm_up(WIDTH, HEIGHT)
    assert scale_prior.asked == ['first', 'next', 'next']
    depth = torch.rand(1, 1, HEIGHT, WIDTH) + 1.0
    for stamp_ns in (0, STEP_NS):
        made.refine(image(0), CAMERA, sensor_depth_m_B1HW=depth, stamp_ns=stamp_ns)
    assert scale_prior.asked[3:] == ['first', 'next', 'next']


def test_frames_of_a_video_are_not_one_cuda_graph():
    whole = Execution(device=torch.device('cuda'), precision='fp16', backend='compiled')
    assert whole.whole_frames
    lines = []
    assert refiner(whole, log=lines.append)._graphs is None
    (line,) = lines
    assert line.startswith('the frame cannot be one CUDA graph: its prior remembers others; its')
    assert refiner(whole, prior=SensorPrior())._graphs is not None


def frames(of_video, count=3):
    return [
        Frame(
            stamp_ns=index * STEP_NS,
            rgb_HW3=frame(index),
            intrinsics=CAMERA,
            name=str(index),
            of_video=of_video,
        )
        for index in range(count)
    ]


def test_photographs_have_stamps_and_are_no_video():
    made = refiner()
    for index, one in enumerate(frames(of_video=False)):
        found = infer(made, SETTINGS, one).prior_m_HW
        assert (found == alone(index)[0, 0].numpy()).all()
    for index, one in enumerate(frames(of_video=True)):
        found = infer(made, SETTINGS, one).prior_m_HW
        assert (found == alone(index)[0, 0].numpy()).all() == (index == 0)


def test_a_benchmark_times_images_of_a_video_without_cuts():
    prior = Watched()
    time_stages(refiner(prior=prior), SETTINGS, frames(of_video=True), 4)
    assert prior.asked == ['first', *['next'] * 6]
