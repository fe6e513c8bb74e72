# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every preset from image to metres, with tiny random networks and a relative prior."""

from dataclasses import replace
import math

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.diffusion.estimator import Estimate, SharpEstimator
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
import pytest
import torch

from tests.diffusion.releases import official_folders as official
from tests.refiner.relative_depth import (
    bundle,
    camera,
    Disparity,
    Exact,
    Fixed,
    HEIGHT,
    image,
    refiner,
    scene,
    settings,
    WIDTH,
)
from tests.tiny_networks import tiny_of


class Seen(Disparity):
    """A relative prior that stores its input image; its map has the size of that image."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        self.rgb, self.intrinsics = rgb_B3HW, intrinsics
        return PriorDepth(depth_B1HW=rgb_B3HW.mean(1, keepdim=True) * 30.0, kind='disparity')


@pytest.mark.parametrize(
    ('preset', 'edge_px', 'size'),
    [
        ('released', 96, (80, 96)),
        ('released', 31, (25, 31)),
        ('official_compat', 96, (80, 96)),
        ('normalized', 96, (HEIGHT, WIDTH)),
    ],
)
def test_apdepths_code_shows_its_prior_what_the_refiner_works_on(preset, edge_px, size):
    network = tiny_of(apdepth_spec(preset))
    encoded = []
    network.codec.vae.encoder.register_forward_pre_hook(
        lambda module, args: encoded.append(args[0].clone())
    )
    seen = Seen()
    made = DepthRefiner(
        seen,
        SharpEstimator(network, max_edge_px=edge_px),
        choose('cpu', 'fp32'),
        settings(prior='depth_anything_v2'),
        Exact(),
    )
    result = made.refine(image(), camera())
    assert seen.rgb.shape[-2:] == size
    assert (seen.intrinsics.height, seen.intrinsics.width) == size
    assert result.depth_m_B1HW.shape == (1, 1, HEIGHT, WIDTH)
    if preset != 'normalized':
        # Disparity reaches the encoder as the network gave it: nothing resampled, nothing scaled.
        given = seen.rgb.mean(1, keepdim=True).expand(-1, 3, -1, -1) * 30.0
        torch.testing.assert_close(encoded[0][..., : size[0], : size[1]], given)


@pytest.mark.parametrize(
    'spec',
    [
        sharpdepth_spec('paper'),
        sharpdepth_spec('official_code'),
        apdepth_spec('paper'),
        apdepth_spec(),
        apdepth_spec('official_compat'),
        lotus_spec('g'),
        lotus_spec('d'),
        marigold_spec('v1-0'),
        marigold_spec('v1-1'),
    ],
)
def test_every_preset_runs_from_image_to_metres_and_repeats(spec):
    network = tiny_of(replace(spec, max_edge_px=0))
    made = DepthRefiner(
        Disparity(),
        SharpEstimator(network),
        choose('cpu', 'fp32'),
        settings(refiner=spec.method, seed=3),
        SensorPrior(),
    )
    holed = scene(2)
    holed[:, :, 5:9, 7:30] = math.nan
    first, second = (made.refine(image(2), camera(), sensor_depth_m_B1HW=holed) for _ in range(2))
    assert torch.equal(first.depth_m_B1HW, second.depth_m_B1HW)
    assert first.depth_m_B1HW.shape == (2, 1, HEIGHT, WIDTH)
    assert bool(torch.isfinite(first.depth_m_B1HW).all())
    assert bool(((first.confidence_B1HW >= 0.0) & (first.confidence_B1HW <= 1.0)).all())


@pytest.mark.parametrize(
    'spec',
    [sharpdepth_spec('paper'), apdepth_spec(), apdepth_spec('official_compat'), lotus_spec('g')],
)
def test_constant_priors_give_no_nan(spec):
    class Wall(Disparity):
        def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
            return PriorDepth(depth_B1HW=torch.full((1, 1, HEIGHT, WIDTH), 0.5), kind='disparity')

    made = refiner(SharpEstimator(tiny_of(replace(spec, max_edge_px=0))), Wall(), Exact())
    result = made.refine(image(), camera())
    for name in ('depth_m', 'prior_m', 'difference', 'confidence'):
        assert bool(torch.isfinite(getattr(result, f'{name}_B1HW')).all()), name


class Behind(Fixed):
    def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
        depth = prior_B1HW.clone()
        depth[..., :2, :3] = -5.0
        return Estimate(depth_B1HW=depth, difference_B1HW=(depth < 0.0).float())


@pytest.mark.parametrize(
    ('preset', 'lowest', 'clamped'), [('paper', 0.01, 6), ('official_code', -5.0, 0)]
)
def test_only_the_papers_preset_keeps_depth_in_front_of_the_camera(preset, lowest, clamped):
    result = refiner(Behind(sharpdepth_spec(preset)), Exact()).refine(image(), camera())
    assert float(result.depth_m_B1HW.min()) == pytest.approx(lowest, abs=1e-4)
    assert result.clamped == clamped


def test_settings_load_two_priors_and_an_aligned_refiner(tmp_path):
    where = bundle(tmp_path / 'lotus', tiny_of(replace(lotus_spec('d'), max_edge_px=0)))
    made = DepthRefiner.from_settings(
        settings(scale_prior='sensor', refiner='aligned', refiner_weights=where, max_edge_px=24)
    )
    result = made.refine(image(), camera(), sensor_depth_m_B1HW=scene())
    assert result.depth_m_B1HW.shape == (1, 1, HEIGHT, WIDTH)
    with pytest.raises(WeightsError, match='is trained for aligned; use refiner:=aligned'):
        DepthRefiner.from_settings(settings(refiner='apdepth', refiner_weights=where))


def test_the_working_size_is_the_options(tmp_path):
    where = bundle(tmp_path / 'lotus', tiny_of(lotus_spec('d')))
    for option, edge in ((24, 24), (0, 768), (-1, WIDTH)):
        made = DepthRefiner.from_settings(
            settings(refiner='aligned', refiner_weights=where, max_edge_px=option)
        )
        assert made._estimator._view.size((HEIGHT, WIDTH)) == (edge * HEIGHT // WIDTH, edge)


def test_a_preset_is_asked_for_by_name(tmp_path):
    folder = str(official.sharpdepth(tmp_path))

    def spec(preset):
        chosen = settings(refiner='sharpdepth', refiner_weights=folder, refiner_preset=preset)
        return DepthRefiner.from_settings(chosen)._estimator.spec

    assert spec('auto').preset == 'released'
    tables = spec('paper_tables')
    assert (tables.preset, tables.max_edge_px, tables.prior_view) == (
        'paper_tables',
        1024,
        'padded',
    )
    with pytest.raises(WeightsError, match='sharpdepth has released, official_code, paper'):
        spec('official_compat')
    where = bundle(tmp_path / 'lotus', tiny_of(lotus_spec('d')))
    with pytest.raises(WeightsError, match=r'refiner_preset = paper, but .* is a bundle'):
        DepthRefiner.from_settings(
            settings(refiner='aligned', refiner_weights=where, refiner_preset='paper')
        )
