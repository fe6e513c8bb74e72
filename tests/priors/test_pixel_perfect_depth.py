# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pixel-Perfect Depth at tiny size with weights from a hash, at true size without weights."""

from depth_refiner_ros.bench.count import count
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.priors.pixel_perfect_depth import (
    input_rule,
    PixelPerfectDepthPrior,
    STEPS,
    steps_of,
)
from depth_refiner_ros.priors.pixel_perfect_depth_names import renamed
from depth_refiner_ros.priors.pixel_perfect_depth_network import (
    ARCHITECTURES,
    spread,
    time_features,
    VelocityNetwork,
)
from depth_refiner_ros.priors.pixel_perfect_depth_weights import (
    About,
    PixelPerfectDepthNetworks,
    read_published,
)
from depth_refiner_ros.priors.sensor import SensorPrior
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.priors import official_pixel_perfect_depth as support
from tests.priors.official_pixel_perfect_depth import image, SHORT_SIDE
from tests.priors.official_prior_depth_anything import sloping_m

EXPECTED = {
    'depth_anything_v2': [0.3646135, 0.1629394, 1.292887],
    'moge2': [0.3738347, 0.6861105, 1.587403],
}
"""By the authors' code with the same weights, image and seed, see the official test."""
FLAT = torch.full((1, 3, 48, 64), 0.25)
SMALL = input_rule(SHORT_SIDE)


def numbers(depth_B1HW):
    """Return mean, a place off the middle and the middle of a map."""
    return [float(value) for value in (depth_B1HW.mean(), *depth_B1HW[0, 0, 30, [25, 41]])]


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Return the prior with tiny networks."""
    support.shrink(monkeypatch)

    def build(semantics='depth_anything_v2', **options):
        networks, _ = read_published(support.published(tmp_path / semantics, semantics))
        return PixelPerfectDepthPrior(networks.semantics, networks.velocity, rule=SMALL, **options)

    return build


@pytest.mark.parametrize(
    ('semantics', 'taps', 'millions'),
    [('depth_anything_v2', (23,), 804.21), ('moge2', (5, 11, 17, 23), 808.41)],
)
def test_every_weight_of_the_published_models_finds_its_place(semantics, taps, millions):
    one = ARCHITECTURES['large']
    with torch.device('meta'):
        networks = PixelPerfectDepthNetworks(
            About(architecture='large', semantics=semantics, taps=taps)
        )
        theirs = {name: torch.empty(one) for name, one in support.official_shapes(one).items()}
    networks.velocity.load_state_dict(renamed(theirs))  # strict: names and shapes
    count = sum(value.numel() for value in networks.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.01)


def test_a_frame_takes_what_the_docs_say():
    with FakeTensorMode():
        networks = PixelPerfectDepthNetworks(
            About(architecture='large', semantics='depth_anything_v2', taps=(23,))
        )
        prior = PixelPerfectDepthPrior(networks.semantics, networks.velocity)
        cost = count(lambda: prior.predict(torch.zeros(1, 3, 480, 640), None), [])
    assert cost.flops / 1e12 == pytest.approx(54.0, abs=0.1)


@pytest.mark.parametrize('semantics', EXPECTED)
def test_depth_is_that_of_the_authors_code(tiny, semantics):
    found = tiny(semantics).predict(image(), None)
    assert found.kind == 'log'
    assert found.depth_B1HW.shape == (1, 1, *image().shape[-2:])
    assert numbers(found.depth_B1HW) == pytest.approx(EXPECTED[semantics], rel=1e-5)


def test_each_image_has_the_depth_that_it_has_alone_and_again(tiny):
    prior, both = tiny(), torch.cat((image(), image().flip(-1)))
    together = prior.predict(both, None).depth_B1HW
    for index in (1, 0, 1):
        alone = prior.predict(both[index : index + 1], None).depth_B1HW
        torch.testing.assert_close(together[index : index + 1], alone, rtol=1e-4, atol=1e-4)


def test_the_seed_sets_the_noise(tiny):
    first, same, other = (tiny(seed=seed).predict(image(), None).depth_B1HW for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert float((first - other).abs().mean()) > 0.1


class Straight(nn.Module):
    """Velocity from noise straight to a map; keeps what was given."""

    def __init__(self, target_B1hw):
        super().__init__()
        self.target, self.seen = target_B1hw, []

    def forward(self, *inputs):
        self.seen.append(inputs)
        return self.seen[0][0] - self.target


class Counted(nn.Module):
    """Semantic tokens of nothing; keeps what was given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, rgb_B3hw):
        self.seen.append(rgb_B3hw)
        return torch.zeros(len(rgb_B3hw), 12, 8)


def straight(target_B1hw, **options):
    return PixelPerfectDepthPrior(Counted(), Straight(target_B1hw), rule=SMALL, **options)


@pytest.mark.parametrize('steps', [1, STEPS, 20])
def test_steps_along_a_straight_way_end_at_depth(steps):
    target = torch.linspace(-0.4, 0.6, 48 * 64).reshape(1, 1, 48, 64)
    prior = straight(target, steps=steps)
    found = prior.predict(FLAT, None).depth_B1HW
    torch.testing.assert_close(found, target + 0.5)
    assert len(prior.semantics.seen) == 1, 'once for all steps'
    assert torch.equal(prior.semantics.seen[0], FLAT)
    inputs = prior.network.seen
    assert len(inputs) == steps
    assert float(inputs[0][0].std()) == pytest.approx(1.0, abs=0.05)
    for (_, color, _, time), (wanted, _) in zip(inputs, steps_of(steps), strict=True):
        assert float(color.min()) == float(color.max()) == -0.25
        assert torch.equal(time, time_features(wanted, time))


