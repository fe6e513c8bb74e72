# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The real UniDepth v1 and v2 with random weights on a CPU (``make official``)."""

import importlib
import json
import logging
import subprocess
import sys
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors.base import predict_whole
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.unidepth import corner_matrix
import pytest
import torch
from torch.nn import functional

from tests.priors.official_networks import (
    environment_with_xformers,
    folder_of,
    needs_packages,
    refine,
    small_v1,
    small_v2,
    unidepth,
    V1,
    V2,
    XFORMERS,
)
from tests.priors.photograph import corridor

pytestmark = needs_packages


def camera(height, width):
    return Intrinsics.from_fov(width, height, 60.0)


def official(network, rgb, intrinsics):
    """Return the result of the authors' own call."""
    image = (rgb * 255.0).round().to(torch.uint8)
    matrix = None if intrinsics is None else corner_matrix(intrinsics)[None]
    return network.infer(image, matrix)['depth']


def official_attention():
    """Import the class that UniDepth v1's authors took from xformers."""
    sys.path.insert(0, str(XFORMERS))
    # Its kernels are of another torch, which it says; its attention is plain Python.
    logging.getLogger('xformers').setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return importlib.import_module('xformers.components.attention').NystromAttention
    finally:
        sys.path.remove(str(XFORMERS))


def nystrom_blocks(network):
    block_class = importlib.import_module('unidepth.layers').NystromBlock
    return [module for module in network.modules() if isinstance(module, block_class)]


def as_the_authors_ran_it(network):
    """Give each block the attention that its constructor creates if xformers has that class."""
    attention_class = official_attention()
    for block in nystrom_blocks(network):
        block.attention_fn = attention_class(
            num_landmarks=128, num_heads=block.num_heads, dropout=0.0
        )
    return network.eval()


def shown(what, depth):
    low, high = (float(value) for value in (depth.min(), depth.max()))
    print(f'{what}: {depth.shape[-1]}x{depth.shape[-2]}, {low:.3f} to {high:.3f} m')
    return depth


def test_v1_as_published_gives_the_map_of_the_authors_own_attention(tmp_path):
    network = unidepth('UniDepthV1', V1)
    print(f'{sum(value.numel() for value in network.parameters()) / 1e6:.1f} M parameters')
    prior = build_prior('unidepth_v1', str(folder_of(network, V1, tmp_path / 'v1')))
    rgb = corridor(480, 640)
    ours = shown('unidepth_v1', predict_whole(prior, rgb, camera(480, 640)).depth_B1HW)
    theirs = official(as_the_authors_ran_it(network), rgb, camera(480, 640))
    shown('as its authors ran it', theirs)
    assert float(theirs.std()) > 0.01 * float(theirs.mean()), 'a flat map would compare nothing'
    print(f'greatest difference {float((ours - theirs).abs().max()):.2g} m')
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0.0)


@pytest.mark.parametrize('intrinsics', [True, False])
def test_small_v1_agrees_too_and_attention_of_pixels_would_not(tmp_path, intrinsics):
    network = unidepth('UniDepthV1', small_v1(), seed=1)
    prior = build_prior('unidepth_v1', str(folder_of(network, small_v1(), tmp_path / 'v1')))
    rgb, known = corridor(120, 160), camera(120, 160) if intrinsics else None
    ours = predict_whole(prior, rgb, known).depth_B1HW
    theirs = official(as_the_authors_ran_it(network), rgb, known)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0.0)

    def of_pixels(queries, keys, values, key_padding_mask=None):
        swapped = (value.transpose(1, 2) for value in (queries, keys, values))
        return functional.scaled_dot_product_attention(*swapped).transpose(1, 2)

    for block in nystrom_blocks(network):
        del block.attention_fn
        block.attention_fn = of_pixels
    other = official(network, rgb, known)
    assert float((other / theirs - 1.0).abs().mean()) > 1e-3


def test_the_authors_attention_has_more_landmarks_than_heads():
    """With a sequence longer than the landmarks it would approximate, which ours never does."""
    attention = official_attention()(num_landmarks=128, num_heads=4, dropout=0.0)
    blocks = nystrom_blocks(unidepth('UniDepthV1', small_v1()))
    assert {block.num_heads for block in blocks} == {4, 2}
    heads_of_pixels = torch.randn(2, 700, 4, 32)
    called = []
    attention.landmark_pooling.register_forward_hook(lambda *found: called.append(found))
    attention(heads_of_pixels, heads_of_pixels, heads_of_pixels)
    assert not called
    pixels = torch.randn(2, 700, 32)
    attention(pixels, pixels, pixels)
    assert called


