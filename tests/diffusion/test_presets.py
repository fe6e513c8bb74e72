# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Each difference between presets, in the inputs of the networks or in the result."""

from dataclasses import replace

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.resize import View
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
import pytest
import torch

from tests.tiny_networks import tiny_of

SHARPDEPTH = ('paper', 'released', 'official_code')
APDEPTH = ('released', 'official_compat', 'paper', 'paper_tables', 'normalized')


def heard(network):
    """Record the inputs of VAE and UNets."""
    encoded, sampled = [], []
    network.codec.vae.encoder.register_forward_pre_hook(
        lambda module, args: encoded.append(args[0].clone())
    )
    for unet in (network.unet, network.unet_guess):
        if unet is not None:
            unet.register_forward_pre_hook(
                lambda module, args: sampled.append((module, args[0].clone(), args[1]))
            )
    return encoded, sampled


def run(spec, prior=None, seed=0, height=16, width=24, max_edge_px=24):
    """Estimate with a tiny network at the image's size, or with ``max_edge_px``."""
    network = tiny_of(spec)
    encoded, sampled = heard(network)
    rgb = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    if prior is None:
        prior = 1.0 + torch.arange(float(width)).expand(1, 1, height, width) / width
    result = SharpEstimator(network, max_edge_px=max_edge_px).estimate(
        rgb, prior, torch.ones_like(prior).bool(), torch.Generator().manual_seed(seed)
    )
    return network, result, encoded, sampled


@pytest.mark.parametrize('preset', SHARPDEPTH)
def test_sharpdepth_passes_by_the_presets_unet(preset):
    network, _, _, sampled = run(sharpdepth_spec(preset))
    first = network.unet_guess if preset == 'paper' else network.unet
    assert first is not None
    assert [module for module, _, _ in sampled] == [first, network.unet]


@pytest.mark.parametrize('preset', SHARPDEPTH)
def test_both_sharpdepth_presets_share_the_architecture(preset):
    _, result, encoded, sampled = run(sharpdepth_spec(preset))
    # The prior's range becomes -1..1 on three equal channels, the image comes first.
    rgb, prior = encoded
    assert float(prior.min()) == -1.0
    assert float(prior.max()) == 1.0
    assert torch.equal(prior[:, 0], prior[:, 2])
    assert not torch.equal(rgb[:, 0], rgb[:, 2])
    image = sampled[0][1][:, :4]
    assert torch.equal(image, sampled[1][1][:, :4])
    assert all(int(step) == 999 and step.dtype == torch.int64 for _, _, step in sampled)
    assert result.kind == 'metric'


def differing(one, other):
    """Return the fields of two specs that differ, with both values."""
    theirs = other.to_dict()
    return {
        name: (value, theirs[name])
        for name, value in one.to_dict().items()
        if value != theirs[name]
    }


def test_sharpdepth_presets_are_table_a_1():
    paper, released, code = (sharpdepth_spec(preset) for preset in SHARPDEPTH)
    assert differing(paper, released) == {
        'preset': ('paper', 'released'),
        'guess': ('ema', 'self'),
        'difference_align': ('minmax', 'none'),
        'difference_scale': ('range', 'max'),
        'noise': ('gaussian', 'noised_latent'),
        'nearest_m': (0.01, 0.0),
    }
    assert differing(released, code) == {
        'preset': ('released', 'official_code'),
        'prior_view': ('image', 'padded'),
    }
    assert code.task_embedding == pytest.approx([0.8415, 0.0, 0.5403, 1.0], abs=5e-5)
    assert (code.channel_order, code.prediction, code.clip, code.text_width) == (
        'rgb_depth',
        'sample',
        'none',
        1024,
    )
    assert (code.difference_downsample, code.agree_below, code.fit) == ('nearest', 0.5, 'lstsq')
    assert code.fit_samples == 0, 'every pixel'
    assert (code.max_edge_px, code.padding, code.resize_back) == (768, 'cells', 'bilinear')


@pytest.mark.parametrize(
    ('preset', 'low', 'high'),
    [('paper', -1.0, 1.0), ('normalized', -1.0, 1.0), ('official_compat', 3.0, 43.0)],
)
def test_apdepth_feeds_disparity_in_the_presets_range(preset, low, high):
    disparity = torch.linspace(3.0, 43.0, 16 * 24).view(1, 1, 16, 24)
    _, result, (prior, _), _ = run(apdepth_spec(preset), disparity)
    assert float(prior.min()) == low
    assert float(prior.max()) == high
    assert result.kind == 'relative'
    clipped = int((prior[0, 0] == prior.max()).sum())
    # Of 384 values, 2 % lie beyond each quantile.
    assert clipped == (8 if preset == 'normalized' else 1)


