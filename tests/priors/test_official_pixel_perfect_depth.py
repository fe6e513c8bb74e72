# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Pixel-Perfect Depth as written here against its authors' code (``make official``).

That code draws its noise from torch's generator, on the CPU, so that a seed gives it the noise
that is used here. It runs in single precision, not under autocast.
"""

from dataclasses import replace
from pathlib import Path
import sys

from depth_refiner_ros.core.metric_alignment import FARTHEST_M, NEAREST_M, to_metres
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES as ENCODER_SHAPES
from depth_refiner_ros.priors.import_checkpoint import import_pixel_perfect_depth
from depth_refiner_ros.priors.pixel_perfect_depth import (
    input_rule,
    MIDDLE,
    PixelPerfectDepthPrior,
    steps_of,
)
from depth_refiner_ros.priors.pixel_perfect_depth_network import ARCHITECTURES, time_features
from depth_refiner_ros.priors.pixel_perfect_depth_weights import read_published
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.priors import official_pixel_perfect_depth as support
from tests.priors.official_depth_anything_3 import patterned
from tests.priors.official_pixel_perfect_depth import TINY, TINY_ENCODER
from tests.priors.official_prior_depth_anything import relative_shapes, sloping_m
from tests.priors.photograph import corridor
from tests.priors.test_pixel_perfect_depth import EXPECTED, numbers

CHECKOUT = Path(sys.prefix) / 'pixel_perfect_depth'
SEMANTICS = ('depth_anything_v2', 'moge2')
pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(
        not CHECKOUT.is_dir(), reason="needs the authors' code; run: make official"
    ),
]


@pytest.fixture(scope='module', autouse=True)
def official():
    """Make the authors' code importable, and let it use torch's attention."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XFORMERS_DISABLED', '1')
        patch.syspath_prepend(str(CHECKOUT))
        yield


@pytest.fixture
def shrunk(monkeypatch):
    """Give the authors' networks and ours tiny shapes."""
    from ppd.models import ppd
    from ppd.models.depth_anything_v2 import dinov2, dpt
    from ppd.moge.model.dinov2.hub import backbones
    from ppd.moge.model.dinov2.models.vision_transformer import DinoVisionTransformer

    shape = {
        'patch_size': 14,
        'embed_dim': TINY_ENCODER.width,
        'depth': TINY_ENCODER.layers,
        'num_heads': TINY_ENCODER.heads,
        'init_values': 1.0,
        'img_size': 518,
        'block_chunks': 0,
    }

    def transformer():
        made = WHOLE(hidden_size=TINY.width, depth=TINY.layers, num_heads=TINY.heads)
        made.proj_fusion[0] = nn.Linear(TINY.width + TINY.semantics, 4 * TINY.width)
        return made

    WHOLE = ppd.DiT
    support.shrink(monkeypatch)
    monkeypatch.setattr(ppd, 'DiT', transformer)
    monkeypatch.setattr(dpt, 'DINOv2', lambda model_name: dinov2.DinoVisionTransformer(**shape))
    monkeypatch.setattr(
        backbones, 'dinov2_tiny', lambda pretrained: DinoVisionTransformer(**shape), raising=False
    )


def theirs(file, semantics, steps=4):
    """Build the authors' own pipeline from files of weights, as their script does."""
    from ppd.models.ppd import PixelPerfectDepth

    made = PixelPerfectDepth(
        semantics_model='DA2' if semantics == 'depth_anything_v2' else 'MoGe2',
        semantics_pth=str(file.with_name(support.ENCODERS[semantics])),
        sampling_steps=steps,
    )
    state = torch.load(file, map_location='cpu', weights_only=True)
    assert not made.load_state_dict(state, strict=False).unexpected_keys
    return made.eval()


def sampled(pipeline, rgb, seed):
    """Return the authors' depth of an image in 0..1, of which the size is right."""
    torch.manual_seed(seed)
    return pipeline.forward_test(rgb)


def off(found, wanted):
    """Return the greatest difference as share of the spread."""
    return float((found - wanted).abs().max() / wanted.std())


def test_names_and_shapes_of_all_weights():
    from ppd.models.dit import DiT

    with torch.device('meta'):
        made = DiT()
    found = {f'dit.{name}': tuple(value.shape) for name, value in made.state_dict().items()}
    assert found == support.official_shapes(ARCHITECTURES['large'])
    print(f'{sum(value.numel() for value in made.parameters()) / 1e6:.2f} M parameters')


