# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of several cameras in one call: each gets what it would get alone."""

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.diffusion.bundles import write_refiner_bundle
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.priors.base import WithoutNetwork
from depth_refiner_ros.priors.bundled import write_prior_bundle
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.refiner.shots import Shot
from depth_refiner_ros.settings.networks import ModelSettings
import pytest
import torch

from tests.priors.test_video_depth_anything import tiny
from tests.tiny_networks import lotus, metric_network, small

WIDTH, HEIGHT = 56, 42
WIDE, LONG = (Intrinsics.from_fov(WIDTH, HEIGHT, fov_deg) for fov_deg in (90.0, 40.0))
STEP_NS = 100_000_000


def image(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 3, HEIGHT, WIDTH), generator=generator, dtype=torch.uint8)


def measured(seed):
    generator = torch.Generator().manual_seed(seed)
    return 1.0 + 2.0 * torch.rand(1, 1, HEIGHT, WIDTH, generator=generator)


def settings(**changes):
    return ModelSettings(
        **{'device': 'cpu', 'precision': 'fp32', 'backend': 'torch', 'threads': 1, **changes}
    )


def of_sensor(network):
    return DepthRefiner(
        SensorPrior(), SharpEstimator(network), choose('cpu', 'fp32'), settings(prior='sensor')
    )


def of_bundles(folder):
    write_prior_bundle(folder / 'prior', metric_network(), {'name': 'tiny-prior'})
    write_refiner_bundle(
        folder / 'refiner', small(), name='tiny', licence='Apache-2.0', source='random weights'
    )
    return DepthRefiner.from_settings(
        settings(prior_weights=str(folder / 'prior'), refiner_weights=str(folder / 'refiner'))
    )


def of_video():
    chosen = settings(prior='video_depth_anything', refiner='none')
    return DepthRefiner(tiny(), None, choose('cpu', 'fp32'), chosen)


class Brightness(WithoutNetwork):
    """A metric prior to which bright is far."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=1.0 + rgb_B3HW.mean(1, keepdim=True), kind='metric')


def of_held_scale():
    chosen = settings(scale_prior='sensor', refiner='none')
    return DepthRefiner(Brightness(), None, choose('cpu', 'fp32'), chosen, SensorPrior())


def frames_of(cameras, number):
    """Return image, camera, measured depth and stamp of each camera."""
    return [
        {
            'rgb': image(10 * index + number),
            'intrinsics': camera,
            'depth': measured(10 * index + number),
            'stamp_ns': number * STEP_NS + index,
        }
        for index, camera in enumerate(cameras)
    ]


def alone(refiner, frame):
    return refiner.refine(
        frame['rgb'],
        frame['intrinsics'],
        sensor_depth_m_B1HW=frame['depth'],
        stamp_ns=frame['stamp_ns'],
    )


def shot(refiner, frame):
    return Shot(
        refiner=refiner,
        rgb_13HW=frame['rgb'],
        intrinsics=frame['intrinsics'],
        sensor_depth_m_11HW=frame['depth'],
        stamp_ns=frame['stamp_ns'],
    )


@pytest.mark.parametrize(
    'made',
    [
        lambda folder: of_sensor(small()),
        lambda folder: of_sensor(lotus()),
        of_bundles,
        lambda folder: of_video(),
        lambda folder: of_held_scale(),
    ],
    ids=['apdepth', 'with noise', 'by the camera', 'video', 'held scale'],
)
def test_each_camera_gets_what_it_gets_alone(made, tmp_path):
    base = made(tmp_path)
    cameras = [base.for_another_camera() for _ in range(2)]
    singles = [base.for_another_camera() for _ in range(2)]
    for number in range(4):
        frames = frames_of((WIDE, LONG), number)
        if number == 2 and base.carries_over:
            frames[0]['depth'] = torch.full_like(frames[0]['depth'], torch.nan)
        found = DepthRefiner.refine_together([shot(*pair) for pair in zip(cameras, frames)])
        wanted = [alone(*pair) for pair in zip(singles, frames)]
        for one, other in zip(found, wanted, strict=True):
            assert one.continued == other.continued == (number > 0)
            for mine, theirs in zip(one.tensors(), other.tensors(), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5, equal_nan=True)
    assert not torch.allclose(found[0].depth_m_B1HW, found[1].depth_m_B1HW, equal_nan=True)


def test_a_camera_that_cannot_be_refined_is_named_and_nothing_is_returned():
    base = of_sensor(small())
    frames = frames_of((WIDE, LONG), 0)
    frames[1]['depth'] = torch.full_like(frames[1]['depth'], torch.nan)
    cameras = [base.for_another_camera() for _ in range(2)]
    with pytest.raises(InputError, match='no valid pixel'):
        DepthRefiner.refine_together([shot(*pair) for pair in zip(cameras, frames)])
    assert alone(cameras[0], frames[0]).depth_m_B1HW.isfinite().all()


def test_only_images_of_one_form_go_together():
    base = of_sensor(small())
    frame, other = frames_of((WIDE, WIDE), 0)
    assert shot(base, frame).form == shot(base, other).form
    assert shot(base, frame).form != shot(base, other | {'depth': None}).form
    assert shot(base, frame).form != shot(base, other | {'rgb': image(0)[..., :40]}).form
    changed = base.for_another_camera()
    assert changed.update_settings(settings(prior='sensor', fill_holes=True))
    assert shot(base, frame).form != shot(changed, frame).form
    assert not base.update_settings(settings(prior='bundled'))


def test_on_a_cpu_cameras_are_refined_one_after_the_other():
    assert not of_sensor(small()).batches_pay