@pytest.mark.parametrize('preset', APDEPTH)
def test_apdepth_has_the_prior_first_and_one_early_integer_step(preset):
    network, _, (prior, _), sampled = run(apdepth_spec(preset))
    ((_, sample, step),) = sampled
    latent = network.codec.vae.encode(prior).latent_dist.mean * network.codec.scaling_factor
    torch.testing.assert_close(sample[:, :4], latent)
    assert int(step) == 1
    assert step.dtype == torch.int64


@pytest.mark.parametrize('preset', APDEPTH)
def test_apdepth_draws_nothing(preset):
    _, first, _, _ = run(apdepth_spec(preset), seed=1)
    _, second, _, _ = run(apdepth_spec(preset), seed=2)
    assert torch.equal(first.depth_B1HW, second.depth_B1HW)


def decoding_to(channels, spec):
    """Estimate with a network whose decoder gives these colors everywhere."""
    network = tiny_of(spec)
    layer = network.codec.vae.decoder.conv_out
    layer.weight.zero_()
    layer.bias.copy_(torch.tensor(channels))
    prior = torch.rand(1, 1, 16, 24) + 1.0
    result = SharpEstimator(network, max_edge_px=24).estimate(
        torch.rand(1, 3, 16, 24), prior, torch.ones_like(prior).bool(), torch.Generator()
    )
    return network, result.depth_B1HW


def test_lotus_alone_clips_its_channels_before_their_mean(subtests):
    cases = [
        (apdepth_spec('paper'), 0.5),
        (apdepth_spec('official_compat'), 0.5),
        (lotus_spec('g'), 1.0 / 3.0),
        (marigold_spec('v1-0'), 0.5),
    ]
    for spec, expected in cases:
        with subtests.test(spec=spec):
            _, depth = decoding_to((3.0, 3.0, -4.5), spec)
            torch.testing.assert_close(depth, torch.full_like(depth, expected))


@pytest.mark.parametrize(
    ('preset', 'expected'), [('paper', 6.0), ('released', 1.0), ('official_compat', 1.0)]
)
def test_apdepth_clips_at_inference_where_its_code_does(preset, expected):
    network, depth = decoding_to((6.0, 6.0, 6.0), apdepth_spec(preset))
    torch.testing.assert_close(depth, torch.full_like(depth, expected))
    latent = torch.randn(1, 4, 8, 12)
    assert float(network.codec.decode_depth(latent).max()) == 6.0  # what training sees


def test_apdepth_presets_differ_in_nothing_else():
    released, code, paper, _, normalized = (apdepth_spec(preset) for preset in APDEPTH)
    assert differing(released, code) == {
        'preset': ('released', 'official_compat'),
        'agree_below': (0.5, 1.0),
        'fit': ('robust', 'lstsq'),
        'image_bytes': (False, True),
        'padding': ('cells', 'floored'),
    }
    assert differing(released, normalized) == {
        'preset': ('released', 'normalized'),
        'prior_input': ('official_compat', 'model'),
        'range': ('none', 'quantile'),
        'max_edge_px': (768, 0),
    }
    assert differing(paper, normalized) == {
        'preset': ('paper', 'normalized'),
        'agree_below': (1.0, 0.5),
        'fit': ('lstsq', 'robust'),
        'range': ('minmax', 'quantile'),
        'clip': ('none', 'depth'),
    }
    assert apdepth_spec() == normalized


