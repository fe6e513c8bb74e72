# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small networks with example inputs, as backends get them."""

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.diffusion.codec import VaeDecoder, VaeEncoder
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from diffusers import AutoencoderTiny
import torch
from torch import nn

from tests.tiny_networks import metric_network, TASK, tiny_lotus, tiny_vae


class Block(nn.Module):
    """The smallest network with all relevant parts: a convolution, a norm, two inputs."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(5, 8, 3, padding=1)
        self.norm = nn.GroupNorm(2, 8)
        self.head = nn.Conv2d(8, 2, 1)
        self.gain = 1.5

    def forward(self, image, rays):
        features = self.norm(self.conv(torch.cat([image, rays], dim=1)))
        return self.head(nn.functional.silu(features)) * self.gain


def ready(module):
    return module.eval().requires_grad_(False)


def block(seed=0):
    return ready(Block(seed))


def block_inputs(size=8):
    torch.manual_seed(1)
    return torch.rand(1, 3, size, size), torch.randn(1, 2, size, size)


def folded_unet():
    torch.manual_seed(0)
    unet = ready(tiny_lotus())
    return ready(FoldedUnet(unet, 999, torch.randn(1, 2, 12), torch.tensor(TASK)))


def tiny_autoencoder():
    torch.manual_seed(0)
    return ready(
        AutoencoderTiny(
            encoder_block_out_channels=(8, 8),
            num_encoder_blocks=(1, 1),
            decoder_block_out_channels=(8, 8),
            num_decoder_blocks=(1, 1),
        )
    )


def tiny_kl():
    torch.manual_seed(0)
    return ready(tiny_vae())


NETWORKS = {
    'unet': (folded_unet, [(1, 8, 16, 16)]),
    'vae_encoder': (lambda: VaeEncoder(tiny_kl()), [(1, 3, 32, 32)]),
    'vae_decoder': (lambda: VaeDecoder(tiny_kl()), [(1, 4, 16, 16)]),
    'tiny_encoder': (lambda: VaeEncoder(tiny_autoencoder()), [(1, 3, 32, 32)]),
    'tiny_decoder': (lambda: VaeDecoder(tiny_autoencoder()), [(1, 4, 16, 16)]),
    'prior': (metric_network, [(1, 3, 64, 64), (1, 2, 64, 64)]),
}


def network(name):
    """Return a network of each kind that the package runs, with inputs."""
    build, shapes = NETWORKS[name]
    module = ready(build())
    torch.manual_seed(2)
    return module, tuple(torch.rand(shape) for shape in shapes)


def on_cpu(backend, folder, precision='fp32', **options):
    """Return the runners of a backend on this machine."""
    execution = Execution(device=torch.device('cpu'), precision=precision, backend=backend)
    return ModelRunners(execution, BackendOptions(engine_cache=str(folder), **options))
