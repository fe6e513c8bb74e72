# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small networks with example inputs, as backends get them."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.codec import VaeDecoder, VaeEncoder
from depth_refiner_ros.priors.bundled import BundledPrior, write_prior_bundle
from depth_refiner_ros.priors.depth_anything_3_names import renamed
from depth_refiner_ros.priors.depth_anything_3_network import DepthAnything3Network
from depth_refiner_ros.priors.infinidepth_names import renamed as renamed_of_points
from depth_refiner_ros.priors.infinidepth_network import InfiniDepthNetworks
from depth_refiner_ros.priors.pixel_perfect_depth_names import renamed as renamed_of_transformer
from depth_refiner_ros.priors.pixel_perfect_depth_network import VelocityNetwork
from depth_refiner_ros.priors.prior_depth_anything_names import renamed as renamed_of_conditioned
from depth_refiner_ros.priors.prior_depth_anything_network import DisparityNetwork
from depth_refiner_ros.priors.video_depth_anything_names import renamed as renamed_of_video
from depth_refiner_ros.priors.video_depth_anything_network import VideoDepthAnythingNetwork
from diffusers import AutoencoderTiny
import torch
from torch import nn

from tests.priors.official_depth_anything_3 import official_shapes, patterned, TINY_ANY_VIEW
from tests.priors.official_infinidepth import TINY as TINY_INFINIDEPTH
from tests.priors.official_infinidepth import weights as point_weights
from tests.priors.official_pixel_perfect_depth import TINY as TINY_TRANSFORMER
from tests.priors.official_pixel_perfect_depth import transformer_weights
from tests.priors.official_prior_depth_anything import TINY as TINY_CONDITIONED
from tests.priors.official_prior_depth_anything import weights as conditioned_weights
from tests.priors.official_video_depth_anything import TINY as TINY_VIDEO
from tests.priors.official_video_depth_anything import weights as video_weights
from tests.tiny_networks import LITE, lotus, METRIC, metric_network, small

KEPT = [(1, 31, places, 32) for places in (12, 12, 4, 4, 12, 12, 48, 48)]
"""Shapes of what attentions kept of the images before, for 3 x 4 patches."""


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


@cache
def of_lotus():
    """Return the networks that a tiny SharpDepth from a bundle gives to its backend."""
    with TemporaryDirectory() as folder:
        bundle = write_refiner_bundle(
            Path(folder) / 'tiny', lotus(), name='tiny', licence='Apache-2.0', source='random'
        )
        refiner = read_refiner(bundle)
    given = {}
    refiner.attach_backend(lambda module, key: given.setdefault(key, module))
    return given


def on_pixels():
    """Return the network that a small ApDepth gives to its backend."""
    given = {}
    small().attach_backend(lambda module, key: given.setdefault(key, module))
    return given['unet']


def bundled_prior(config=METRIC):
    with TemporaryDirectory() as folder:
        network = metric_network(config=config)
        return BundledPrior(write_prior_bundle(Path(folder) / 'tiny', network, {})).network


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


def depth_anything_3():
    # One layer before those of views, as few as show all kinds: each takes a second to export.
    one = replace(TINY_ANY_VIEW, layers=4, views_from=1, taps=(0, 1, 2, 3))
    network = DepthAnything3Network(one)
    network.load_state_dict(renamed(patterned(official_shapes(one))))
    return network


def prior_depth_anything():
    one = replace(TINY_CONDITIONED, layers=4, taps=(0, 1, 2, 3))
    network = DisparityNetwork(one, conditioned=True)
    network.load_state_dict(renamed_of_conditioned(conditioned_weights(one)[1]))
    return network


def infinidepth():
    one = replace(TINY_INFINIDEPTH, layers=1, prompt_layers=1)
    networks = InfiniDepthNetworks(one, prompted=True)
    networks.load_state_dict(renamed_of_points(point_weights(one, prompted=True)))
    return networks


def pixel_perfect_depth():
    network = VelocityNetwork(TINY_TRANSFORMER)
    network.load_state_dict(renamed_of_transformer(transformer_weights(TINY_TRANSFORMER)))
    return network


def video_depth_anything():
    network = VideoDepthAnythingNetwork(TINY_VIDEO)
    network.load_state_dict(renamed_of_video(video_weights(TINY_VIDEO)))
    return network


NETWORKS = {
    # Those of lotus and the last are those of tests/refiner/test_backends, at its sizes.
    'unet': (lambda: of_lotus()['unet'], [(1, 8, 24, 32)]),
    'on_pixels': (on_pixels, [(1, 1, 16, 24), (1, 3, 16, 24), (1, 1, 16, 24), (1, 1, 8, 12)]),
    'vae_encoder': (lambda: of_lotus()['vae_encoder'], [(1, 3, 48, 64)]),
    'vae_decoder': (lambda: of_lotus()['vae_decoder'], [(1, 4, 24, 32)]),
    'tiny_encoder': (lambda: VaeEncoder(tiny_autoencoder()), [(1, 3, 32, 32)]),
    'tiny_decoder': (lambda: VaeDecoder(tiny_autoencoder()), [(1, 4, 16, 16)]),
    'prior': (bundled_prior, [(1, 3, 64, 64), (1, 2, 64, 64)]),
    'lite0_prior': (lambda: bundled_prior(LITE), [(1, 3, 64, 64), (1, 2, 64, 64)]),
    'any_view': (depth_anything_3, [(1, 3, 42, 56)]),
    'conditioned': (prior_depth_anything, [(1, 3, 42, 56), (1, 3, 42, 56)]),
    'with_points': (lambda: infinidepth().encoder, [(1, 3, 32, 48), (1, 20), (1, 20, 2)]),
    'at_points': (lambda: infinidepth().decoder, [(1, 24, 2, 3), (1, 16, 8, 12), (1, 40, 2)]),
    'velocity': (pixel_perfect_depth, [(1, 1, 48, 64), (1, 3, 48, 64), (1, 12, 24), (1, 256)]),
    'next_of_video': (video_depth_anything, [(1, 3, 42, 56), *KEPT]),
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