@pytest.mark.parametrize('count', [1, 2, 4, 10, 50])
def test_steps_begin_and_end_where_the_authors_do(count):
    from ppd.utils.diffusion.sampler import EulerSampler
    from ppd.utils.diffusion.schedule import LinearSchedule
    from ppd.utils.diffusion.timesteps import Timesteps

    schedule, times = LinearSchedule(T=1000), Timesteps(T=1000, steps=count)
    sampler = EulerSampler(schedule, times, 'velocity')
    assert [time for time, _ in steps_of(count)] == times.timesteps.tolist()
    depth = found = torch.full((1, 1, 2, 2), 0.7, dtype=torch.float64)
    for time, (_, following) in zip(times.timesteps, steps_of(count), strict=True):
        depth = sampler.step(pred=depth.cos(), x_t=depth, t=time)
        found = found + (following - int(time)) / 1000 * found.cos()
    torch.testing.assert_close(found, depth)


def test_of_20_steps_one_begins_at_a_half_which_single_precision_puts_below():
    from ppd.utils.diffusion.timesteps import Timesteps

    theirs = Timesteps(T=1000, steps=20).timesteps.tolist()
    apart = [pair for pair in zip(theirs, steps_of(20), strict=True) if pair[0] != pair[1][0]]
    assert apart in ([], [(499, (500, 449))]), 'by how the processor computes a range'


@pytest.mark.parametrize('size', [(480, 640), (1080, 1920), (375, 1242), (800, 600)])
def test_their_image_differs_by_one_level_of_eight_bits(size):
    from ppd.utils.transform import image2tensor, resize_keep_aspect

    rgb = (corridor(*size) * 255.0).round().byte()
    bgr = np.ascontiguousarray(rgb[0].permute(1, 2, 0).numpy()[..., ::-1])
    wanted = image2tensor(resize_keep_aspect(bgr))
    found = input_rule().prepare(rgb.float() / 255.0)
    levels = (found - wanted).abs() * 255.0
    share = float((levels > 0.5).float().mean())
    print(
        f'{size[1]} x {size[0]} to {wanted.shape[-1]} x {wanted.shape[-2]}: greatest difference '
        f'{float(levels.max()):.0f} of 255, in {share:.1e} of the values'
    )
    assert found.shape == wanted.shape
    assert float(levels.max()) < 1.5
    assert share < 0.02


def compared(pipeline, prior, rgb, seed):
    """Compare stage by stage, each on what theirs was given; return the differences."""
    with torch.inference_mode():
        semantics = pipeline.semantics_prompt(rgb)
        latent = torch.randn(1, 1, *rgb.shape[-2:], generator=torch.Generator().manual_seed(1))
        seen = torch.cat((latent, rgb - 0.5), dim=1)
        tokens = functional.normalize(semantics, dim=-1)
        both = {'semantics': (prior.semantics(rgb), tokens)}
        for time in (1000, 249):
            velocity = pipeline.dit(x=seen, semantics=semantics, timestep=torch.tensor(time))
            mine = prior.network(latent, rgb - MIDDLE, tokens, time_features(time, latent))
            both[f'velocity at {time}'] = mine, velocity
        depth = prior.predict(rgb, None).depth_B1HW
        both['depth'] = depth, sampled(pipeline, rgb, seed)
    return {name: off(*pair) for name, pair in both.items()}


def told(what, differences):
    one_by_one = ', '.join(f'{name} {value:.1e}' for name, value in differences.items())
    print(f'{what}: greatest difference as share of the spread: {one_by_one}')


@pytest.mark.parametrize('semantics', SEMANTICS)
@pytest.mark.parametrize('size', [(768, 1024), (1056, 736)])
def test_tiny_networks_at_true_size(tmp_path, shrunk, semantics, size):
    file = support.published(tmp_path, semantics)
    networks, _ = read_published(file)
    prior = PixelPerfectDepthPrior(networks.semantics, networks.velocity, seed=3)
    rgb = (corridor(*size) * 255.0).round() / 255.0
    assert input_rule().size(size) == size
    differences = compared(theirs(file, semantics), prior, rgb, 3)
    told(f'{size[1]} x {size[0]}, {semantics}', differences)
    assert max(differences.values()) < 1e-4


WIDE = replace(ARCHITECTURES['large'], layers=4)
"""The transformer at its width and few of its layers, which takes gigabytes less."""


def wide_files(folder, semantics):
    """Write files of a wide transformer and of an encoder of true size."""
    if semantics == 'depth_anything_v2':
        shapes = relative_shapes(ENCODER_SHAPES['large'])
        encoder = patterned({name: one for name, one in shapes.items() if 'head' not in name})
        encoder |= {'depth_head.projects.0.weight': torch.ones(1)}
    else:
        encoder = support.moge2_tree('L')
    torch.save(encoder, folder / support.ENCODERS[semantics])
    file = folder / support.TRANSFORMERS[semantics]
    torch.save(support.transformer_weights(WIDE), file)
    return file


