# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""UniK3D at tiny size with weights from a hash, at true size without weights."""

from dataclasses import replace
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.unik3d import UniK3DPrior
from depth_refiner_ros.priors.unik3d_camera import harmonics, pinhole_rays
from depth_refiner_ros.priors.unik3d_names import renamed
from depth_refiner_ros.priors.unik3d_network import ARCHITECTURES, UniK3DNetwork
import numpy as np
import pytest
import torch
from torch import nn

from tests.priors.official_unik3d import CAMERAS, fisheye, image, official_shapes, TINY, weights

CAMERA = CAMERAS['pinhole']
EXPECTED = {
    'fisheye': [6.977377, 7.0232, 6.976987],
    'pinhole': [6.262315, 6.751917, 6.923911],
    '': [2.123952, 6.967971, 6.985751],
}
"""By the authors' code with the same weights and image, see test_official_unik3d."""


def numbers(depth_B1HW):
    """Return mean, a place off the middle and the middle of a map."""
    return [float(value) for value in (depth_B1HW.mean(), *depth_B1HW[0, 0, 35, [30, 49]])]


def tiny(**options):
    network = UniK3DNetwork(TINY)
    network.load_state_dict(renamed(weights(TINY)))
    return UniK3DPrior(network.eval().requires_grad_(False), **options)


@pytest.mark.parametrize(
    ('size', 'millions'), [('vits', 35.40), ('vitb', 117.17), ('vitl', 358.71)]
)
def test_every_weight_of_the_published_models_finds_its_place(size, millions):
    one = ARCHITECTURES[size]
    with torch.device('meta'):
        network = UniK3DNetwork(one)
        theirs = {key: torch.empty(shape) for key, shape in official_shapes(one).items()}
    network.load_state_dict(renamed(theirs))  # strict: names and shapes
    count = sum(value.numel() for value in network.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.01)


def test_depth_is_that_of_the_authors_code_with_a_camera_and_without():
    known = tiny().predict(image(), CAMERA)
    assert known.kind == 'metric'
    assert numbers(known.depth_B1HW) == pytest.approx(EXPECTED['pinhole'], rel=1e-4)
    seen = tiny().predict(image(), CAMERAS['fisheye'])
    assert numbers(seen.depth_B1HW) == pytest.approx(EXPECTED['fisheye'], rel=1e-4)
    unknown = tiny().predict(image(), None).depth_B1HW
    assert 0.0 < float(unknown.isnan().float().mean()) < 0.5, 'behind the camera'
    assert numbers(unknown)[1:] == pytest.approx(EXPECTED[''][1:], rel=1e-4)
    asked = tiny(focal_rule='none').predict(image(), CAMERA).depth_B1HW
    assert torch.equal(asked.nan_to_num(0.0), unknown.nan_to_num(0.0))


def test_each_image_of_a_batch_has_its_own_depth():
    both = torch.cat((image(), image().flip(-1)))
    for camera in (CAMERA, None):
        found = tiny().predict(both, camera).depth_B1HW
        wanted = tiny().predict(both[1:], camera).depth_B1HW
        torch.testing.assert_close(found[1:], wanted, rtol=1e-3, atol=1e-3, equal_nan=True)


class Flat(nn.Module):
    """Return a distance of 3 m along given rays, which are kept."""

    def forward(self, pixels_B3hw, rays_B3hw):
        self.rays = rays_B3hw
        return torch.cat((torch.full_like(rays_B3hw[:, 2:], 3.0), 3.0 * rays_B3hw[:, 2:]), 1)


@pytest.mark.parametrize('size', [(480, 640), (1200, 1600), (200, 1000), (900, 300)])
def test_rays_are_those_of_the_camera_in_every_pixel(size):
    rows, columns = size
    camera = Intrinsics(
        fx=0.8 * columns,
        fy=0.7 * columns,
        cx=0.4 * columns,
        cy=0.6 * rows,
        width=columns,
        height=rows,
    )
    found = UniK3DPrior(Flat()).predict(torch.zeros(1, 3, rows, columns), camera).depth_B1HW
    x = (torch.arange(columns) - camera.cx) / camera.fx
    y = (torch.arange(rows) - camera.cy) / camera.fy
    wanted = 3.0 / (1.0 + x**2 + y[:, None] ** 2).sqrt()
    # Rays do not follow the rounding to whole patches, at most 13 pixels of some hundred.
    assert found.shape == (1, 1, rows, columns)
    assert float((found[0, 0] / wanted - 1.0).abs().max()) < 0.06
    assert float((found[0, 0] / wanted - 1.0).abs().mean()) < 0.02


