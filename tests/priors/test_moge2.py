# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""MoGe-2 as a prior: known points become metres, by a known or an unknown camera."""

from dataclasses import replace
import math

from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.onnx_runtime import OnnxBackend
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import predict_whole
from depth_refiner_ros.priors.moge2 import MoGe2Prior
from depth_refiner_ros.priors.moge2_network import half_of, OUTPUTS, plane_of, points_of
from depth_refiner_ros.priors.registry import build_prior
import pytest
import torch
from torch import nn

from tests.priors import tiny_moge2

WIDTH, HEIGHT = 128, 96
CAMERA = Intrinsics.from_fov(WIDTH, HEIGHT, 70.0)
RGB = torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
PATCHES = 48
"""8 x 6, for which the network returns as many numbers as the image has pixels."""
SCALE, SHIFT = 2.5, 0.3


class Floor(nn.Module):
    """What MoGe-2 says of a ramp seen by a camera: without shift, and smaller by a scale."""

    def __init__(self, camera, below=1.0):
        super().__init__()
        self.camera, self.below = camera, below

    def depth_m(self, rows, columns):
        down = (torch.arange(rows) + 0.5) / rows - 0.5
        return (3.0 - 2.0 * down)[:, None].expand(rows, columns)

    def forward(self, pixels_B3hw, half_B2):
        rows, columns = (16 * side // 14 for side in pixels_B3hw.shape[-2:])
        plane = plane_of(rows, columns, half_B2)
        half_px = math.hypot(self.camera.width, self.camera.height) / 2.0
        focal = torch.tensor([self.camera.fx, self.camera.fy]).view(1, 2, 1, 1) / half_px
        true_z = (self.depth_m(rows, columns) / SCALE)[None, None]
        z = (true_z - SHIFT).expand(len(plane), -1, -1, -1)
        raw = torch.cat((plane / focal * true_z / z, z.log()), dim=1)
        valid = torch.where(plane[:, 1:] > -self.below, 1.0, -1.0)
        return raw, valid, torch.full((len(plane), 1), math.log(SCALE))


def prior_of(network, **options):
    return MoGe2Prior(network, preprocess.moge2(PATCHES), **options)


def expected():
    return Floor(CAMERA).depth_m(HEIGHT, WIDTH)[None, None]


def test_a_ramp_comes_out_in_metres_by_a_known_camera():
    depth = predict_whole(prior_of(Floor(CAMERA)), RGB, CAMERA)
    assert depth.kind == 'metric'
    torch.testing.assert_close(depth.depth_B1HW, expected(), rtol=1e-4, atol=0.0)


@pytest.mark.parametrize('options', [{'focal_rule': 'none'}, {}])
def test_an_unknown_camera_is_found(options):
    wrong = Intrinsics.from_fov(WIDTH, HEIGHT, 30.0) if options else None
    depth = prior_of(Floor(CAMERA), **options).predict(RGB, wrong).depth_B1HW
    torch.testing.assert_close(depth, expected(), rtol=1e-4, atol=0.0)


def test_the_known_camera_decides():
    longer = Intrinsics.from_fov(WIDTH, HEIGHT, 50.0)
    depth = prior_of(Floor(CAMERA)).predict(RGB, longer).depth_B1HW
    ratio = float((depth / expected()).median())
    assert 1.2 < ratio < 1.6, 'things seen by a longer lens are farther away'


def test_pixels_need_not_be_square():
    camera = Intrinsics(fx=100.0, fy=80.0, cx=63.5, cy=47.5, width=WIDTH, height=HEIGHT)
    depth = prior_of(Floor(camera)).predict(RGB, camera).depth_B1HW
    torch.testing.assert_close(depth, expected(), rtol=1e-4, atol=0.0)


def test_what_the_mask_leaves_out_is_unknown():
    depth = prior_of(Floor(CAMERA, below=0.3)).predict(RGB, CAMERA).depth_B1HW
    down = plane_of(HEIGHT, WIDTH, half_of(RGB))[:, 1:]
    assert torch.equal(torch.isnan(depth), down <= -0.3)
    torch.testing.assert_close(depth[down > -0.3], expected()[down > -0.3], rtol=1e-4, atol=0.0)
    nothing = prior_of(Floor(CAMERA, below=-1.0)).predict(RGB, CAMERA).depth_B1HW
    assert bool(torch.isnan(nothing).all())


@pytest.mark.parametrize('size', [(96, 128), (61, 150), (150, 61), (80, 80), (9, 200)])
def test_images_of_every_shape_come_back_at_their_size(size):
    camera = Intrinsics.from_fov(size[1], size[0], 70.0)
    rgb = torch.rand(2, 3, *size)
    depth = predict_whole(prior_of(Floor(camera)), rgb, camera).depth_B1HW
    wanted = Floor(camera).depth_m(*size)[None, None].expand(2, -1, -1, -1)
    # Resampling is linear, and their rays and logarithms are not.
    torch.testing.assert_close(depth, wanted, rtol=0.03, atol=0.0)


def test_points_of_each_output():
    raw = torch.tensor([0.5, -0.2, 0.7]).view(1, 3, 1, 1)
    z = math.exp(0.7)
    wanted = {
        'linear': [0.5, -0.2, 0.7],
        'sinh': [math.sinh(0.5), math.sinh(-0.2), math.sinh(0.7)],
        'exp': [0.5 * z, -0.2 * z, z],
        'sinh_exp': [math.sinh(0.5), math.sinh(-0.2), z],
    }
    assert set(wanted) == set(OUTPUTS)
    for output, values in wanted.items():
        assert points_of(raw, output).flatten().tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ('size', 'patches', 'wanted'),
    [((480, 640), 3600, (52, 69)), ((480, 640), 1200, (30, 40)), ((100, 1000), 3, (1, 5))],
)
def test_patches_are_shared_out_by_the_aspect_ratio(size, patches, wanted):
    rule = preprocess.moge2(patches)
    assert rule.size(size) == (wanted[0] * 14, wanted[1] * 14)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tiny_moge2.saved(tiny_moge2.tiny(), tmp_path_factory.mktemp('moge2'))


