"""
The networks of a frame at their true size, with random weights, and one call of each.

What a call costs does not depend on weights. On the meta device nothing is allocated, so that
operations are counted of the very networks that are timed.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.mixed_precision import NORMS
from depth_refiner_ros.bench.bounds import Stage
from depth_refiner_ros.bench.count import count
from depth_refiner_ros.bench.devices import DTYPES
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.presets import apdepth_spec, sharpdepth_spec
from depth_refiner_ros.diffusion.sd2 import sd2_network
from depth_refiner_ros.diffusion.tiny_codec import tiny_depth_vae
import torch
from torch import nn

PASSES = {'apdepth': 1, 'sharpdepth': 2, 'aligned': 1}
"""Evaluations of UNet and decoder in a frame; image and prior are encoded once each."""
META = torch.device('meta')
FILL_STD = 0.02

Calls = dict[str, Callable[[], Any]]


@dataclass(frozen=True, kw_only=True)
class FrameSize:
    """Columns and rows of the image in pixels."""

    width: int
    height: int

    def checked(self, multiple: int) -> 'FrameSize':
        """
        Return the size where networks can halve it.

        :raises InputError: where a side is no multiple
        """
        if self.width % multiple or self.height % multiple:
            raise InputError(
                f'{self.width}x{self.height} is no size of these networks; both must '
                f'be multiples of {multiple}'
            )
        return self


def spec_of(method: str) -> ModelSpec:
    """
    Return the conventions of a method at full size, as they are timed.

    Images keep their size, one UNet makes both passes of SharpDepth, and ApDepth is given the
    metric prior instead of a disparity beside it: the networks and their inputs are the same.
    """
    if method == 'sharpdepth':
        return replace(sharpdepth_spec('released'), max_edge_px=0)
    return replace(apdepth_spec('normalized'), condition='metric', output='metric', space='depth')


def build_network(method: str, codec: str) -> OneStepNetwork:
    """
    Build a refiner on the meta device.

    :param codec: ``vae`` (Stable Diffusion's) or ``tiny`` (the small one with a depth decoder)
    """
    with META:
        return sd2_network(spec_of(method), tiny_depth_vae() if codec == 'tiny' else None)


def materialize(
    module: nn.Module, device: torch.device, dtype: torch.dtype, seed: int = 0
) -> nn.Module:
    """
    Return a module of the meta device memory in its final number format, and random weights.

    Norms pass their input on and biases are zero, so that activations stay finite in fp16.
    """
    # diffusers' own ``to`` warns of casts, which for random weights mean nothing.
    nn.Module.to(module, dtype)
    module.to_empty(device=device).eval().requires_grad_(False)
    generator = torch.Generator(device).manual_seed(seed)
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.ndim > 1:
            value.normal_(std=FILL_STD, generator=generator)
        else:
            value.fill_(1.0 if name.endswith('weight') else 0.0)
    return module


def build_on(execution: Execution, method: str, codec: str) -> OneStepNetwork:
    """Build a refiner in memory as its backend wants it, with random weights."""
    network = build_network(method, codec)
    place(network, execution)
    if network.spec.task_embedding:
        network.task_C = torch.tensor(
            network.spec.task_embedding, device=next(network.parameters()).device
        )
    return network


def place(network: nn.Module, execution: Execution) -> nn.Module:
    """
    Return a network of the meta device memory where its backend wants it.

    torch runs it where it is, in the number format that it has, normalisations exact; others
    take fp32 on the CPU and place their own copy.
    """
    if execution.backend not in ('torch', 'compiled'):
        return materialize(network, torch.device('cpu'), torch.float32)
    materialize(network, execution.device, DTYPES[execution.precision])
    for part in network.modules():
        if isinstance(part, NORMS):
            part.float()
    return network


def refiner_calls(network: OneStepNetwork, rgb_B3HW: torch.Tensor) -> Calls:
    """
    Return one call of each network of the refiner: both encodings, the UNet, the decoder.

    :param rgb_B3HW: image in 0..1 of a size that the UNet can halve
    """
    codec = network.codec
    unit_B1HW = rgb_B3HW[:, :1] * 2.0 - 1.0
    known_B1HW = torch.ones_like(unit_B1HW)
    latent = codec.encode_depth(unit_B1HW)
    image = codec.encode_rgb(rgb_B3HW)
    extra = network.condition(unit_B1HW, known_B1HW)
    return {
        'encode': lambda: (
            codec.encode_rgb(rgb_B3HW),
            codec.encode_depth(unit_B1HW),
            network.condition(unit_B1HW, known_B1HW),
        ),
        'unet': lambda: network(latent, image, extra),
        'decode': lambda: network.decode(latent),
    }


def autoencoder(network: OneStepNetwork) -> nn.Module:
    """Return the autoencoder of a network of true size."""
    assert isinstance(network.codec, VaeCodec)
    return network.codec.vae


@cache
def refiner_stages(method: str, codec: str, size: FrameSize, precision: str) -> dict[str, Stage]:
    """
    Count what the networks of a refiner cost at a size, batch 1.

    :raises InputError: where the size cannot be halved as often as the codec does
    """
    network = build_network(method, codec).to(DTYPES[precision])
    size.checked(network.codec.factor)
    rgb = torch.empty(1, 3, size.height, size.width, dtype=DTYPES[precision], device=META)
    weights = {'encode': 'encoder', 'decode': 'decoder'}
    calls, vae = refiner_calls(network, rgb), autoencoder(network)
    stages = {}
    for name, call in calls.items():
        module = getattr(vae, weights[name]) if name in weights else network.unet
        stages[name] = Stage(
            operations=count(call, module.parameters()),
            calls=1 if name == 'encode' else PASSES[method],
        )
    return stages
