"""Relative priors and relative refiners, brought to metres by a second prior or a sensor."""

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
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import (
    ModelSettings,
    PRIORS,
    RELATIVE_PRIORS,
    SCALE_PRIORS,
)
import pytest
import torch

from tests.tiny_networks import small, tiny_of

WIDTH, HEIGHT = 48, 40


def camera():
    return Intrinsics.from_fov(WIDTH, HEIGHT, 60.0)


def image(batch=1):
    return torch.rand(batch, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))


def scene(batch=1):
    """Return metres with a slope and a step."""
    depth = torch.linspace(1.0, 4.0, WIDTH).expand(batch, 1, HEIGHT, WIDTH).clone()
    depth[..., HEIGHT // 2 :, WIDTH // 2 :] *= 0.6
    return depth


class Disparity:
    """A relative prior that knows the scene up to scale and shift."""

    kind = 'disparity'

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        disparity = 11.0 / scene(len(rgb_B3HW)) + 2.0
        return PriorDepth(depth_B1HW=disparity, kind='disparity')

    def describe(self):
        return ['prior of disparity']


class Exact(Disparity):
    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=scene(len(rgb_B3HW)), kind='metric')

    def describe(self):
        return ['prior of metres']


class Fixed:
    """An estimator that gives the scene in a kind of its own and keeps what it got."""

    description = 'fixed'

    def __init__(self, spec, wrong=0):
        self.spec = spec
        self.wrong = wrong
        self.got = None

    def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
        self.got = prior_B1HW
        truth = scene(len(rgb_B3HW))
        value = 1.0 / truth if self.spec.output == 'disparity' else truth
        if self.spec.output != 'metric':
            value = value * 0.3 - 1.0
        value[..., : self.wrong, :] = float(value.max())
        return Estimate(depth_B1HW=value, difference_B1HW=None, kind=self.spec.output)


def settings(**changes):
    return ModelSettings(**{'prior': 'sensor', 'device': 'cpu', 'precision': 'fp32', **changes})


def refiner(estimator, prior=None, scale_prior=None, **changes):
    return DepthRefiner(
        prior or SensorPrior(), estimator, choose('cpu', 'fp32'), settings(**changes), scale_prior
    )


def test_scale_priors_are_the_metric_ones():
    assert set(SCALE_PRIORS) - {'none'} == set(PRIORS) - set(RELATIVE_PRIORS)


@pytest.mark.parametrize('estimator', [None, small(), tiny_of(apdepth_spec())])
def test_a_relative_prior_without_metres_is_refused(estimator):
    made = None if estimator is None else SharpEstimator(estimator)
    with pytest.raises(InputError, match='disparity depth, which has no metres; name what sets'):
        refiner(made, Disparity()).refine(image(), camera())


def test_a_scale_prior_without_metres_is_refused():
    with pytest.raises(InputError, match='scale_prior gives disparity depth; it must be metric'):
        refiner(None, Exact(), Disparity()).refine(image(), camera())


@pytest.mark.parametrize('scale_prior', [Exact(), SensorPrior()])
def test_without_a_refiner_the_prior_comes_out_in_metres(scale_prior):
    plain = refiner(None, Disparity(), scale_prior)
    result = plain.refine(image(2), camera(), sensor_depth_m_B1HW=scene(2))
    torch.testing.assert_close(result.depth_m_B1HW, scene(2), rtol=1e-3, atol=1e-3)
    assert result.scale_shift.status_B.tolist() == [FitStatus.OK] * 2
    torch.testing.assert_close(
        result.scale_shift.scale_B, torch.full((2,), 1 / 11.0), rtol=1e-3, atol=1e-5
    )
    assert float(result.confidence_B1HW.min()) == 1.0


