# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import itertools
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SettingsError, WeightsError
from depth_refiner_ros.models.bundle import open_bundle, write_bundle
from depth_refiner_ros.priors.bundled import (
    BundledPrior,
    CONFIG,
    LITE0_LICENCE,
    read_prior_network,
    to_log_metres,
    WEIGHTS,
    write_prior_bundle,
)
from depth_refiner_ros.priors.degradations.fields import scale_error
from depth_refiner_ros.priors.degradations.smeared import smear
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.scaled_conv import ScaledConv
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.smeared import SmearedPrior
import pytest
import torch

from tests.tiny_networks import LITE, METRIC, metric_network

CAMERA = Intrinsics.from_fov(53, 37, 60.0)
RGB = torch.rand(2, 3, 37, 53, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def bundle(tmp_path):
    return write_prior_bundle(tmp_path / 'prior', metric_network(), {'name': 'tiny'})


def test_bundled_prior_gives_metric_depth_at_the_images_size(bundle):
    depth = BundledPrior(bundle).predict(RGB, CAMERA)
    assert depth.kind == 'metric'
    assert depth.depth_B1HW.shape == (2, 1, 37, 53)
    assert bool((depth.depth_B1HW > 0.0).all())
    assert BundledPrior(bundle).describe() == [bundle.describe()]


def test_a_quick_prior_sees_the_image_once_at_its_largest_size(tmp_path):
    looks = replace(METRIC, mirror=True, scales=(1.0, 1.5), in_turn=True)
    once = replace(METRIC, mirror=False, scales=(1.5,))
    network = metric_network()
    bundles = []
    for name, config in (('looks', looks), ('once', once)):
        network.config = config
        bundles.append(write_prior_bundle(tmp_path / name, network, {'name': name}))
    quick, calls = BundledPrior(bundles[0], one_look=True), []
    quick.network.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    found = quick.predict(RGB, CAMERA).depth_B1HW
    assert calls == [len(RGB)]
    assert torch.equal(found, BundledPrior(bundles[1]).predict(RGB, CAMERA).depth_B1HW)
    assert not torch.allclose(found, BundledPrior(bundles[0]).predict(RGB, CAMERA).depth_B1HW)
    assert quick.describe() == [f'{bundles[0].describe()}, one look at each image']
    assert build_prior('bundled', 'quick').config.looks == ((1.15, (False,)),)


def test_bundle_predicts_what_the_network_predicts(bundle):
    assert BundledPrior(bundle).network.config == METRIC
    rgb, rays = torch.rand(1, 3, 64, 32), torch.rand(1, 2, 64, 32)
    expected = metric_network()(rgb, rays)
    actual = BundledPrior(bundle).network(rgb, rays)
    torch.testing.assert_close(actual, expected, rtol=5e-3, atol=5e-3)


def test_a_longer_lens_sees_the_same_pixels_farther_away():
    canonical = torch.zeros(2, 1, 3, 4)
    depth = to_log_metres(canonical, torch.tensor([50.0, 100.0]), METRIC).exp()
    torch.testing.assert_close(depth[0], torch.full((1, 3, 4), 1.0))
    torch.testing.assert_close(depth[1], torch.full((1, 3, 4), 2.0))


def test_bundled_prior_without_a_camera_is_refused(bundle):
    with pytest.raises(InputError, match=r'give the field of view \(assume_fov_deg\)$'):
        BundledPrior(bundle).predict(RGB, None)


def test_weights_of_another_shape_are_refused(bundle, tmp_path, subtests):
    cases = [
        {'channels': [8, 8, 8, 8, 16]},
        {'groups': 3},
        {'color': 1},
        {'groups': 'many'},
        {'canonical_focal_px': -1.0},
    ]
    for change in cases:
        with subtests.test(change=change):
            other = write_bundle(
                tmp_path / 'other',
                kind='prior',
                name='x',
                licence='MIT',
                manifest={},
                tensors={WEIGHTS: bundle.tensors(WEIGHTS)},
                configs={CONFIG: {**METRIC.to_dict(), **change}},
            )
            with pytest.raises(
                WeightsError, match=r'safetensors does not fit|groups = .many. must be of type int'
            ) as caught:
                BundledPrior(other)
            assert '\n' not in str(caught.value)


def test_weights_that_lack_a_tensor_are_refused(bundle, tmp_path):
    state = bundle.tensors(WEIGHTS)
    state.pop('head.bias')
    other = write_bundle(
        tmp_path / 'other',
        kind='prior',
        name='x',
        licence='MIT',
        manifest={},
        tensors={WEIGHTS: state},
        configs={CONFIG: METRIC.to_dict()},
    )
    with pytest.raises(WeightsError, match='does not fit'):
        BundledPrior(other)


def test_the_registry_builds_by_name(bundle):
    assert isinstance(build_prior('bundled', str(bundle.path)), BundledPrior)
    assert isinstance(build_prior('sensor'), SensorPrior)
    assert build_prior('smeared', seed=7).seed == 7
    told = "prior = 'depth_prof' must be one of bundled, .*; did you mean depth_pro?"
    with pytest.raises(SettingsError, match=told):
        build_prior('depth_prof')
    with pytest.raises(WeightsError, match="a 'prior' is needed"):
        open_bundle(_as_refiner(bundle), 'prior')


def _as_refiner(bundle):
    path = bundle.path.with_name('refiner')
    write_bundle(
        path,
        kind='refiner',
        name='x',
        licence='MIT',
        manifest={},
        tensors={WEIGHTS: bundle.tensors(WEIGHTS)},
        configs={},
    )
    return path


def test_sensor_depth_becomes_unknown_where_it_is_no_positive_number():
    depth = torch.tensor([[[[1.0, 0.0, -1.0, math.nan, math.inf, 5e-4, 9.0]]]])
    cleaned = SensorPrior().predict(torch.zeros(1, 3, 1, 7), None, depth).depth_B1HW[0, 0, 0]
    assert torch.isfinite(cleaned).tolist() == [True, *[False] * 5, True]
    assert bool(torch.isnan(cleaned[1:6]).all())
    assert (float(cleaned[0]), float(cleaned[6])) == (1.0, 9.0)


def test_sensor_depth_of_another_size_is_taken_by_nearest_pixel():
    depth = torch.tensor([[[[1.0, 2.0], [3.0, math.nan]]]])
    large = SensorPrior().predict(torch.zeros(1, 3, 4, 6), None, depth).depth_B1HW[0, 0]
    expected = torch.tensor([[1.0, 2.0], [3.0, math.nan]])
    assert torch.equal(
        large.nan_to_num(0.0),
        expected.nan_to_num(0.0).repeat_interleave(2, 0).repeat_interleave(3, 1),
    )


def test_depth_that_cannot_be_used_is_refused(subtests):
    others = [
        (None, 'needs'),
        (torch.full((2, 1, 5, 5), math.nan), 'no valid pixel'),
        (torch.ones(5, 5), 'expected shape'),
        (torch.ones(2, 1, 5, 5, dtype=torch.int16), 'convert to metres'),
        (torch.ones(1, 1, 5, 5), '2 images but 1 depth images'),
    ]
    for prior, (depth, message) in itertools.product([SensorPrior(), SmearedPrior()], others):
        with subtests.test(message), pytest.raises(InputError, match=message):
            prior.predict(RGB, None, depth)


def test_smearing_keeps_a_constant_and_blurs_a_step():
    flat = torch.full((1, 1, 36, 48), 2.0)
    torch.testing.assert_close(smear(flat, 12.0), flat)
    step = flat.clone()
    step[..., 24:] = 4.0
    row = smear(step, 12.0, 'bilinear')[0, 0, 18]
    assert float(row[2]) == pytest.approx(2.0)
    assert float(row[45]) == pytest.approx(4.0)
    assert int(((row > 2.1) & (row < 3.9)).sum()) >= 8


def test_scale_error_is_smooth_positive_and_of_the_asked_size():
    like = torch.zeros(400, 1, 30, 40)
    error = scale_error(like, torch.Generator().manual_seed(0), warp=0.0, scale=0.05).log()
    assert float(error[:, 0, 0, 0].std()) == pytest.approx(0.05, rel=0.15)
    torch.testing.assert_close(error, error[..., :1, :1].expand_as(error))
    warped = scale_error(like, torch.Generator().manual_seed(0), warp=0.05, scale=0.0)
    assert bool((warped > 0.0).all())
    assert float(warped.diff(dim=-1).abs().max()) < 0.05


def test_smeared_prior_has_one_error_per_seed_and_no_holes():
    exact = torch.rand(1, 1, 37, 53, generator=torch.Generator().manual_seed(1)) + 1.0
    exact[..., 5:9, 5:9] = math.nan
    depth = SmearedPrior(seed=3).predict(RGB[:1], None, exact).depth_B1HW
    again = SmearedPrior(seed=3).predict(RGB[:1], None, exact).depth_B1HW
    other = SmearedPrior(seed=4).predict(RGB[:1], None, exact).depth_B1HW
    assert bool(torch.isfinite(depth).all())
    assert torch.equal(depth, again)
    assert not torch.equal(depth, other)


def test_frames_of_a_recording_get_errors_of_their_own_and_keep_them():
    frames = torch.rand(3, 1, 37, 53, generator=torch.Generator().manual_seed(1)) + 1.0
    frames[..., 5:9, 5:9] = math.nan
    frames[2] = frames[0]
    prior = build_prior('smeared', seed=3)
    rgb = RGB[:1].expand(3, -1, -1, -1)
    together = prior.predict(rgb, None, frames).depth_B1HW
    factors = together / SmearedPrior(warp=0.0, scale=0.0).predict(rgb, None, frames).depth_B1HW
    assert float((factors[0] - factors[1]).abs().max()) > 1e-3
    assert torch.equal(together[0], together[2])
    alone = prior.predict(RGB[:1], None, frames[1:2]).depth_B1HW
    torch.testing.assert_close(alone[0], together[1])
    reseeded = build_prior('smeared', seed=4).predict(rgb, None, frames).depth_B1HW
    assert not torch.equal(reseeded, together)


def test_a_mirrored_bundle_gives_the_mean_of_both_looks(tmp_path):
    network = metric_network()
    network.config = replace(METRIC, mirror=True)
    both = BundledPrior(write_prior_bundle(tmp_path / 'both', network, {'name': 'tiny'}))
    one = BundledPrior(write_prior_bundle(tmp_path / 'one', metric_network(), {'name': 'tiny'}))
    off_centre = replace(CAMERA, cx=CAMERA.cx + 5.0)
    straight = one.predict(RGB, off_centre).depth_B1HW
    mirrored = one.predict(RGB.flip(-1), off_centre.flipped()).depth_B1HW.flip(-1)
    expected = (straight.log() + mirrored.log()) / 2.0
    torch.testing.assert_close(
        both.predict(RGB, off_centre).depth_B1HW.log(), expected, rtol=1e-4, atol=1e-4
    )
    assert float((straight - mirrored).abs().max()) > 1e-3


def test_sizes_in_turn_see_the_image_and_the_mirrored_one(tmp_path):
    def predicted(name, **looks):
        network = metric_network(config=replace(LITE, **looks))
        prior = BundledPrior(write_prior_bundle(tmp_path / name, network, {'name': 'tiny'}))
        return lambda rgb, camera: prior.predict(rgb, camera).depth_B1HW.log()

    off_centre = replace(CAMERA, cx=CAMERA.cx + 5.0)
    in_turn = predicted('both', scales=(1.0, 2.0), mirror=True, in_turn=True)(RGB, off_centre)
    straight = predicted('one', scales=(1.0,))(RGB, off_centre)
    mirrored = predicted('two', scales=(2.0,))(RGB.flip(-1), off_centre.flipped()).flip(-1)
    torch.testing.assert_close(in_turn, (straight + mirrored) / 2.0, rtol=1e-4, atol=1e-4)
    each = predicted('each', scales=(1.0, 2.0), mirror=True)(RGB, off_centre)
    assert float((each - in_turn).abs().max()) > 1e-3


def test_two_input_sizes_give_their_mean(tmp_path):
    def predicted(name, scales):
        network = metric_network(config=replace(LITE, scales=scales))
        bundle = write_prior_bundle(tmp_path / name, network, {'name': 'tiny'})
        return BundledPrior(bundle).predict(RGB, CAMERA)

    one, two = predicted('one', (1.0,)), predicted('two', (2.0,))
    both = predicted('both', (1.0, 2.0))
    mean = (one.depth_B1HW.log() + two.depth_B1HW.log()) / 2.0
    torch.testing.assert_close(both.depth_B1HW.log(), mean)
    assert float((one.depth_B1HW - two.depth_B1HW).abs().max()) > 1e-2
    # The expected errors are averaged as logarithms, too: P(|e| < log 1.25) = 1 - 1.25^(-1 / b).
    spreads = [-math.log(1.25) / torch.log1p(-p.confidence_B1HW) for p in (one, two, both)]
    # Not to the digit, as they are enlarged to the image as confidences.
    off = spreads[2].log() - (spreads[0].log() + spreads[1].log()) / 2.0
    assert off.abs().mean() < 0.005, 'of the plain mean it is 0.016'


def test_a_prior_that_expects_errors_says_so_where_it_does(tmp_path):
    network = metric_network(config=LITE)
    with torch.no_grad():
        network.head.weight[1], network.head.bias[1] = 0.0, math.log(0.5)
    guess = BundledPrior(write_prior_bundle(tmp_path / 'prior', network, {})).predict(RGB, CAMERA)
    expected = torch.full((2, 1, 37, 53), 1.0 - 1.25**-2.0)
    torch.testing.assert_close(guess.confidence_B1HW, expected, rtol=1e-3, atol=1e-3)


def test_weights_from_imagenet_bring_their_licence(bundle, tmp_path):
    lite = write_prior_bundle(tmp_path / 'lite', metric_network(config=LITE), {'name': 'tiny'})
    assert 'Copyright (c) 2020, ML Illustrated' in (lite.path / LITE0_LICENCE).read_text()
    assert LITE0_LICENCE in lite.manifest['sha256']
    assert not (bundle.path / LITE0_LICENCE).exists()


def test_folded_scales_change_nothing(tmp_path):
    network = metric_network(config=LITE)
    for part in network.modules():
        if isinstance(part, ScaledConv):
            torch.nn.init.uniform_(part.scale, -2.0, 2.0)
    bundle = write_prior_bundle(tmp_path / 'prior', network, {'name': 'tiny'})
    rgb, rays = torch.rand(1, 3, 64, 32), torch.rand(1, 2, 64, 32)
    prior = BundledPrior(bundle)
    assert not [name for name in prior.network.state_dict() if name.endswith('.scale')]
    torch.testing.assert_close(prior.network(rgb, rays), read_prior_network(bundle)(rgb, rays))
