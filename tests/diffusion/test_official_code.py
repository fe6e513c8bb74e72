# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The presets for official code, compared with that code written out with the libraries."""

from dataclasses import replace

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.core.types import FitStatus, PriorDepth
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from diffusers import DDIMScheduler
from diffusers.pipelines.marigold.marigold_image_processing import MarigoldImageProcessor
import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.tiny_networks import tiny_of

HEIGHT, WIDTH, EDGE = 40, 79, 47
"""79 columns shrunk to 47 are 46 by a floating-point factor; 23 rows hold 11 cells of 2."""
SEED = 5


def picture(seed=0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 9, generator=generator)
    smooth = functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode='bicubic')
    return (smooth.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)


def resized_by_marigold(rgb, *, as_bytes):
    """Shrink like its code: by a factor, sides rounded down to whole pixels, as bytes."""
    factor = EDGE / WIDTH
    size = int(HEIGHT * factor), int(WIDTH * factor)
    small = functional.interpolate(rgb.float(), size=size, mode='bilinear', antialias=True)
    return small.round() if as_bytes else small


def encoded(network, image):
    moments = network.codec.vae.quant_conv(network.codec.vae.encoder(image))
    return moments.chunk(2, dim=1)[0] * network.codec.scaling_factor


def decoded(network, latent):
    vae = network.codec.vae
    return vae.decoder(vae.post_quant_conv(latent / network.codec.scaling_factor))


def predicted(network, parts, timestep):
    task = torch.tensor([network.spec.task_embedding]) if network.spec.task_embedding else None
    sample = torch.cat(parts, dim=1)
    return network.unet(sample, timestep, network.text_1LC, class_labels=task).sample


def back(depth):
    return functional.interpolate(
        depth, size=(HEIGHT, WIDTH), mode='bilinear', antialias=depth.shape[-1] > WIDTH
    )


def noise(like):
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(SEED))


@torch.inference_mode()
def marigold_by_hand(network, rgb):
    image = resized_by_marigold(rgb, as_bytes=True) / 255.0 * 2.0 - 1.0
    latent = encoded(network, image)
    start = noise(latent)
    scheduler = DDIMScheduler(
        beta_schedule='scaled_linear',
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type='v_prediction',
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        timestep_spacing='trailing',
        rescale_betas_zero_snr=network.spec.zero_snr,
    )
    scheduler.set_timesteps(1)
    v = predicted(network, [latent, start], scheduler.timesteps[0])
    end = scheduler.step(v, scheduler.timesteps[0], start).prev_sample
    return back(decoded(network, end).mean(1, keepdim=True).clip(-1.0, 1.0))


@torch.inference_mode()
def lotus_by_hand(network, rgb):
    latent = encoded(network, resized_by_marigold(rgb, as_bytes=False) / 127.5 - 1.0)
    parts = [latent, noise(latent)] if network.spec.takes_depth else [latent]
    image = (decoded(network, predicted(network, parts, 999)) / 2.0 + 0.5).clamp(0.0, 1.0)
    whole = functional.interpolate(image, size=(HEIGHT, WIDTH), mode='nearest-exact')
    return whole.mean(1, keepdim=True) * 2.0 - 1.0


def disparity_of(rgb_B3HW):
    """Imitate Depth Anything: a raw map of its input image, around -1..1."""
    return (rgb_B3HW * torch.tensor([1.0, 0.6, 0.4]).view(1, 3, 1, 1)).sum(1, keepdim=True)


@torch.inference_mode()
def apdepth_by_hand(network, rgb):
    image = resized_by_marigold(rgb, as_bytes=True) / 255.0
    prior = disparity_of(image).repeat(1, 3, 1, 1)
    parts = [encoded(network, prior), encoded(network, image * 2.0 - 1.0)]
    depth = decoded(network, predicted(network, parts, 1)).mean(1, keepdim=True)
    return back(depth.clip(-1.0, 1.0))


def estimated(network, rgb):
    """Estimate with this package; priors get the input of the refiner's preset."""
    estimator = SharpEstimator(network, max_edge_px=EDGE)
    view = estimator.prior_view(network.spec.prior_input)
    shown = rgb.float() / 255.0
    prior = disparity_of(shown if view is None else view.image(shown))
    with torch.inference_mode():
        return estimator.estimate(
            shown,
            prior,
            torch.ones(1, 1, HEIGHT, WIDTH).bool(),
            torch.Generator().manual_seed(SEED),
        ).depth_B1HW


CASES = [
    (marigold_spec('v1-0', 'official_code'), marigold_by_hand),
    (marigold_spec('v1-1', 'official_code'), marigold_by_hand),
    (lotus_spec('g', preset='official_code'), lotus_by_hand),
    (lotus_spec('d', preset='official_code'), lotus_by_hand),
    (apdepth_spec('official_compat'), apdepth_by_hand),
]
BETTER = {'padding': 'cells', 'image_bytes': False, 'ends_at': 'clean'}
"""What the preset ``released`` has instead."""


def test_the_official_presets_give_what_the_official_code_gives(subtests):
    for spec, by_hand in CASES:
        network = tiny_of(spec)
        with subtests.test(f'{by_hand.__name__} {spec.start} {spec.zero_snr}'):
            expected = by_hand(network, picture())
            torch.testing.assert_close(
                estimated(network, picture()), expected, rtol=1e-5, atol=1e-5
            )