def test_rays_are_exact_where_no_side_is_rounded():
    camera = Intrinsics(fx=400.0, fy=410.0, cx=250.0, cy=240.0, width=560, height=490)
    rays = pinhole_rays(camera, (490, 560), 1.0, 0, 0, torch.zeros(1))
    wanted = torch.tensor([(7.0 - 250.0) / 400.0, (3.0 - 240.0) / 410.0, 1.0])
    torch.testing.assert_close(rays[0, :, 3, 7], wanted / wanted.norm())
    shifted = pinhole_rays(camera, (490, 560), 0.5, 4, 6, torch.zeros(1))
    wanted = torch.tensor(
        [(7.5 / 0.5 - 6.5 - 250.0) / 400.0, (3.5 / 0.5 - 4.5 - 240.0) / 410.0, 1]
    )
    torch.testing.assert_close(shifted[0, :, 3, 7], wanted / wanted.norm())


@pytest.mark.parametrize('size', [(48, 64), (20, 100)])
def test_a_lens_gives_distance_and_the_network_its_rays(size):
    matrix = Intrinsics(fx=20.0, fy=21.0, cx=30.0, cy=11.0, width=size[1], height=size[0])
    lens, network = fisheye(matrix, -0.2, 0.0, 0.0, 0.0), Flat()
    found = UniK3DPrior(network).predict(torch.zeros(1, 3, *size), lens).depth_B1HW[0, 0]
    seen = torch.from_numpy(np.isfinite(lens.rays()[0]))
    assert 0.2 < float(seen.float().mean()) < 0.9
    torch.testing.assert_close(found, torch.where(seen, 3.0, torch.nan), equal_nan=True)
    assert bool(network.rays.isfinite().all()), 'unknown rays would spread to all depth'
    rule = preprocess.unik3d()
    borders = rule.before(size)
    scale = preprocess.unik3d_scale(borders.around(size))
    row, column = 200, 250
    place = (column + 0.5) / scale - 0.5 - borders.left, (row + 0.5) / scale - 0.5 - borders.top
    torch.testing.assert_close(
        lens.project(network.rays[0, :, row, column].double()[None].numpy())[0],
        np.array(place),
        rtol=0.0,
        atol=1e-4,
    )


def test_harmonics_are_orthonormal_on_the_sphere():
    generator = torch.Generator().manual_seed(0)
    rays = torch.nn.functional.normalize(torch.randn(200_000, 3, generator=generator), dim=1)
    values = harmonics(rays)
    gram = 4.0 * math.pi * values.T @ values / len(values)
    torch.testing.assert_close(gram, torch.eye(15), rtol=0.0, atol=0.03)


def test_a_longer_lens_changes_the_rays_that_the_network_sees():
    longer = replace(CAMERA, fx=2.0 * CAMERA.fx, fy=2.0 * CAMERA.fy)
    near, far = (tiny().predict(image(), camera).depth_B1HW for camera in (CAMERA, longer))
    assert float((near - far).abs().mean()) > 0.01


def test_the_size_at_the_network_is_within_bounds():
    rule = preprocess.unik3d()
    for image_size, wanted in (
        ((480, 640), (490, 644)),
        ((1080, 1920), (588, 1036)),
        ((70, 98), (378, 532)),
    ):
        assert rule.before(image_size) == preprocess.Borders()
        assert rule.size(image_size) == wanted
    borders = rule.before((300, 900))
    assert (borders.top, borders.bottom, borders.left, borders.right) == (30, 30, 0, 0)
    borders = rule.before((900, 301))
    assert (borders.top, borders.bottom, borders.left, borders.right) == (0, 0, 74, 75)


def test_it_has_one_size():
    with pytest.raises(Exception, match='prior_short_side = 70, but prior unik3d has a fixed'):
        build_prior('unik3d', 'nowhere', short_side=70)