def test_a_sparse_sensor_sets_the_metres_of_every_pixel():
    sparse = torch.full((1, 1, HEIGHT, WIDTH), math.nan)
    sparse[..., ::5, ::5] = 2.0 * scene()[..., ::5, ::5]
    made = refiner(Fixed(replace(apdepth_spec(), nearest_m=0.01)), Disparity(), SensorPrior())
    result = made.refine(image(), camera(), sensor_depth_m_B1HW=sparse)
    torch.testing.assert_close(result.depth_m_B1HW, 2.0 * scene(), rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(result.prior_m_B1HW, 2.0 * scene(), rtol=2e-3, atol=2e-3)
    # The prior covers the image, so confidence does not end where the sensor does.
    assert float(result.confidence_B1HW.min()) > 0.95


def test_the_network_gets_the_priors_own_disparity():
    estimator = Fixed(apdepth_spec('official_compat'))
    refiner(estimator, Disparity(), Exact()).refine(image(), camera())
    torch.testing.assert_close(estimator.got, 11.0 / scene() + 2.0)


class Seen(Disparity):
    """A relative prior that keeps what it was shown; its map has the size of that image."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        self.rgb, self.intrinsics = rgb_B3HW, intrinsics
        return PriorDepth(depth_B1HW=rgb_B3HW.mean(1, keepdim=True) * 30.0, kind='disparity')


@pytest.mark.parametrize(
    ('preset', 'edge_px', 'size'),
    [
        ('official_compat', 96, (80, 96)),
        ('official_compat', 31, (25, 31)),
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
    if preset == 'official_compat':
        # Disparity reaches the encoder as the network gave it: nothing resampled, nothing scaled.
        given = seen.rgb.mean(1, keepdim=True).expand(-1, 3, -1, -1) * 30.0
        torch.testing.assert_close(encoded[0][..., : size[0], : size[1]], given)


def test_a_metric_prior_serves_as_disparity_where_its_range_is_normalised():
    estimator = Fixed(apdepth_spec('normalized'))
    refiner(estimator, Exact()).refine(image(), camera())
    torch.testing.assert_close(estimator.got, 1.0 / scene())


def test_weights_for_raw_disparity_refuse_a_metric_prior():
    made = refiner(Fixed(apdepth_spec('official_compat')), Exact())
    with pytest.raises(
        InputError,
        match='raw disparity of the network that it was trained with, '
        'not metric depth; use prior:=depth_anything_v2',
    ):
        made.refine(image(), camera())


def test_a_network_for_metres_gets_a_relative_prior_in_metres():
    estimator = Fixed(ModelSpec())
    refiner(estimator, Disparity(), Exact()).refine(image(), camera())
    torch.testing.assert_close(estimator.got, scene(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    'spec', [apdepth_spec(), lotus_spec('g'), lotus_spec('d', 'disparity'), marigold_spec('v1-1')]
)
@pytest.mark.parametrize('align', ['auto', 'lstsq', 'robust'])
def test_relative_estimates_come_to_metres_in_their_own_space(spec, align):
    result = refiner(Fixed(spec), Exact(), align=align).refine(image(2), camera())
    torch.testing.assert_close(result.depth_m_B1HW, scene(2), rtol=2e-3, atol=2e-3)
    assert float(result.difference_B1HW.max()) < 0.01
    assert result.scale_shift.status_B.tolist() == [FitStatus.OK] * 2


@pytest.mark.parametrize('spec', [apdepth_spec(), lotus_spec('d', 'disparity')])
def test_pixels_that_disagree_do_not_pull_the_final_fit(spec):
    result = refiner(Fixed(spec, wrong=4), Exact(), align='robust').refine(image(), camera())
    torch.testing.assert_close(
        result.depth_m_B1HW[..., 4:, :], scene()[..., 4:, :], rtol=2e-3, atol=2e-3
    )
    assert float(result.difference_B1HW[..., :4, :].mean()) > 0.4


def test_relative_depth_without_a_fit_is_refused():
    with pytest.raises(
        InputError,
        match='this refiner gives relative depth, which has no metres '
        'without a fit; set align to auto',
    ):
        refiner(Fixed(lotus_spec('g')), Exact(), align='none').refine(image(), camera())


def test_what_cannot_be_brought_to_metres_is_the_prior():
    estimator = Fixed(lotus_spec('g'), wrong=HEIGHT)
    result = refiner(estimator, Exact()).refine(image(), camera())
    assert result.scale_shift.status_B.tolist() == [FitStatus.CONSTANT]
    torch.testing.assert_close(result.depth_m_B1HW, scene())
    assert float(result.confidence_B1HW.max()) <= UNALIGNED


def test_a_prior_that_cannot_be_brought_to_metres_is_the_reference():
    class Flat(Disparity):
        def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
            return PriorDepth(depth_B1HW=torch.full((1, 1, HEIGHT, WIDTH), 3.0), kind='disparity')

    result = refiner(None, Flat(), Exact()).refine(image(), camera())
    assert torch.equal(result.depth_m_B1HW, scene())
    assert float(result.confidence_B1HW.max()) == pytest.approx(UNALIGNED)


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


class Graded(Fixed):
    """Half of the image is right, half is off by a quarter of a difference."""

    def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
        difference = torch.zeros_like(prior_B1HW)
        difference[..., : HEIGHT // 2, :] = 0.25
        depth = prior_B1HW + 4.0 * difference
        return Estimate(depth_B1HW=depth, difference_B1HW=difference)


@pytest.mark.parametrize(
    ('spec', 'option', 'shift'),
    [(0.5, 0.0, 'pulled'), (0.2, 0.0, 'exact'), (0.5, 0.2, 'exact'), (0.2, 0.5, 'pulled')],
)
def test_the_option_wins_over_the_recipes_threshold_unless_it_is_0(spec, option, shift):
    chosen = replace(sharpdepth_spec('paper'), agree_below=spec)
    result = refiner(Graded(chosen), Exact(), agree_below=option).refine(image(), camera())
    off = abs(float(result.scale_shift.shift_B))
    assert off < 1e-4 if shift == 'exact' else off > 0.1


@pytest.mark.parametrize(
    ('fit', 'align', 'inliers'),
    [
        ('lstsq', 'auto', 'all'),
        ('robust', 'auto', 'some'),
        ('lstsq', 'robust', 'some'),
        ('robust', 'lstsq', 'all'),
    ],
)
def test_the_option_wins_over_the_recipes_fit_unless_it_is_auto(fit, align, inliers):
    chosen = replace(ModelSpec(), fit=fit, agree_below=1.0)

    class Outlying(Fixed):
        def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
            depth = prior_B1HW.clone()
            depth[..., :5, :] += 3.0
            return Estimate(depth_B1HW=depth, difference_B1HW=torch.zeros_like(depth))

    result = refiner(Outlying(chosen), Exact(), align=align).refine(image(), camera())
    counted = int(result.scale_shift.inliers_B)
    assert counted == HEIGHT * WIDTH if inliers == 'all' else counted <= (HEIGHT - 5) * WIDTH


def test_runtime_options_are_adopted_and_others_are_not():
    made = refiner(Graded(sharpdepth_spec('paper')), Exact())
    before = made.refine(image(), camera())
    assert made.update_settings(settings(agree_below=0.2))
    after = made.refine(image(), camera())
    assert abs(float(after.scale_shift.shift_B)) < 1e-4 < abs(float(before.scale_shift.shift_B))
    assert made.update_settings(settings(align='none'))
    unfitted = made.refine(image(), camera())
    assert float(unfitted.scale_shift.scale_B) == 1.0
    for change in (
        {'seed': 9},
        {'refiner_weights': 'other'},
        {'scale_prior': 'bundled'},
        {'max_edge_px': 320},
        {'device': 'auto'},
    ):
        assert not made.update_settings(settings(align='none', **change)), change
    torch.testing.assert_close(made.refine(image(), camera()).depth_m_B1HW, unfitted.depth_m_B1HW)


def test_both_priors_are_described():
    lines = refiner(None, Disparity(), Exact()).describe()
    assert lines == ['prior of disparity', 'prior of metres', 'networks run on cpu in fp32']


def bundle(folder, network):
    return str(
        write_refiner_bundle(
            folder, network, name='tiny', licence='Apache-2.0', source='random weights'
        ).path
    )


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
    for option, edge in ((24, 24), (0, 768)):
        made = DepthRefiner.from_settings(
            settings(refiner='aligned', refiner_weights=where, max_edge_px=option)
        )
        assert made._estimator._working_size((HEIGHT, WIDTH)) == (edge * HEIGHT // WIDTH, edge)