def test_each_difference_of_the_official_code_is_one_option(subtests):
    seen = set()
    for spec, by_hand in CASES:
        for name, value in BETTER.items():
            if getattr(spec, name) == value:
                continue
            with subtests.test(f'{by_hand.__name__} {name}'):
                seen.add((by_hand, name))
                swapped = tiny_of(replace(spec, **{name: value}))
                found = estimated(swapped, picture())
                assert float((found - by_hand(swapped, picture())).abs().max()) > 1e-4
    assert len(seen) == 6


def test_the_default_of_released_weights_goes_the_better_way(subtests):
    for make in (marigold_spec, lotus_spec, apdepth_spec, sharpdepth_spec):
        kind = {marigold_spec: ['v1-1'], lotus_spec: ['g']}.get(make, [])
        with subtests.test(make.__name__):
            spec = make(*kind, preset='released')
            assert {name: getattr(spec, name) for name in BETTER} == BETTER
            assert spec.prior_view == 'image'


class Smoothed:
    """A metric prior: metres that follow the smoothed colors of its input image."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        self.rgb = rgb_B3HW
        return PriorDepth(depth_B1HW=metres_of(rgb_B3HW), kind='metric')


def metres_of(rgb_B3HW):
    gray = (rgb_B3HW * 255.0).round().mean(1, keepdim=True)
    return 1.0 + functional.avg_pool2d(gray, 9, 1, 4, count_include_pad=False) / 40.0


@torch.inference_mode()
def sharpdepth_by_hand(network, rgb):
    """Write out the official code: the prior gets bytes of the padded image, and is the target."""
    processor = MarigoldImageProcessor(vae_scale_factor=network.codec.factor, do_normalize=False)
    image, padding, full = processor.preprocess(rgb, EDGE, 'bilinear', torch.device('cpu'))
    metres = metres_of((image * 255.0).int() / 255.0)
    low, high = metres.min(), metres.max()
    unit = ((metres - low) / (high - low) * 2.0 - 1.0).clip(-1.0, 1.0)
    z_image, z_depth = (
        encoded(network, image * 2.0 - 1.0),
        encoded(network, unit.repeat(1, 3, 1, 1)),
    )
    generator = torch.Generator().manual_seed(SEED)
    first, second = (torch.randn(z_depth.shape, generator=generator) for _ in range(2))
    guess = predicted(network, [z_image, first], 999)
    error = (decoded(network, guess).mean(1, keepdim=True) - unit).abs()
    error = (error / error.max()).clip(0.0, 1.0)
    gate = functional.interpolate(error, scale_factor=1 / network.codec.factor)
    scheduler = DDIMScheduler(beta_schedule='scaled_linear', beta_start=0.00085, beta_end=0.012)
    noisy = scheduler.add_noise(guess, second, torch.tensor([999]))
    gated = noisy * gate + z_depth * (1.0 - gate)
    sharp = decoded(network, predicted(network, [z_image, gated], 999)).mean(1, keepdim=True)
    sharp, error, target = (
        processor.resize_antialias(
            processor.unpad_image(maps, padding), full, 'bilinear', is_aa=False
        )
        for maps in (sharp, error, metres)
    )
    mask = ((1.0 - error) > 0.5).numpy()
    design = np.stack([sharp.numpy()[mask], np.ones(mask.sum())], axis=1)
    scale, shift = np.linalg.lstsq(design, target.numpy()[mask], rcond=None)[0]
    return sharp * float(scale) + float(shift), float(scale)


def refined(network, prior=None):
    made = DepthRefiner(
        prior or Smoothed(),
        SharpEstimator(network, max_edge_px=EDGE),
        choose('cpu', 'fp32'),
        ModelSettings(device='cpu', precision='fp32', refiner='sharpdepth', seed=SEED),
    )
    return made.refine(picture(), None)


@pytest.mark.parametrize('seed', [0, 3])
def test_sharpdepths_code_from_image_to_metres(seed):
    network = tiny_of(sharpdepth_spec('official_code'), seed)
    expected, scale = sharpdepth_by_hand(network, picture())
    assert scale > 0.0
    torch.testing.assert_close(refined(network).depth_m_B1HW, expected, rtol=1e-5, atol=1e-5)
    better = refined(tiny_of(sharpdepth_spec('released'), seed))
    assert float((better.depth_m_B1HW - expected).abs().max()) > 1e-2


def test_a_scale_that_swaps_near_and_far_is_refused_where_the_code_applies_it():
    network = tiny_of(sharpdepth_spec('official_code'), 2)
    assert sharpdepth_by_hand(network, picture())[1] < -0.2
    result = refined(network)
    assert result.scale_shift.status_B.tolist() == [FitStatus.NEGATIVE_SCALE]
    assert torch.equal(result.depth_m_B1HW, result.prior_m_B1HW)


def test_sharpdepths_code_shows_its_prior_bytes_of_the_padded_image():
    prior = Smoothed()
    refined(tiny_of(sharpdepth_spec('official_code')), prior)
    assert prior.rgb.shape[-2:] == (24, 48)
    levels = prior.rgb * 255.0
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-4)


def test_the_papers_tables_are_presets_of_their_own():
    tables, code = apdepth_spec('paper_tables'), apdepth_spec('official_compat')
    assert tables == replace(code, preset='paper_tables', max_edge_px=0)
    assert (tables.fit, tables.agree_below, tables.fit_samples) == ('lstsq', 1.0, 0)
    tables, code = sharpdepth_spec('paper_tables'), sharpdepth_spec('official_code')
    assert tables == replace(code, preset='paper_tables', max_edge_px=1024)
