# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth Anything 3 at tiny size with weights from a hash, at true size without weights."""

from dataclasses import replace
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.priors import depth_anything_3_network
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.priors.depth_anything_3 import DepthAnything3Prior, SIZE_OF, with_sky
from depth_refiner_ros.priors.depth_anything_3_names import renamed
from depth_refiner_ros.priors.depth_anything_3_network import (
    ARCHITECTURES,
    DepthAnything3Network,
    METRIC,
)
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.rotary import turn_of, turned
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.sizes import SIZES
from depth_refiner_ros.priors.stepped_rule import depth_anything_3
import pytest
import torch
from torch import nn

from tests.priors import golden_depth_anything_3 as golden
from tests.priors.official_depth_anything_3 import (
    official_shapes,
    patterned,
    published,
    TINY_ANY_VIEW,
    TINY_SINGLE,
)

RGB = torch.rand(2, 3, 37, 53, generator=torch.Generator().manual_seed(0))
CAMERA = Intrinsics.from_fov(53, 37, 60.0)
LONGER = replace(CAMERA, fx=2.0 * CAMERA.fx, fy=2.0 * CAMERA.fy)
EXPECTED = {
    'any-view': [3.291881, 1.224002, 6.332717, 10.4991, 2.148996, 42.94051],
    'single': [0.7968123, 1.275613, 1.321637, 0.0686703, 0.0, 0.0],
}
"""Of the authors' code with the same weights and input, see test_official_depth_anything_3."""


