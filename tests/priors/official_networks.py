# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The real networks of other authors with random weights, and folders of them."""

import json
import os
from pathlib import Path
import subprocess
import sys

import cv2
from depth_refiner_ros.priors import packages
from depth_refiner_ros.priors.foreign_code import foreign_code
import pytest
from safetensors.torch import save_file
import torch

from tests.priors.photograph import corridor

needs_packages = [
    pytest.mark.packages,
    pytest.mark.skipif(
        any(package.found() != package.commit for package in packages.PACKAGES),
        reason='needs the real packages; run: make official',
    ),
]
MOGE_COMMIT = '07444410f1e33f402353b99d6ccd26bd31e469e8'
needs_moge = [
    pytest.mark.packages,
    pytest.mark.skipif(
        packages.installed_commit('moge') != MOGE_COMMIT,
        reason="needs the authors' MoGe-2; run: make official",
    ),
]
XFORMERS = Path(sys.prefix) / 'xformers'

V1 = {
    'training': {},
    'data': {'image_shape': [462, 616]},
    'model': {
        'name': 'UniDepthV1',
        'num_heads': 8,
        'expansion': 4,
        'pixel_decoder': {'hidden_dim': 512, 'depths': [3, 2, 1], 'dropout': 0.0},
        'pixel_encoder': {'name': 'dinov2_vitl14', 'pretrained': None},
    },
}
"""What the published unidepth-v1-vitl14 is configured with."""

V2 = {
    'training': {'losses': {}, 'drop_path': 0.0, 'use_checkpoint': False},
    'data': {
        'augmentations': {
            'shape_constraints': {
                'ratio_bounds': [0.5, 2.5],
                'pixels_min': 200_000,
                'pixels_max': 600_000,
                'shape_mult': 14,
            }
        }
    },
    'model': {
        'name': 'UniDepthV2',
        'num_heads': 8,
        'expansion': 4,
        'layer_scale': 1.0,
        'pixel_decoder': {
            'name': 'Decoder',
            'hidden_dim': 256,
            'dropout': 0.0,
            'depths': [2, 2, 2],
            'out_dim': 32,
            'kernel_size': 3,
        },
        'pixel_encoder': {
            'name': 'dinov2_vits14',
            'pretrained': None,
            'num_register_tokens': 0,
            'use_norm': True,
            'freeze_norm': True,
            'stacking_fn': 'last',
            'output_idx': [3, 6, 9, 12],
        },
    },
}
"""What the published unidepth-v2-vits14 is configured with, for inference."""


def small_v1():
    """The real class with the small encoder and a quarter of the decoder's width."""
    return {
        **V1,
        'data': {'image_shape': [154, 210]},
        'model': {
            **V1['model'],
            'pixel_decoder': {'hidden_dim': 128, 'depths': [3, 2, 1], 'dropout': 0.0},
            'pixel_encoder': {'name': 'dinov2_vits14', 'pretrained': None},
        },
    }


def small_v2():
    """The published configuration at a tenth of its pixels."""
    constraints = V2['data']['augmentations']['shape_constraints']
    few = {**constraints, 'pixels_min': 20_000, 'pixels_max': 60_000}
    return {**V2, 'data': {'augmentations': {'shape_constraints': few}}}


def copied(config):
    """The classes write into the configuration that they are given."""
    return json.loads(json.dumps(config))


def randomised(network, seed=0):
    """Weights of a variance that keeps signals alive: the classes start near a constant map."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.named_parameters():
        with torch.no_grad():
            if value.ndim > 1:
                spread = value[0].numel() ** -0.5
                value.copy_(torch.randn(value.shape, generator=generator) * spread)
            elif name.endswith('bias'):
                value.zero_()
            else:
                value.fill_(1.0)
    return network.eval()


def unidepth(class_name, config, seed=0):
    """Build a network like the package itself."""
    network_class = getattr(packages.unidepth_models(), class_name)
    with foreign_code():
        return randomised(network_class(copied(config)), seed)


def folder_of(network, config, folder):
    """Write a folder as on the hub: config.json and safetensors."""
    folder.mkdir()
    (folder / 'config.json').write_text(json.dumps(config))
    # Tied or strided tensors cannot be written as they are.
    save_file(
        {name: value.clone().contiguous() for name, value in network.state_dict().items()},
        folder / 'model.safetensors',
    )
    return folder


def refine(folder, prior, weights):
    """Run the command on a photograph with the bundled refiner; return its output."""
    rgb_HW3 = (corridor(206, 500)[0].permute(1, 2, 0) * 255.0).to(torch.uint8).numpy()
    cv2.imwrite(str(folder / 'photo.png'), rgb_HW3[..., ::-1])
    words = ['refine', str(folder / 'photo.png'), '-o', str(folder / 'out')]
    words += ['--prior', prior, '--prior-weights', str(weights)]
    done = subprocess.run(
        [sys.executable, '-m', 'depth_refiner_ros.cli.main', *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f'prior {prior}' in done.stdout + done.stderr
    return json.loads((folder / 'out/summary.json').read_text())


def environment_with_xformers():
    """Environment of a process that can import the xformers of UniDepth v1's authors."""
    return {**os.environ, 'PYTHONPATH': os.pathsep.join([str(XFORMERS), str(Path.cwd())])}
