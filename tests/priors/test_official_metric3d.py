# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The real Metric3D v2 with random weights on a CPU (``make official``)."""

import json
import subprocess
import sys

import cv2
from depth_refiner_ros.apps import doctor
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors import packages
from depth_refiner_ros.priors.base import predict_whole
from depth_refiner_ros.priors.foreign_code import foreign_code
from depth_refiner_ros.priors.import_checkpoint import import_metric3d
from depth_refiner_ros.priors.metric3d import Metric3DNetwork, place_anchors
from depth_refiner_ros.priors.registry import build_prior
import numpy as np
import pytest
import torch
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.overrides import TorchFunctionMode

from tests.priors.official_networks import (
    environment_with_xformers,
    needs_packages,
    randomised,
    refine,
    XFORMERS,
)
from tests.priors.photograph import corridor
from tests.priors.test_official_unidepth import shown, WITH_XFORMERS

pytestmark = needs_packages

CAMERA = Intrinsics(fx=500.0, fy=500.0, cx=319.5, cy=239.5, width=640, height=480)


@pytest.fixture(scope='module')
def network():
    return randomised(packages.metric3d_network(), seed=3)


@pytest.fixture(scope='module')
def folder(network, tmp_path_factory):
    """A checkpoint as the authors publish it, through the converter."""
    checkpoint = tmp_path_factory.mktemp('published') / 'metric_depth_vit_small_800k.pth'
    torch.save({'model_state_dict': network.state_dict()}, checkpoint)
    return import_metric3d(checkpoint, checkpoint.parent / 'imported', 'metric3d_vit_small')


class OnTheCpu(TorchFunctionMode):
    """Runs on the CPU what the authors' code requests on "cuda", with the same numbers."""

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = dict(named or {})
        if named.get('device') == 'cuda':
            named['device'] = 'cpu'
        return function(*arguments, **named)


def their_depth_m(network, rgb_B3HW, camera):
    """
    What hubconf.py of the checkout does with an image, step by step.

    Only the resized image is not rounded to bytes, which random weights would amplify.
    """
    image = (rgb_B3HW[0].permute(1, 2, 0) * 255.0).numpy()
    rows, columns = image.shape[:2]
    scale = min(616 / rows, 1064 / columns)
    small = cv2.resize(
        image, (int(columns * scale), int(rows * scale)), interpolation=cv2.INTER_LINEAR
    )
    lacking = 616 - small.shape[0], 1064 - small.shape[1]
    top, left = lacking[0] // 2, lacking[1] // 2
    grey = (123.675, 116.28, 103.53)
    padded = cv2.copyMakeBorder(
        small, top, lacking[0] - top, left, lacking[1] - left, cv2.BORDER_CONSTANT, value=grey
    )
    pixels = (padded - np.float32(grey)) / np.float32((58.395, 57.12, 57.375))
    with OnTheCpu():
        data = {'input': torch.from_numpy(pixels).permute(2, 0, 1)[None]}
        depth = network.inference(data)[0]
    depth = depth[:, :, top : top + small.shape[0], left : left + small.shape[1]]
    depth = torch.nn.functional.interpolate(depth, (rows, columns), mode='bilinear')
    return depth * (camera.fx * scale / 1000.0)


def test_its_own_code_asks_for_a_gpu(network):
    if torch.cuda.is_available():
        pytest.skip('this machine has one')
    with pytest.raises((RuntimeError, AssertionError), match=r'NVIDIA|CUDA'):
        network.inference({'input': torch.zeros(1, 3, 112, 140)})


def test_the_small_model_gives_the_authors_map_on_a_cpu(network, folder):
    prior = build_prior('metric3d_v2', str(folder))
    rgb = corridor(480, 640)
    ours = shown('metric3d_v2 small', predict_whole(prior, rgb, CAMERA).depth_B1HW)
    assert bool((torch.isfinite(ours) & (ours > 0.0)).all())
    theirs = shown('by hubconf.py', their_depth_m(network, rgb, CAMERA))
    assert float(theirs.std()) > 0.01 * float(theirs.mean()), 'a flat map would compare nothing'
    relative = (ours / theirs - 1.0).abs()
    print(f'differences: mean {float(relative.mean()):.1g}, greatest {float(relative.max()):.1g}')
    assert float(relative.mean()) < 1e-3


def test_the_network_itself_is_the_authors(network, folder):
    ours = build_prior('metric3d_v2', str(folder)).network
    pixels = torch.randn(1, 3, 112, 140, generator=torch.Generator().manual_seed(0))
    with OnTheCpu():
        theirs = network.inference({'input': pixels})[0]
    assert torch.equal(ours(pixels), theirs)


def test_the_command_refines_a_photograph(folder, tmp_path):
    summary = refine(tmp_path, 'metric3d_v2', folder)
    assert summary['frames'] == 1
    assert summary['dropped'] == {}


def test_one_network_serves_batches_that_grow(folder):
    ours = build_prior('metric3d_v2', str(folder)).network
    pixels = torch.randn(3, 3, 112, 140, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([ours(one[None]) for one in pixels])
    torch.testing.assert_close(ours(pixels), alone, rtol=1e-3, atol=1e-3)


def test_no_compiler_can_run_it_whole(folder):
    """Why it runs its own code under every backend; if this fails, a backend can run it."""
    network = build_prior('metric3d_v2', str(folder)).network
    with pytest.raises(GuardOnDataDependentSymNode):
        torch.export.export(network, (torch.zeros(1, 3, 112, 140),))


@pytest.mark.parametrize(
    ('architecture', 'millions'), [('metric3d_vit_large', 412), ('metric3d_vit_giant2', 1378)]
)
def test_the_large_models_are_built(architecture, millions):
    """Only shapes, because the weights would take gigabytes."""

    class Linspace(TorchFunctionMode):
        def __torch_function__(self, function, types, arguments=(), named=None):
            named = dict(named or {})
            if function is torch.linspace:
                named['device'] = 'cpu'
            return function(*arguments, **named)

    with foreign_code(), torch.device('meta'), Linspace():
        network = packages.metric3d_network(architecture)
    count = sum(value.numel() for value in network.parameters()) / 1e6
    print(f'{architecture}: {count:.1f} M parameters')
    assert round(count) == millions
    place_anchors(network.depth_model.decoder)
    assert 'depth_expectation_anchor' in network.depth_model.decoder._buffers
    assert Metric3DNetwork(network).model is network


@pytest.mark.skipif(not XFORMERS.is_dir(), reason='xformers has no wheel for this machine')
def test_an_xformers_of_another_torch_does_no_harm(folder):
    done = subprocess.run(
        [sys.executable, '-c', WITH_XFORMERS, 'metric3d_v2', str(folder)],
        env=environment_with_xformers(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rgb = torch.full((1, 3, 120, 160), 0.5)
    camera = Intrinsics.from_fov(160, 120, 60.0)
    here = build_prior('metric3d_v2', str(folder)).predict(rgb, camera).depth_B1HW
    assert json.loads(done.stdout)['depth_m'] == pytest.approx(float(here.mean()), rel=1e-4)


def test_doctor_says_that_both_packages_work():
    found = {finding.what: finding for finding in doctor.other_priors()}
    for package in packages.PACKAGES:
        assert found[package.name].state == 'ok'
        assert package.commit[:7] in found[package.name].found
        print(f'{package.name}: {found[package.name].found}')