def test_four_steps_begin_at_these_times():
    assert list(steps_of(STEPS)) == [(1000, 750), (750, 500), (500, 249), (249, 0)]


@pytest.mark.parametrize(
    ('image_size', 'short_side', 'size'),
    [
        ((768, 1024), 0, (768, 1024)),
        ((480, 640), 0, (768, 1024)),
        ((1080, 1920), 0, (672, 1184)),
        ((375, 1242), 0, (480, 1616)),
        ((1, 10_000), 0, (16, 88_688)),
        ((480, 640), 300, (304, 400)),
    ],
)
def test_images_get_the_area_of_the_training(image_size, short_side, size):
    assert input_rule(short_side).size(image_size) == size


def test_colors_reach_the_network_in_bytes_and_are_not_normalised():
    rgb = torch.rand(1, 3, 30, 40, generator=torch.Generator().manual_seed(0))
    prepared = input_rule(64).prepare(rgb)
    assert prepared.shape == (1, 3, 64, 80)
    assert 0.0 <= float(prepared.min()) < 0.05
    assert 0.95 < float(prepared.max()) <= 1.0
    levels = prepared * 255.0
    torch.testing.assert_close(levels, levels.round(), rtol=0.0, atol=1e-3)


@pytest.mark.parametrize('size', [(96, 128), (37, 50), (61, 80)])
def test_no_depth_appears_that_the_network_did_not_give(size):
    target = torch.zeros(1, 1, *SMALL.size(size))
    target[..., target.shape[-1] // 3 :] = 1.0  # an outline
    found = straight(target).predict(torch.zeros(1, 3, *size), None).depth_B1HW
    assert found.shape == (1, 1, *size)
    near, far = (((found - value).abs() < 1e-5).float().mean() for value in (0.5, 1.5))
    assert float(near + far) == 1.0
    assert float(far) == pytest.approx(2.0 / 3.0, abs=0.05)


def test_time_is_told_by_cosines_and_sines():
    start, later = time_features(0.0, FLAT), time_features(1000.0, FLAT)
    assert start.shape == (1, 256)
    assert start[0].tolist() == [1.0] * 128 + [0.0] * 128
    slowest = 1000.0 * 10_000.0 ** (-127 / 128)
    fastest, last = torch.tensor([1000.0, slowest], dtype=torch.float64)
    wanted = [float(one) for one in (fastest.cos(), last.cos(), fastest.sin(), last.sin())]
    assert later[0, [0, 127, 128, 255]].tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_token_becomes_a_square():
    tokens = torch.arange(2.0 * 6 * 4).reshape(2, 6, 4)
    found = spread(tokens, (2, 3), 2)
    wanted = nn.functional.pixel_shuffle(tokens.transpose(1, 2).unflatten(2, (2, 3)), 2)
    assert torch.equal(found[..., 0], wanted[:, 0])
    two = spread(torch.cat((tokens[..., :1], -tokens[..., :1]), dim=2).repeat(1, 1, 4), (2, 3), 2)
    assert two.shape == (2, 4, 6, 2)
    assert torch.equal(two[..., 0], -two[..., 1])


@pytest.mark.parametrize('semantics', EXPECTED)
def test_semantic_tokens_have_length_1_and_follow_the_image(tiny, semantics):
    network, first = tiny(semantics).semantics, SMALL.prepare(image())
    tokens = network(first)
    assert tokens.shape == (1, 3 * 4, support.TINY.semantics)
    torch.testing.assert_close(tokens.norm(dim=2), torch.ones(1, 12))
    assert float((network(first.flip(1)) - tokens).abs().max()) > 0.01


def test_a_tiny_transformer_sees_all_that_it_is_given():
    network = VelocityNetwork(support.TINY)
    network.load_state_dict(renamed(support.transformer_weights(support.TINY)))
    given = [torch.rand(1, 1, 48, 64), FLAT, torch.rand(1, 12, 24), time_features(300.0, FLAT)]
    with torch.no_grad():
        velocity = network(*given)
        assert velocity.shape == (1, 1, 48, 64)
        for index, other in enumerate((given[0] + 0.1, FLAT + 0.1, -given[2], -given[3])):
            changed = network(*given[:index], other, *given[index + 1 :])
            assert float((changed - velocity).abs().max()) > 0.01, index


class Metres:
    """A metric prior that finds no depth in the upper third."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        depth_m = sloping_m(48, 64).clone()
        depth_m[..., :16, :] = torch.nan
        return PriorDepth(depth_B1HW=depth_m)


def test_metres_are_those_of_the_scale_prior_but_in_its_sky():
    true_m = sloping_m(48, 64)
    given = straight(0.7 * true_m.log1p() - 0.3)
    found = AnchoredPrior(given, Metres()).predict(FLAT, None)
    torch.testing.assert_close(found.depth_m_B1HW[..., 16:, :], true_m[..., 16:, :])
    assert bool(found.depth_m_B1HW[..., :16, :].isnan().all())
    assert torch.equal(found.unknown_B1HW, found.depth_m_B1HW.isnan())


def test_holes_of_a_depth_camera_and_what_is_beyond_its_range_get_metres():
    true_m = sloping_m(48, 64)
    measured_m = true_m.where(true_m < 2.5, torch.nan)
    given = straight(0.7 * true_m.log1p() - 0.3)
    found = AnchoredPrior(given, SensorPrior()).predict(FLAT, None, measured_m)
    torch.testing.assert_close(found.depth_m_B1HW, true_m, rtol=1e-4, atol=1e-4)
    assert not bool(found.unknown_B1HW.any())