def tiny(one):
    network = DepthAnything3Network(one)
    network.load_state_dict(renamed(patterned(official_shapes(one))))
    return network.eval().requires_grad_(False)


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Folders as on the hub, of two tiny networks in place of the published ones."""
    shapes = {METRIC: TINY_SINGLE, 'da3-small': TINY_ANY_VIEW, 'da3mono-large': TINY_SINGLE}
    for name, one in shapes.items():
        monkeypatch.setitem(depth_anything_3_network.ARCHITECTURES, name, one)
    return {name: published(tmp_path / name, name, one) for name, one in shapes.items()}


@pytest.mark.parametrize(
    ('name', 'millions'),
    [('da3-small', 24.99), ('da3-base', 98.29), (METRIC, 334.17), ('da3mono-large', 334.17)],
)
def test_every_weight_of_the_published_models_finds_its_place(name, millions):
    one = ARCHITECTURES[name]
    with torch.device('meta'):
        network = DepthAnything3Network(one)
        theirs = {key: torch.empty(shape) for key, shape in official_shapes(one).items()}
    network.load_state_dict(renamed(theirs))  # strict: names and shapes
    count = sum(value.numel() for value in network.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.01)
    assert SIZE_OF[name] in {**SIZES['depth_anything_3'], **SIZES['depth_anything_3_metric']}


@pytest.mark.parametrize('one', [TINY_ANY_VIEW, TINY_SINGLE], ids=['any-view', 'single'])
def test_the_network_gives_the_numbers_of_the_authors_code(one):
    network = tiny(one)
    found = golden.numbers(*network(golden.pixels()))
    kind = 'single' if network.finds_sky else 'any-view'
    assert found == pytest.approx(EXPECTED[kind], rel=1e-4)


def test_rotated_tokens_know_how_far_apart_they_are_and_no_more():
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 16, generator=generator)

    def product(first, second):
        turn = turn_of(torch.tensor([first, second], dtype=torch.float32), 4)
        both = [turned(one.expand(1, 1, 2, 16), turn) for one in (query, key)]
        return float((both[0][0, 0, 0] * both[1][0, 0, 1]).sum())

    assert product((3, 5), (4, 1)) == pytest.approx(product((10, 9), (11, 5)), rel=1e-4)
    assert product((7, 7), (7, 7)) == pytest.approx(float((query * key).sum()), rel=1e-4)
    assert abs(product((3, 5), (4, 1)) - product((3, 5), (1, 4))) > 0.01
    assert abs(product((3, 5), (4, 5)) - product((3, 5), (3, 6))) > 0.01


@pytest.mark.parametrize('name', [METRIC, 'da3-small', 'da3mono-large'])
def test_depth_has_the_images_size_and_each_image_its_own(folders, name):
    key = 'depth_anything_3_metric' if name == METRIC else 'depth_anything_3'
    prior = build_prior(key, str(folders[name]), short_side=70)
    both, second = prior.predict(RGB, CAMERA), prior.predict(RGB[1:], CAMERA)
    assert both.depth_B1HW.shape == (2, 1, 37, 53)
    assert both.depth_B1HW.dtype == torch.float32
    assert bool((torch.isfinite(both.depth_B1HW) & (both.depth_B1HW > 0.0)).all())
    assert float(both.depth_B1HW.std()) > 1e-3, 'the map must follow the image'
    torch.testing.assert_close(both.depth_B1HW[1:], second.depth_B1HW, rtol=1e-4, atol=1e-5)
    assert both.kind == ('metric' if name == METRIC else 'relative')
    (line,) = prior.describe()
    assert line.startswith(f'prior {key} {SIZE_OF[name]}: Apache-2.0, ')
    assert line.endswith(f' MB, {folders[name]}')
    with torch.autocast('cpu', torch.bfloat16):
        rough = prior.predict(RGB, CAMERA).depth_B1HW
    assert rough.dtype == torch.float32
    assert float((rough - both.depth_B1HW).abs().mean()) < 0.1 * float(both.depth_B1HW.std())
    assert len(rough.unique()) > 0.5 * len(both.depth_B1HW.unique()), 'depth must not be in steps'


class Flat(nn.Module):
    """Return 1 everywhere and no sky."""

    finds_sky = True

    def forward(self, pixels_B3hw):
        return torch.ones_like(pixels_B3hw[:, :1]), torch.zeros_like(pixels_B3hw[:, :1])


@pytest.mark.parametrize(
    ('width', 'height', 'fx', 'fy', 'focal_at_network'),
    [
        (640, 480, 500.0, 500.0, 500.0 * 504 / 640),
        (1280, 960, 1000.0, 1000.0, 500.0 * 504 / 640),
        (1920, 1080, 1000.0, 1000.0, 500.0 * (504 / 1920 + 280 / 1080)),
        (504, 378, 300.0, 300.0, 300.0),
        (480, 640, 400.0, 420.0, 0.5 * (400.0 * 378 / 480 + 420.0 * 504 / 640)),
    ],
)
def test_metres_are_the_focal_length_at_the_network_over_300(
    width, height, fx, fy, focal_at_network
):
    camera = Intrinsics(fx=fx, fy=fy, cx=1.0, cy=1.0, width=width, height=height)
    depth = DepthAnything3Prior(Flat(), metric=True).predict(
        torch.zeros(1, 3, height, width), camera
    )
    expected = torch.full((1, 1, height, width), focal_at_network / 300.0)
    torch.testing.assert_close(depth.depth_B1HW, expected)
    assert not bool(depth.filled_B1HW.any())


def test_a_longer_lens_sees_the_same_image_from_farther_away(folders):
    prior = build_prior('depth_anything_3_metric', str(folders[METRIC]), short_side=70)
    near, far = (prior.predict(RGB, camera).depth_B1HW for camera in (CAMERA, LONGER))
    torch.testing.assert_close(far, 2.0 * near)
    with pytest.raises(InputError, match=r"needs the camera's intrinsics; publish camera_info"):
        prior.predict(RGB, None)
    with pytest.raises(SettingsError, match='has no scale without the focal length; use auto'):
        build_prior('depth_anything_3_metric', str(folders[METRIC]), focal_rule='none')
    relative = build_prior('depth_anything_3', str(folders['da3-small']), short_side=70)
    unknown, known = (relative.predict(RGB, camera).depth_B1HW for camera in (None, LONGER))
    assert torch.equal(unknown, known)


def test_the_sky_is_as_far_as_99_of_100_other_pixels():
    depth = torch.arange(1.0, 401.0).reshape(1, 1, 20, 20).repeat(2, 1, 1, 1)
    sky = torch.zeros_like(depth)
    sky[0, :, :10] = 0.3
    found, where = with_sky(depth, sky)
    assert bool(where[0, :, :10].all())
    assert int(where.sum()) == 200
    torch.testing.assert_close(found[0, 0, :10], torch.full((10, 20), 201.0 + 0.99 * 199.0))
    assert torch.equal(found[0, :, 10:], depth[0, :, 10:])
    assert torch.equal(found[1], depth[1])


def test_a_few_pixels_of_sky_or_of_ground_do_not_set_its_depth():
    depth = torch.arange(1.0, 401.0).reshape(1, 1, 20, 20)
    for sky_pixels in (10, 390, 400):
        sky = torch.zeros(400)
        sky[:sky_pixels] = 1.0
        found, where = with_sky(depth, sky.reshape(1, 1, 20, 20))
        assert torch.equal(found, depth)
        assert int(where.sum()) == sky_pixels


class Outdoors(nn.Module):
    """Return 2 everywhere and sky in the upper half."""

    finds_sky = True

    def forward(self, pixels_B3hw):
        depth = 2.0 * torch.ones_like(pixels_B3hw[:, :1])
        sky = torch.zeros_like(depth)
        sky[..., : depth.shape[-2] // 2, :] = 1.0
        return depth, sky


def test_the_sky_is_unknown_in_metres():
    camera = Intrinsics(fx=300.0, fy=300.0, cx=251.5, cy=188.5, width=504, height=378)
    found = AnchoredPrior(DepthAnything3Prior(Outdoors(), metric=True)).predict(
        torch.zeros(1, 3, 378, 504), camera
    )
    torch.testing.assert_close(found.depth_m_B1HW, torch.full((1, 1, 378, 504), 2.0))
    assert bool(found.unknown_B1HW[..., :188, :].all())
    assert not bool(found.unknown_B1HW[..., 190:, :].any())


def test_relative_depth_takes_its_metres_from_a_sensor(folders):
    prior = build_prior('depth_anything_3', str(folders['da3-small']), short_side=70)
    relative = prior.predict(RGB, None)
    truth = 0.5 + 3.0 * relative.depth_B1HW
    sparse = torch.full_like(truth, math.nan)
    sparse[..., ::3, ::3] = truth[..., ::3, ::3]
    found = AnchoredPrior(prior, SensorPrior()).predict(RGB, CAMERA, sparse)
    torch.testing.assert_close(found.depth_m_B1HW, truth, rtol=1e-3, atol=1e-3)
    with pytest.raises(InputError, match='gives relative depth, which has no metric scale'):
        AnchoredPrior(prior).predict(RGB, CAMERA)


def test_a_smaller_short_side_makes_the_network_see_less():
    seen = []

    class Watched(Flat):
        def forward(self, pixels_B3hw):
            seen.append(tuple(pixels_B3hw.shape[-2:]))
            return super().forward(pixels_B3hw)

    for short_side in (0, 280):
        rule = depth_anything_3(short_side)
        DepthAnything3Prior(Watched(), metric=False, rule=rule).predict(
            torch.zeros(1, 3, 480, 640), None
        )
    assert seen == [(378, 504), (280, 378)]
