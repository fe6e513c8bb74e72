# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
InfiniDepth as written here against its authors' code (``make official``).

That code asks for a GPU when a network is built; here it stays on the CPU, where it computes in
single precision, but for one comparison. It is given images of the network's size and at most as
many measured points as it takes, so that its random choice of points leaves none out.
"""

from pathlib import Path
import sys
import warnings

from depth_refiner_ros.priors.infinidepth import (
    InfiniDepthPrior,
    InfiniDepthSensorPrior,
    LEAST_DISPARITY,
    pixel_centres,
)
from depth_refiner_ros.priors.infinidepth_names import renamed
from depth_refiner_ros.priors.infinidepth_network import ARCHITECTURES, InfiniDepthNetworks
from depth_refiner_ros.priors.infinidepth_prompt import prompt_of
from depth_refiner_ros.priors.infinidepth_weights import NAME, SENSOR
from depth_refiner_ros.priors.preprocess import HALF, IMAGENET, normalised
import pytest
import torch

from tests.priors import official_infinidepth as support
from tests.priors.official_infinidepth import TINY
from tests.priors.official_prior_depth_anything import points_m
from tests.priors.photograph import corridor
from tests.priors.test_infinidepth import EXPECTED, numbers, picture, TINY_SIZE

CHECKOUT = Path(sys.prefix) / 'infinidepth'
CLASSES = {NAME: 'InfiniDepth', SENSOR: 'InfiniDepth_DepthSensor'}
PRIORS = {NAME: InfiniDepthPrior, SENSOR: InfiniDepthSensorPrior}
BOUND = 1e-5
"""Of the greatest difference of a stage, as share of its mean size."""
pytestmark = [
    pytest.mark.packages,
    pytest.mark.filterwarnings('ignore'),  # theirs, of torch's autocast without a GPU
    pytest.mark.skipif(
        not CHECKOUT.is_dir(), reason="needs the authors' code; run: make official"
    ),
]


@pytest.fixture(scope='module', autouse=True)
def official():
    """Make the authors' code importable, and able to build networks without a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(CHECKOUT))
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            from InfiniDepth.model import model
        patch.setattr(model._BaseInfiniDepthModel, 'cuda', lambda self: self)
        yield model


@pytest.fixture
def shrunk(official, monkeypatch):
    """Give the authors' networks the tiny shape."""
    monkeypatch.syspath_prepend(f'{CHECKOUT}/InfiniDepth/model/block/torchhub/dinov3')
    from dinov3.hub import backbones

    sizes = {'embed_dim': TINY.width, 'depth': TINY.layers, 'num_heads': TINY.heads}
    prompt = {
        'transformer_dim': TINY.width,
        'num_blocks': TINY.prompt_layers,
        'num_heads': TINY.prompt_heads,
    }
    taken = {'layer_idxs': list(range(TINY.layers))}
    monkeypatch.setitem(official.dinov3_model_configs, 'vitl16', taken)
    for owner, name, given in (
        (backbones, '_make_dinov3_vit', sizes),
        (official, 'BasicEncoder', {'output_dim': TINY.details}),
        (official, 'ImplicitHead', {'basic_dim': TINY.details, 'hidden_list': list(TINY.hidden)}),
        (official, 'SelfAttnPromptModel', prompt),
    ):
        monkeypatch.setattr(owner, name, with_other(getattr(owner, name), given))


def with_other(build, given):
    return lambda **named: build(**{**named, **given})


def without_weights(official, prior):
    """Build the authors' own network on a device without memory."""
    with pytest.MonkeyPatch.context() as patch, torch.device('meta'):
        patch.setattr(torch.cuda, 'is_available', lambda: True)
        return getattr(official, CLASSES[prior])()


def both(official, one, prior):
    """Return their network and that of this package with the same weights."""
    network, state = (
        without_weights(official, prior),
        support.weights(one, prompted=prior == SENSOR),
    )
    with torch.device('meta'):
        mine = InfiniDepthNetworks(one, prompted=prior == SENSOR)
    network.load_state_dict(state, assign=True)
    mine.load_state_dict(renamed(state), assign=True)
    return [found.eval().requires_grad_(False) for found in (network, mine)]


def given_to_theirs(sensor_m):
    """Return measured depth as their script gives it, which is their truth, too."""
    if sensor_m is None:
        return {}
    inverse = sensor_m.reciprocal().nan_to_num(0.0)
    known = (inverse > 0.0).float()
    return {
        'gt_depth': inverse,
        'gt_depth_mask': known,
        'prompt_depth': inverse,
        'prompt_mask': known,
    }


def their_points(points):
    """Return points as down and right, which is the authors' order."""
    return points.flip(-1)


def their_depth(network, rgb, sensor_m):
    """Return depth and disparity of their entry point, as maps of the image."""
    size = rgb.shape[-2:]
    asked = their_points(pixel_centres(0, size[0], size, rgb.device))
    found = network.inference(rgb, asked, **given_to_theirs(sensor_m))
    return [one[..., 0].unflatten(1, size)[:, None] for one in found]