def test_the_network_follows_the_image_and_a_batch_shares_nothing(folder):
    prior = build_prior('moge2', str(folder))
    rgb = torch.cat((RGB, RGB.flip(-1)))[..., :37, :53]
    camera = Intrinsics.from_fov(53, 37, 60.0)
    with torch.inference_mode():
        both = prior.predict(rgb, camera).depth_B1HW
        alone = torch.cat([prior.predict(one[None], camera).depth_B1HW for one in rgb])
    assert both.shape == (2, 1, 37, 53)
    assert both.dtype == torch.float32
    known = torch.isfinite(both)
    assert 0.2 < float(known.float().mean()) < 1.0
    assert float(both[known].std()) > 1e-3 * float(both[known].mean())
    torch.testing.assert_close(both, alone, rtol=1e-4, atol=0.0, equal_nan=True)


def test_half_precision_stays_near_and_does_not_quantise_depth(folder):
    prior = build_prior('moge2', str(folder))
    with torch.inference_mode():
        exact = prior.predict(RGB, CAMERA).depth_B1HW
        with torch.autocast('cpu', torch.bfloat16):
            rough = prior.predict(RGB, CAMERA).depth_B1HW
    assert rough.dtype == torch.float32
    both = torch.isfinite(exact) & torch.isfinite(rough)
    assert float(both.float().mean()) > 0.9 * float(torch.isfinite(exact).float().mean())
    assert float((rough / exact - 1.0)[both].abs().mean()) < 0.05
    assert len(rough[both].unique()) > 0.5 * len(exact[both].unique())


def test_a_smaller_short_side_makes_the_network_see_less(folder):
    prior = build_prior('moge2', str(folder), short_side=28)
    seen = []
    prior.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    prior.predict(RGB, CAMERA)
    assert tuple(seen[0]) == (1, 3, 28, 42)


def test_it_runs_by_onnx(tmp_path):
    flat = replace(
        tiny_moge2.TINY,
        layers=1,
        taps=(0,),
        channels=(8, 6, 4),
        neck_blocks=(0, 1, 0),
        head_blocks=(0, 1, 0),
    )
    folder = tiny_moge2.saved(tiny_moge2.tiny(flat), tmp_path / 'moge2')
    torch_prior, onnx_prior = (build_prior('moge2', str(folder)) for _ in range(2))
    backend = OnnxBackend(torch.device('cpu'), 'fp32', EngineCache(tmp_path / 'engines'))

    def prepare(network, key):
        def run(*inputs):
            return backend.prepare(network, key, inputs)(*inputs)

        return run

    onnx_prior.attach_backend(prepare, 'prior')
    with torch.no_grad():
        wanted = torch_prior.predict(RGB, CAMERA).depth_B1HW
        found = onnx_prior.predict(RGB, CAMERA).depth_B1HW
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=0.0, equal_nan=True)


def test_it_describes_itself_in_one_line(folder):
    (line,) = build_prior('moge2', str(folder)).describe()
    assert line.startswith('prior moge2 width 16: licence unknown')
    assert line.endswith(f'MB, {folder}')
