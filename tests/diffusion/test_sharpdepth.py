# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.gating import difference_map
from depth_refiner_ros.diffusion import sharpdepth as module
from depth_refiner_ros.diffusion.presets import sharpdepth_spec
from depth_refiner_ros.diffusion.sharpdepth import sharpdepth
import pytest
import torch

from tests.tiny_networks import lotus

SIZE = (1, 1, 16, 24)


@pytest.fixture
def picture():
    generator = torch.Generator().manual_seed(3)
    rgb = torch.rand(1, 3, *SIZE[2:], generator=generator)
    unit = torch.linspace(-1.0, 1.0, SIZE[-1]).expand(SIZE).contiguous()
    return rgb, unit, torch.ones(SIZE, dtype=torch.bool)


def run(network, picture, seed=0):
    """Run the method; return its result and the depth latent of both passes."""
    seen = []
    handle = network.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    result = sharpdepth(network, *picture, torch.Generator().manual_seed(seed))
    handle.remove()
    return *result, seen


@pytest.mark.parametrize(
    ('preset', 'other'), [('paper', 'official_code'), ('official_code', 'paper')]
)
def test_each_preset_makes_its_own_difference(picture, preset, other):
    own, foreign = (sharpdepth_spec(name) for name in (preset, other))
    network = lotus(difference_align=own.difference_align, difference_scale=own.difference_scale)
    unit = picture[1]
    _, difference, seen = run(network, picture)
    guess = network.codec.decode_depth(network(seen[0], network.codec.encode_rgb(picture[0])))
    torch.testing.assert_close(difference, difference_map(unit, guess, rule=own.difference_rule))
    swapped = difference_map(unit, guess, rule=foreign.difference_rule)
    assert float((difference - swapped).abs().max()) > 0.01


@pytest.mark.parametrize('name', ['frozen', 'ema'])
def test_a_second_unet_makes_the_first_pass_alone(picture, name):
    plain, second = lotus(), lotus()
    second.unet = lotus(seed=9).unet
    both = lotus(guess=name, unet_guess=second.unet)
    _, difference, seen = run(both, picture)
    _, by_second, _ = run(second, picture)
    _, by_itself, seen_plain = run(plain, picture)
    torch.testing.assert_close(difference, by_second)
    assert float((difference - by_itself).abs().max()) > 0.01
    assert torch.equal(seen[0], seen_plain[0])
    latents = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    assert torch.equal(both(*latents), plain(*latents))


@pytest.mark.parametrize('kind', ['nearest', 'area'])
def test_the_gate_is_sampled_as_the_spec_says(picture, monkeypatch, kind):
    ramp = torch.linspace(0.0, 1.0, SIZE[-1]).expand(SIZE).contiguous()
    monkeypatch.setattr(module, 'difference_map', lambda metric, relative, rule: ramp)
    monkeypatch.setattr(module, 'gaussian_like', lambda like, generator: torch.zeros_like(like))
    network = lotus(difference_downsample=kind)
    _, _, seen = run(network, picture)
    first, width = ramp[0, 0, 0, 0:2], network.codec.factor
    assert width == 2
    gate = first[0] if kind == 'nearest' else first.mean()
    prior = network.codec.encode_depth(picture[1])
    torch.testing.assert_close(seen[1][..., 0], (1.0 - gate) * prior[..., 0])


def gate_fully(monkeypatch, value):
    monkeypatch.setattr(
        module, 'difference_map', lambda metric, relative, rule: torch.full_like(metric, value)
    )


def test_no_difference_passes_the_prior_on(picture, monkeypatch):
    gate_fully(monkeypatch, 0.0)
    network = lotus()
    _, _, seen = run(network, picture)
    torch.testing.assert_close(seen[1], network.codec.encode_depth(picture[1]))


@pytest.mark.parametrize('noise', ['gaussian', 'noised_latent'])
def test_full_difference_replaces_the_prior_by_the_presets_noise(picture, monkeypatch, noise):
    gate_fully(monkeypatch, 1.0)
    network = lotus(noise=noise)
    _, _, seen = run(network, picture, seed=5)
    generator = torch.Generator().manual_seed(5)
    first, second = (torch.randn(seen[0].shape, generator=generator) for _ in range(2))
    torch.testing.assert_close(seen[0], first)
    if noise == 'noised_latent':
        guess = network(first, network.codec.encode_rgb(picture[0]))
        second = 0.0682649 * guess + 0.9976672 * second
    torch.testing.assert_close(seen[1], second, rtol=1e-4, atol=1e-5)


def test_the_two_draws_differ(picture, monkeypatch):
    gate_fully(monkeypatch, 1.0)
    _, _, (first, second) = run(lotus(), picture)
    assert float((first - second).abs().mean()) > 0.5


def test_one_seed_gives_one_depth(picture):
    network = lotus()
    depth, difference, _ = run(network, picture, seed=1)
    again, again_difference, _ = run(network, picture, seed=1)
    other, _, _ = run(network, picture, seed=2)
    assert torch.equal(depth, again)
    assert torch.equal(difference, again_difference)
    assert not torch.equal(depth, other)
    assert depth.shape == difference.shape == SIZE


def test_global_randomness_has_no_say(picture):
    network = lotus()
    torch.manual_seed(1)
    depth, *_ = run(network, picture)
    torch.manual_seed(2)
    assert torch.equal(run(network, picture)[0], depth)


def test_bfloat16_gives_finite_depth_near_float32(picture):
    network = lotus()
    exact, *_ = run(network, picture)
    with torch.autocast('cpu', torch.bfloat16):
        rounded, difference, _ = run(network, picture)
    assert bool(torch.isfinite(rounded).all())
    assert float((rounded.float() - exact).abs().mean()) < 0.1
    assert 0.0 <= float(difference.min()) <= float(difference.max()) <= 1.0