LOST = [(206, 500), (35, 47), (37, 86), (721, 850)]
"""Rows and columns of images for which UniDepth v2 itself returns one column."""
KEPT = [(500, 206), (480, 640), (100, 640), (640, 100)]


def test_v2_as_published(tmp_path):
    network = unidepth('UniDepthV2', V2)
    prior = build_prior('unidepth_v2', str(folder_of(network, V2, tmp_path / 'v2')))
    rgb = corridor(480, 640)
    ours = shown('unidepth_v2', predict_whole(prior, rgb, camera(480, 640)).depth_B1HW)
    assert torch.equal(ours, official(network, rgb, camera(480, 640)))
    rgb, known = corridor(206, 500), camera(206, 500)
    theirs = official(network, rgb, known)
    assert shown('unidepth_v2 by its own call', theirs).shape == (1, 1, 206, 1)
    ours = shown('unidepth_v2', predict_whole(prior, rgb, known).depth_B1HW)
    assert ours.shape == (1, 1, 206, 500)
    assert bool(torch.isfinite(ours).all())


@pytest.mark.parametrize('size', LOST + KEPT, ids='{0[1]}x{0[0]}'.format)
@pytest.mark.parametrize('intrinsics', [True, False])
def test_small_v2_returns_maps_of_every_size(tmp_path, size, intrinsics):
    network = unidepth('UniDepthV2', small_v2(), seed=2)
    prior = build_prior('unidepth_v2', str(folder_of(network, small_v2(), tmp_path / 'v2')))
    rgb, known = corridor(*size), camera(*size) if intrinsics else None
    ours = predict_whole(prior, rgb, known).depth_B1HW
    assert ours.shape == (1, 1, *size)
    assert bool((torch.isfinite(ours) & (ours > 0.0)).all())
    theirs = official(network, rgb, known)
    if size in KEPT:
        assert torch.equal(ours, theirs)
        return
    assert theirs.shape[-1] == 1
    assert float(ours.std(dim=-1).mean()) > 1e-3 * float(ours.mean()), 'one column, stretched'


def test_a_batch_shares_no_camera(tmp_path):
    network = unidepth('UniDepthV2', small_v2(), seed=2)
    prior = build_prior('unidepth_v2', str(folder_of(network, small_v2(), tmp_path / 'v2')))
    rgb = torch.cat([corridor(120, 160), corridor(120, 160).flip(-1)])
    both = prior.predict(rgb, camera(120, 160)).depth_B1HW
    alone = torch.cat([prior.predict(one[None], camera(120, 160)).depth_B1HW for one in rgb])
    torch.testing.assert_close(both, alone, rtol=1e-4, atol=0.0)


@pytest.mark.parametrize(
    ('prior', 'class_name', 'config'),
    [('unidepth_v1', 'UniDepthV1', small_v1()), ('unidepth_v2', 'UniDepthV2', small_v2())],
    ids=['v1', 'v2'],
)
def test_the_command_refines_a_photograph(tmp_path, prior, class_name, config):
    weights = folder_of(unidepth(class_name, config), config, tmp_path / 'weights')
    summary = refine(tmp_path, prior, weights)
    assert summary['frames'] == 1
    assert summary['dropped'] == {}


WITH_XFORMERS = """
import json, sys
import xformers.components.attention
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.unidepth import Intrinsics
import torch
prior = build_prior(sys.argv[1], sys.argv[2])
depth = prior.predict(torch.full((1, 3, 120, 160), 0.5), Intrinsics.from_fov(160, 120, 60.0))
import xformers.ops
print(json.dumps({'depth_m': float(depth.depth_B1HW.mean()), 'file': xformers.__file__}))
"""


@pytest.mark.skipif(not XFORMERS.is_dir(), reason='xformers has no wheel for this machine')
def test_an_xformers_of_another_torch_does_no_harm(tmp_path):
    network = unidepth('UniDepthV1', small_v1(), seed=1)
    folder = folder_of(network, small_v1(), tmp_path / 'v1')
    done = subprocess.run(
        [sys.executable, '-c', WITH_XFORMERS, 'unidepth_v1', str(folder)],
        env=environment_with_xformers(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, 'the package prints that v1 cannot run'
    found = json.loads(lines[0])
    rgb = torch.full((1, 3, 120, 160), 0.5)
    here = build_prior('unidepth_v1', str(folder)).predict(rgb, camera(120, 160)).depth_B1HW
    assert found['depth_m'] == pytest.approx(float(here.mean()), rel=1e-5)
    assert str(XFORMERS) in found['file']