def share_off(found, wanted):
    """Return the greatest difference as share of the mean size."""
    return float((found - wanted).abs().max() / wanted.abs().mean())


def in_double(mine, wanted, rgb):
    """Return both maps of fine detail; in single precision, norms make 3e-5 of rounding."""
    pixels = normalised(rgb, HALF).double()
    maps = [network.double()(pixels) for network in (mine, wanted)]
    for network in (mine, wanted):
        network.float()
    return maps


@pytest.mark.parametrize('prior', CLASSES)
def test_names_and_shapes_of_all_weights(official, prior):
    weights = without_weights(official, prior).state_dict()
    found = {name: tuple(value.shape) for name, value in weights.items()}
    assert found == support.official_shapes(ARCHITECTURES['large'], prompted=prior == SENSOR)
    millions = sum(torch.Size(shape).numel() for shape in found.values()) / 1e6
    print(f'{prior}: {millions:.2f} M numbers')


@pytest.mark.parametrize('prior', CLASSES)
def test_each_stage_at_true_width(official, prior):
    """Compare stage by stage, each on what theirs was given, then all together."""
    size = (192, 256)
    one = ARCHITECTURES['large']
    rgb = (corridor(*size) * 255.0).round() / 255.0
    sensor_m = points_m(0.02, *size) if prior == SENSOR else None
    network, mine = both(official, one, prior)
    off = {}
    state = official._InferenceState()
    plain = network.pretrained.get_intermediate_layers(normalised(rgb, IMAGENET), n=[23])[0]
    off['encoder'] = share_off(mine.encoder.encoder(normalised(rgb, IMAGENET)), plain)
    prompt = None
    if sensor_m is not None:
        state = network._prepare_inference(official._InferenceState(**given_to_theirs(sensor_m)))
        prompt = prompt_of(sensor_m)
        off['median'] = share_off(prompt.median_B1, state.reference_meta.flatten(1))
    features, detail, rows, columns, _ = network._prepare_backbone_features(rgb, state)
    tokens = features[-1][0]
    if prompt is not None:
        found = mine.encoder.prompt(plain, (rows, columns), prompt.values_BP, prompt.places_BP2)
        off['prompt'] = share_off(found, tokens)
        assert share_off(tokens, plain) > 0.1, 'a prompt that changes nothing compares nothing'
    off['detail'] = share_off(*in_double(mine.encoder.detail, network.basic_encoder, rgb))
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(1, 2000, 2, generator=generator) * 2.0 - 1.0
    corners = torch.tensor([[-0.999, -0.999], [0.999, -0.999], [0.999, 0.999]])
    points[0, :3] = corners
    wanted = network.depth_implicit_head(features, detail, rows, columns, their_points(points))
    entered = mine.encoder.entry(tokens).transpose(1, 2).unflatten(2, (rows, columns))
    off['decoder'] = share_off(mine.decoder(entered, detail, points), wanted[..., 0])
    depth, inverse = their_depth(network, rgb, sensor_m)
    with torch.inference_mode():
        whole = PRIORS[prior](mine, size=lambda image: size).predict(rgb, None, sensor_m)
    wanted = inverse if prior == NAME else depth
    assert float(inverse.min()) > LEAST_DISPARITY
    assert float(wanted.std()) > 0.01 * float(wanted.mean()), 'a flat map would compare nothing'
    off['all together'] = share_off(whole.depth_B1HW, wanted)
    print(
        f'{prior}, {size[1]} x {size[0]}: {float(wanted.min()):.3f} to {float(wanted.max()):.3f}, '
        'greatest difference as share of the mean: '
        f'{", ".join(f"{name} {value:.1e}" for name, value in off.items())}'
    )
    assert max(off.values()) < BOUND


@pytest.mark.parametrize('prior', CLASSES)
def test_a_whole_image_of_the_size_of_their_script(official, shrunk, prior):
    size = (768, 1024)
    rgb = (corridor(*size) * 255.0).round() / 255.0
    sensor_m = points_m(0.0015, *size) if prior == SENSOR else None
    network, mine = both(official, TINY, prior)
    depth, inverse = their_depth(network, rgb, sensor_m)
    found = PRIORS[prior](mine).predict(rgb, None, sensor_m).depth_B1HW
    wanted = inverse if prior == NAME else depth
    error = share_off(found, wanted)
    print(f'{prior}: tiny network, {size[1]} x {size[0]}, greatest difference {error:.1e}')
    assert float(wanted.std()) > 0.01 * float(wanted.mean())
    assert error < BOUND


@pytest.mark.parametrize('prior', CLASSES)
def test_the_numbers_of_the_ordinary_tests_are_the_authors(official, shrunk, prior):
    network, _ = both(official, TINY, prior)
    sensor_m = points_m(0.05, *TINY_SIZE) if prior == SENSOR else None
    depth, inverse = their_depth(network, picture(), sensor_m)
    found = numbers(inverse if prior == NAME else depth)
    print(f'{prior}: {[float(f"{value:.7g}") for value in found]}')
    assert found == pytest.approx(EXPECTED[prior], rel=1e-5)