@pytest.mark.parametrize(
    ('spec', 'expected'),
    [
        (sharpdepth_spec('official_code'), 768),
        (apdepth_spec('paper'), 48),
        (apdepth_spec('official_compat'), 768),
        (lotus_spec('d'), 768),
        (marigold_spec('v1-1'), 768),
    ],
)
def test_images_are_enlarged_to_the_presets_edge(spec, expected):
    if expected == 768:  # a sixteenth of it keeps this quick
        spec, expected = replace(spec, max_edge_px=spec.max_edge_px // 8), 96
    _, result, encoded, _ = run(spec, height=32, width=48, max_edge_px=0)
    assert encoded[0].shape[-2:] == (expected * 2 // 3, expected)
    assert result.depth_B1HW.shape == (1, 1, 32, 48)


@pytest.mark.parametrize('spec', [sharpdepth_spec('official_code'), lotus_spec('g')])
def test_images_are_padded_to_whole_cells_only(spec):
    _, result, encoded, _ = run(spec, height=17, width=23, max_edge_px=23)
    assert encoded[0].shape[-2:] == (18, 24)  # cells of 2; the UNet could halve 20 x 24
    assert torch.equal(encoded[0][..., -1], encoded[0][..., -2])
    assert result.depth_B1HW.shape == (1, 1, 17, 23)


def test_lotus_comes_back_by_nearest_and_others_smoothly():
    values = {}
    for name, spec in (('lotus', lotus_spec('d')), ('marigold', marigold_spec('v1-1'))):
        _, result, _, _ = run(spec, height=32, width=48, max_edge_px=24)
        values[name] = result.depth_B1HW
    blocks = torch.nn.functional.interpolate(values['lotus'][..., ::2, ::2], scale_factor=2)
    assert torch.equal(values['lotus'], blocks)
    smooth = torch.nn.functional.interpolate(values['marigold'][..., ::2, ::2], scale_factor=2)
    assert not torch.equal(values['marigold'], smooth)


def test_lotus_takes_the_nearest_centre_of_a_pixel():
    small = torch.rand(1, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    # Three pixels of five: centres 0.3, 0.9, 1.5, 2.1, 2.7 of the small map, whose cells end at 1
    # and 2. The legacy rule floors 0, 0.6, 1.2, 1.8, 2.4 instead.
    back = View(back=lotus_spec('d').resize_back).restored(small, (3, 5))
    assert torch.equal(back, small[..., [0, 0, 1, 2, 2]])


def test_generative_lotus_starts_from_noise_and_discriminative_from_the_image_alone():
    _, _, _, ((_, noisy, step),) = run(lotus_spec('g'), seed=3)
    assert noisy.shape[1] == 8
    drawn = torch.randn(1, 4, 8, 12, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(noisy[:, 4:], drawn)
    assert int(step) == 999
    alone, _, _, ((_, image, _),) = run(lotus_spec('d'))
    assert image.shape[1] == 4
    assert alone.unet.config.in_channels == 4
    assert run(lotus_spec('d', 'disparity'))[1].kind == 'disparity'


def test_marigold_versions_read_v_by_their_own_schedule():
    old, new = (tiny_of(marigold_spec(version)) for version in ('v1-0', 'v1-1'))
    noise, image = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    v = old.unet(torch.cat([image, noise], dim=1), torch.tensor(999), old.text_1LC).sample
    torch.testing.assert_close(new(noise, image), -v)
    torch.testing.assert_close(
        old(noise, image), 0.0682649 * noise - 0.9976672 * v, rtol=1e-4, atol=1e-5
    )
    assert float((old(noise, image) - new(noise, image)).abs().max()) > 0.05


@pytest.mark.parametrize('spec', [lotus_spec('g'), lotus_spec('d'), marigold_spec('v1-0')])
def test_aligned_models_are_fitted_over_all_pixels_as_the_baseline_is(spec):
    assert (spec.fit, spec.agree_below) == ('lstsq', 1.0)


def test_unknown_presets_are_refused_by_name(subtests):
    cases = [
        (sharpdepth_spec, 'official_compat'),
        (apdepth_spec, 'official_code'),
        (lotus_spec, 'x'),
        (marigold_spec, 'v2'),
    ]
    for make, preset in cases:
        with (
            subtests.test(preset),
            pytest.raises(WeightsError, match=f"preset '{preset}' is unknown; use one of"),
        ):
            make(preset)


def test_a_second_unet_must_be_there_exactly_where_it_is_named():
    spec = sharpdepth_spec('paper')
    network = tiny_of(spec)
    parts = network.unet, network.codec
    with pytest.raises(WeightsError, match="guess = 'ema', but there is no second UNet"):
        type(network)(*parts, network.spec, network.text_1LC)
    alone = replace(network.spec, guess='self')
    with pytest.raises(WeightsError, match="guess = 'self', but there is a second UNet"):
        type(network)(*parts, alone, network.text_1LC, network.unet_guess)
    assert type(network)(*parts, alone, network.text_1LC).unet_guess is None
