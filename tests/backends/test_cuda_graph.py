# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.backends.cuda_graph import check_capturable
from depth_refiner_ros.core.alignment import fit_robust
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.edges import flying_pixels
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.gating import select_agreeing
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.diffusion.estimator import SharpEstimator
import pytest
import torch

from tests.tiny_networks import lotus, small

RGB = torch.randint(0, 256, (1, 3, 16, 16), dtype=torch.uint8)
CAMERA = Intrinsics.from_fov(16, 16, 60.0)
DEPTH = torch.rand(1, 1, 16, 16) + 1.0


def estimate(network):
    estimator = SharpEstimator(network)
    return lambda rgb: (
        estimator.estimate(rgb.float() / 255.0, DEPTH, DEPTH > 0.0, torch.Generator()).depth_B1HW,
    )


def align(rgb):
    agree, _ = select_agreeing(rgb[:, :1].float() / 255.0, 0.5)
    return (fit_robust(DEPTH + rgb[:, :1], DEPTH, agree, stride=1).apply(DEPTH),)


def cloud(rgb):
    builder = CloudBuilder(CAMERA)
    return (builder.build((DEPTH + rgb[:, :1])[0, 0], rgb[0].permute(1, 2, 0)),)


@pytest.mark.parametrize(
    'frame',
    [
        pytest.param(estimate(small()), id='apdepth'),
        pytest.param(estimate(lotus()), id='sharpdepth'),
        align,
        cloud,
        lambda rgb: (flying_pixels(DEPTH + rgb[:, :1].float()),),
    ],
)
def test_the_parts_of_a_frame_ask_the_host_for_nothing(frame):
    check_capturable(frame, RGB)


@pytest.mark.parametrize(
    'frame',
    [
        lambda rgb: (rgb * int(rgb.sum()),),
        lambda rgb: (rgb[rgb > 3],),
        lambda rgb: (rgb if bool((rgb > 3).all()) else rgb + 1,),
        lambda rgb: (rgb.nonzero(),),
    ],
)
def test_what_asks_for_a_value_or_a_count_is_refused(frame):
    with pytest.raises(BackendError, match='the value of a tensor on the host'):
        check_capturable(frame, RGB)


def test_other_errors_of_a_frame_stay_what_they_are():
    with pytest.raises(ZeroDivisionError):
        check_capturable(lambda rgb: (1 // 0,), RGB)
