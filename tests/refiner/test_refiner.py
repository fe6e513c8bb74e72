# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import math

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.confidence import UNALIGNED
from depth_refiner_ros.core.errors import InputError, WeightsError
from depth_refiner_ros.core.types import FitStatus, PriorDepth
from depth_refiner_ros.diffusion.bundles import write_refiner_bundle
from depth_refiner_ros.diffusion.estimator import Estimate, SharpEstimator
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.priors.bundled import write_prior_bundle
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import pytest
import torch

from tests.tiny_networks import lotus, metric_network, small


def camera(width=53, height=37):
    return Intrinsics.from_fov(width, height, 60.0)


def image(width=53, height=37, batch=1):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch, 3, height, width), generator=generator, dtype=torch.uint8)


def sensor(width=53, height=37, batch=1):
    ramp = torch.linspace(1.0, 4.0, width).expand(batch, 1, height, width).clone()
    ramp[..., height // 2 :, width // 2 :] *= 0.6
    return ramp


def settings(**changes):
    return ModelSettings(**{'prior': 'sensor', 'device': 'cpu', 'precision': 'fp32', **changes})


def refiner(network=None, **changes):
    chosen = settings(**changes)
    return DepthRefiner(
        SensorPrior(), SharpEstimator(network or small()), choose('cpu', chosen.precision), chosen
    )


@pytest.fixture(scope='module')
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp('bundles')
    prior = write_prior_bundle(folder / 'prior', metric_network(), {'name': 'tiny-prior'})
    edges = write_refiner_bundle(
        folder / 'refiner',
        small(),
        name='tiny-refiner',
        licence='Apache-2.0',
        source='random weights',
    )
    return {'prior_weights': str(prior.path), 'refiner_weights': str(edges.path)}


@pytest.mark.parametrize('make', [small, lotus])
@pytest.mark.parametrize(('width', 'height', 'batch'), [(53, 37, 2), (64, 48, 1), (33, 200, 1)])
def test_every_map_has_the_images_size(make, width, height, batch):
    result = refiner(make()).refine(
        image(width, height, batch),
        camera(width, height),
        sensor_depth_m_B1HW=sensor(width, height, batch),
    )
    for name in ('depth_m', 'prior_m', 'difference', 'confidence'):
        maps = getattr(result, f'{name}_B1HW')
        assert maps.shape == (batch, 1, height, width), name
        assert maps.dtype == torch.float32
        assert bool(torch.isfinite(maps).all()), name
    assert bool((result.depth_m_B1HW > 0.0).all())
    for share in (result.difference_B1HW, result.confidence_B1HW):
        assert 0.0 <= float(share.min()) <= float(share.max()) <= 1.0
    assert result.scale_shift.status_B.shape == (batch,)
    assert set(result.timings_ms) == {'prior', 'refiner', 'align'}
    assert all(value > 0.0 for value in result.timings_ms.values())


def test_a_refiner_that_adds_nothing_gives_the_prior():
    result = refiner(small(residual_gain=0.0)).refine(
        image(), camera(), sensor_depth_m_B1HW=sensor()
    )
    torch.testing.assert_close(result.depth_m_B1HW, sensor(), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(result.confidence_B1HW, torch.ones(1, 1, 37, 53), rtol=0, atol=1e-3)
    assert result.clamped == 0


class Doubtful(SensorPrior):
    """Measured depth, trusted by a third on the left."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        given = super().predict(rgb_B3HW, intrinsics, sensor_m_B1HW)
        trusted = torch.ones_like(given.depth_B1HW)
        trusted[..., :20] = 1.0 / 3.0
        return replace(given, confidence_B1HW=trusted)


@pytest.mark.parametrize('network', [None, small(residual_gain=0.0)], ids=['none', 'small'])
def test_depth_is_trusted_no_more_than_its_prior_trusts_itself(network):
    estimator = None if network is None else SharpEstimator(network)
    doubtful = DepthRefiner(Doubtful(), estimator, choose('cpu', 'fp32'), settings())
    result = doubtful.refine(image(), camera(), sensor_depth_m_B1HW=sensor())
    expected = torch.ones(1, 1, 37, 53)
    expected[..., :20] = 1.0 / 3.0
    torch.testing.assert_close(result.confidence_B1HW, expected, rtol=0, atol=1e-3)


class Affine:
    """An estimator whose depth is off by scale and shift."""

    description = 'affine'
    spec = ModelSpec()

    def estimate(self, rgb_B3HW, prior_m_B1HW, known_B1HW, generator, *, shrink=1.0):
        wrong = torch.zeros_like(prior_m_B1HW)
        wrong[..., :4, :] = 1.0
        depth = torch.where(wrong > 0.0, 50.0, (prior_m_B1HW - 0.3) / 1.7)
        return Estimate(depth_B1HW=depth, difference_B1HW=wrong)


@pytest.mark.parametrize('align', ['lstsq', 'robust'])
def test_scale_and_shift_come_back_from_agreeing_pixels(align):
    aligned = DepthRefiner(SensorPrior(), Affine(), choose('cpu', 'fp32'), settings(align=align))
    result = aligned.refine(image(), camera(), sensor_depth_m_B1HW=sensor())
    assert float(result.scale_shift.scale_B) == pytest.approx(1.7, rel=1e-4)
    assert float(result.scale_shift.shift_B) == pytest.approx(0.3, rel=1e-3)
    torch.testing.assert_close(
        result.depth_m_B1HW[..., 4:, :], sensor()[..., 4:, :], rtol=1e-4, atol=1e-4
    )
    assert bool((result.confidence_B1HW[..., :4, :] == 0.0).all())


def test_align_none_leaves_the_estimate():
    raw = DepthRefiner(SensorPrior(), Affine(), choose('cpu', 'fp32'), settings(align='none'))
    result = raw.refine(image(), camera(), sensor_depth_m_B1HW=sensor())
    torch.testing.assert_close(result.depth_m_B1HW[..., 4:, :], (sensor()[..., 4:, :] - 0.3) / 1.7)
    assert int(result.scale_shift.status_B) == FitStatus.OK


class Constant(Affine):
    def estimate(self, rgb_B3HW, prior_m_B1HW, known_B1HW, generator, *, shrink=1.0):
        return Estimate(
            depth_B1HW=torch.full_like(prior_m_B1HW, 2.0),
            difference_B1HW=torch.zeros_like(prior_m_B1HW),
        )


def test_what_cannot_be_aligned_is_the_prior_at_low_confidence():
    broken = DepthRefiner(SensorPrior(), Constant(), choose('cpu', 'fp32'), settings())
    measured = sensor()
    measured[..., 10:12, 10:12] = math.nan
    result = broken.refine(image(), camera(), sensor_depth_m_B1HW=measured)
    assert int(result.scale_shift.status_B) == FitStatus.CONSTANT
    assert torch.equal(result.depth_m_B1HW.nan_to_num(-1.0), measured.nan_to_num(-1.0))
    assert float(result.confidence_B1HW.max()) == pytest.approx(UNALIGNED)
    assert bool((result.confidence_B1HW[..., 10:12, 10:12] == 0.0).all())


def test_an_image_without_any_depth_does_not_spoil_its_neighbour():
    measured = torch.cat([sensor(), torch.full((1, 1, 37, 53), math.nan)])
    result = refiner().refine(image(batch=2), camera(), sensor_depth_m_B1HW=measured)
    assert result.scale_shift.status_B.tolist() == [FitStatus.OK, FitStatus.TOO_FEW]
    assert bool(torch.isnan(result.depth_m_B1HW[1]).all())
    assert bool((result.confidence_B1HW[1] == 0.0).all())
    alone = refiner().refine(image(batch=2)[:1], camera(), sensor_depth_m_B1HW=sensor())
    torch.testing.assert_close(result.depth_m_B1HW[:1], alone.depth_m_B1HW, rtol=1e-4, atol=1e-4)


class Negative(Affine):
    def estimate(self, rgb_B3HW, prior_m_B1HW, known_B1HW, generator, *, shrink=1.0):
        depth = prior_m_B1HW.clone()
        depth[..., :2, :3] = -5.0
        return Estimate(depth_B1HW=depth, difference_B1HW=(depth < 0.0).float())


def test_depth_behind_the_camera_is_clamped_and_counted():
    odd = DepthRefiner(SensorPrior(), Negative(), choose('cpu', 'fp32'), settings())
    result = odd.refine(image(), camera(), sensor_depth_m_B1HW=sensor())
    assert result.clamped == 6
    assert float(result.depth_m_B1HW.min()) == pytest.approx(0.01)


def test_one_seed_gives_one_depth_frame_after_frame():
    network = lotus()
    seeded = refiner(network, refiner='sharpdepth', seed=4)
    first, second = (
        seeded.refine(image(), camera(), sensor_depth_m_B1HW=sensor()) for _ in range(2)
    )
    other = refiner(network, refiner='sharpdepth', seed=5).refine(
        image(), camera(), sensor_depth_m_B1HW=sensor()
    )
    assert torch.equal(first.depth_m_B1HW, second.depth_m_B1HW)
    assert not torch.equal(first.difference_B1HW, other.difference_B1HW)


def test_bytes_and_floats_are_the_same_image():
    whole = refiner().refine(image(), camera(), sensor_depth_m_B1HW=sensor())
    unit = refiner().refine(image().float() / 255.0, camera(), sensor_depth_m_B1HW=sensor())
    torch.testing.assert_close(whole.depth_m_B1HW, unit.depth_m_B1HW)


def test_sensor_depth_of_another_size_is_resized():
    result = refiner().refine(image(), camera(), sensor_depth_m_B1HW=sensor(27, 19))
    assert result.prior_m_B1HW.shape == result.depth_m_B1HW.shape == (1, 1, 37, 53)


def test_images_that_cannot_be_used_are_refused(subtests):
    cases = [
        (torch.zeros(3, 37, 53, dtype=torch.uint8), r'shape \(3, 37, 53\), not'),
        (torch.zeros(1, 1, 37, 53), r'shape \(1, 1, 37, 53\), not'),
        (torch.zeros(0, 3, 37, 53), 'not \\(batch, 3'),
        (torch.zeros(1, 3, 48, 64), 'image is 64x48, its intrinsics are for 53x37'),
        (torch.full((1, 3, 37, 53), 200.0), 'uint8 in 0..255 or float in 0..1'),
        (torch.full((1, 3, 37, 53), math.nan), 'uint8 in 0..255 or float in 0..1'),
        (torch.zeros(1, 3, 37, 53, dtype=torch.int32), 'image of torch.int32 must be'),
    ]
    for rgb, message in cases:
        with subtests.test(message), pytest.raises(InputError, match=message):
            refiner().refine(rgb, camera(), sensor_depth_m_B1HW=sensor())


def test_a_missing_depth_image_is_told():
    with pytest.raises(InputError, match='prior sensor needs a depth image'):
        refiner().refine(image(), camera())


class Relative(SensorPrior):
    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=sensor_m_B1HW, kind='disparity')


def test_a_prior_without_metres_is_refused():
    odd = DepthRefiner(Relative(), None, choose('cpu', 'fp32'), settings())
    with pytest.raises(InputError, match='disparity depth, which has no metric scale; set'):
        odd.refine(image(), camera(), sensor_depth_m_B1HW=sensor())


def test_without_a_refiner_the_prior_goes_through():
    measured = sensor()
    measured[..., 3, 3] = math.nan
    plain = DepthRefiner.from_settings(settings(refiner='none'))
    result = plain.refine(image(), None, sensor_depth_m_B1HW=measured)
    assert torch.equal(result.depth_m_B1HW.nan_to_num(-1.0), measured.nan_to_num(-1.0))
    assert float(result.confidence_B1HW[0, 0, 3, 3]) == 0.0
    assert float(result.confidence_B1HW.sum()) == 37 * 53 - 1
    assert set(result.timings_ms) == {'prior'}
    assert plain.describe() == ['networks run on cpu in fp32']


def test_bundles_make_a_whole_refiner(bundles):
    whole = DepthRefiner.from_settings(settings(prior='bundled', **bundles))
    whole.warm_up(53, 37)
    result = whole.refine(image(batch=2), camera())
    assert result.depth_m_B1HW.shape == (2, 1, 37, 53)
    assert bool((result.scale_shift.status_B == FitStatus.OK).all())
    lines = whole.describe()
    assert lines[0].startswith('prior tiny-prior: Apache-2.0')
    assert lines[1].startswith('refiner tiny-refiner: Apache-2.0')
    assert lines[2] == 'networks run on cpu in fp32'


def test_bfloat16_stays_near_float32(bundles):
    chosen = {'prior': 'bundled', **bundles}
    exact = DepthRefiner.from_settings(settings(**chosen)).refine(image(), camera())
    rounded = DepthRefiner.from_settings(settings(**chosen, precision='bf16')).refine(
        image(), camera()
    )
    assert rounded.depth_m_B1HW.dtype == torch.float32
    ratio = rounded.depth_m_B1HW / exact.depth_m_B1HW
    assert float((ratio - 1.0).abs().mean()) < 0.03


def test_a_bundle_of_another_method_is_refused(bundles):
    with pytest.raises(WeightsError, match='is trained for apdepth; use refiner:=apdepth'):
        DepthRefiner.from_settings(settings(refiner='sharpdepth', **bundles))


def test_a_prior_bundle_is_no_refiner(bundles):
    wrong = {**bundles, 'refiner_weights': bundles['prior_weights']}
    with pytest.raises(WeightsError, match="is a 'prior' bundle; a 'refiner' is needed"):
        DepthRefiner.from_settings(settings(**wrong))