@pytest.mark.parametrize('semantics', SEMANTICS)
def test_an_encoder_of_true_size_and_a_transformer_of_true_width(tmp_path, monkeypatch, semantics):
    from ppd.models import ppd

    whole = ppd.DiT
    monkeypatch.setattr(ppd, 'DiT', lambda: whole(depth=WIDE.layers))
    monkeypatch.setitem(ARCHITECTURES, 'large', WIDE)
    file = wide_files(tmp_path, semantics)
    networks, _ = read_published(file)
    rgb = (corridor(96, 128) * 255.0).round() / 255.0
    prior = PixelPerfectDepthPrior(
        networks.semantics, networks.velocity, rule=input_rule(96), seed=3
    )
    differences = compared(theirs(file, semantics), prior, rgb, 3)
    told(f'128 x 96, {semantics}', differences)
    assert max(differences.values()) < 1e-3


@pytest.mark.parametrize('semantics', SEMANTICS)
def test_the_numbers_of_the_ordinary_tests_are_the_authors(tmp_path, shrunk, semantics):
    file = support.published(tmp_path / 'hub', semantics)
    rgb = input_rule(support.SHORT_SIDE).prepare(support.image())
    depth = sampled(theirs(file, semantics), rgb, 0)
    depth = functional.interpolate(depth, (support.HEIGHT, support.WIDTH), mode='nearest')
    print(f'{semantics}: {[float(f"{value:.7g}") for value in numbers(depth)]}')
    assert import_pixel_perfect_depth(file, tmp_path / 'folder') == semantics
    assert numbers(depth) == pytest.approx(EXPECTED[semantics], rel=1e-5)


def log_depth():
    """Return depth in metres from 1 to 4, and what is it up to scale and shift, in log depth."""
    true_m = sloping_m(120, 160)
    return true_m, (true_m.log1p() - 0.5) / 1.3


def both_in_metres(relative, reference_m, mask):
    """Return the authors' metres and ours."""
    from ppd.utils.align_depth_func import recover_metric_depth_ransac

    np.random.seed(666)
    metres = recover_metric_depth_ransac(
        relative[0, 0].numpy(), reference_m[0, 0].numpy(), mask[0, 0].numpy()
    )
    found, _ = to_metres(relative, 'log', reference_m.where(mask, torch.nan))
    return torch.from_numpy(metres)[None, None], found


@pytest.mark.parametrize('wrong', [0.0, 0.2])
def test_right_depth_comes_back_by_their_fit_and_ours_whatever_a_fifth_says(wrong):
    true_m, relative = log_depth()
    generator = torch.Generator().manual_seed(0)
    mask = torch.rand(true_m.shape, generator=generator) < 0.9
    spoilt = torch.rand(true_m.shape, generator=generator) < wrong
    reference_m = torch.where(spoilt, 3.0 * true_m + 2.0, true_m)
    metres, found = both_in_metres(relative, reference_m, mask)
    apart, from_truth = (
        float((one / true_m - 1.0).abs().max()) for one in (found * true_m / metres, metres)
    )
    print(
        f'{wrong:.0%} of the reference wrong: greatest difference from their fit {apart:.1e} of '
        f'the depth, of theirs from the truth {from_truth:.1e}'
    )
    assert apart < 1e-5


def test_with_noise_our_fit_is_no_worse_than_theirs():
    true_m, relative = log_depth()
    noise = torch.randn(true_m.shape, generator=torch.Generator().manual_seed(0))
    metres, found = both_in_metres(relative, true_m * (0.1 * noise).exp(), true_m > 0.0)
    theirs_off, ours_off = (float((one / true_m - 1.0).abs().mean()) for one in (metres, found))
    print(
        f'reference with 10% of noise: mean error of their fit {theirs_off:.1e} of the depth, of '
        f'ours {ours_off:.1e}'
    )
    assert ours_off < theirs_off + 0.005 < 0.05


def test_they_cut_depth_at_the_farthest_of_the_reference_and_we_do_not():
    true_m, relative = log_depth()
    metres, found = both_in_metres(relative, true_m, true_m < 3.0)
    assert float(metres.max()) == pytest.approx(float(true_m[true_m < 3.0].max()))
    torch.testing.assert_close(found, true_m, rtol=1e-4, atol=1e-4)
    assert NEAREST_M == 1e-3
    assert float(found.max()) < FARTHEST_M
