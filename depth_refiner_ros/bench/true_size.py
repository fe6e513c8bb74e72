# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The published refiners and Depth Anything V2 at their true size, with random weights.

Speed does not depend on weights, so nothing has to be downloaded. Every class here is the one
that ``refine`` runs; only the weights are random. With fake tensors the operations of the same
networks are counted without memory.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.backends.base import Shapes, shapes_of
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.mixed_precision import reduced
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.bench.bounds import Stage
from depth_refiner_ros.bench.count import count, Operations
from depth_refiner_ros.bench.networks import FrameSize, STAGES
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.presets import apdepth_spec, sharpdepth_spec
from depth_refiner_ros.diffusion.sd2 import sd2_network
from depth_refiner_ros.diffusion.tiny_codec import tiny_depth_vae
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.depth_anything import DepthAnythingNetwork, DepthAnythingPrior
from depth_refiner_ros.priors.original_depth_anything import config_of_width
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

META, CPU = torch.device('meta'), torch.device('cpu')
WIDTHS = {'S': 384, 'B': 768, 'L': 1024, 'G': 1536}
"""Sizes of Depth Anything V2, with the features of the encoder."""
SHORT_EDGE_PX = 518
"""The published models' own input: 480x640 becomes 518x686."""
RANGE_M = 20
FILL_STD = 0.02
NO_MEMORY = FakeTensorMode(allow_non_fake_inputs=True)
"""Context in which tensors have shapes but no memory."""

Network = TypeVar('Network', bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class FullSize:
    """
    What to measure.

    :param method: ``apdepth`` or ``sharpdepth``
    :param codec: ``vae`` (Stable Diffusion's) or ``tiny`` (the small one with a depth decoder)
    :param prior: Depth Anything V2's S, B, L or G
    :param size: of the image
    :param max_edge_px: longest edge that the refiner works at; 0 takes that of its preset
    :param frames: timed calls
    :param warm_up: untimed calls before them
    :param steps: UNet evaluations that diffusers' pipeline is timed at; empty leaves it out
    """

    method: str
    codec: str
    prior: str
    size: FrameSize
    max_edge_px: int = 0
    frames: int = 0
    warm_up: int = 0
    steps: tuple[int, ...] = (1,)

    @property
    def working_edge_px(self) -> int:
        """Return the longest edge that the refiner works at; 0 keeps the image's size."""
        return self.max_edge_px or spec_of(self.method).max_edge_px


def spec_of(method: str) -> ModelSpec:
    """Return the preset for measuring a method: the one that needs only a metric prior."""
    return sharpdepth_spec('released') if method == 'sharpdepth' else apdepth_spec()


def refiner_skeleton(method: str, codec: str) -> OneStepNetwork:
    """Build a refiner's networks without memory for their weights."""
    with META:
        return sd2_network(spec_of(method), tiny_depth_vae() if codec == 'tiny' else None)


def prior_skeleton(size: str) -> DepthAnythingNetwork:
    """
    Build Depth Anything V2 without memory for its weights.

    :raises InputError: if the size is not S, B, L or G
    """
    from transformers import DepthAnythingForDepthEstimation

    check_prior(size)
    with META:
        config = config_of_width(WIDTHS[size], max_depth_m=RANGE_M)
        return DepthAnythingNetwork(DepthAnythingForDepthEstimation(config))


def check_prior(size: str) -> None:
    """
    Raise unless a size of the prior exists.

    :raises InputError: if it is not S, B, L or G
    """
    if size not in WIDTHS:
        raise InputError(f'prior size {shown(size)} must be one of {", ".join(WIDTHS)}')


def with_random_weights(skeleton: Network, seed: int = 0) -> Network:
    """
    Allocate a skeleton on the CPU, in fp32, with random weights.

    Norms become the identity and biases zero, so that activations stay finite in fp16.
    """
    module = _with_memory(skeleton)
    generator = torch.Generator().manual_seed(seed)
    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if value.ndim > 1:
            value.normal_(std=FILL_STD, generator=generator)
        else:
            value.fill_(1.0 if name.endswith('weight') else 0.0)
    return module


def random_prior(skeleton: nn.Module, networks: ModelRunners) -> DepthAnythingPrior:
    """Return the prior of a skeleton, run by the chosen backend."""
    prior = prior_of(with_random_weights(skeleton))
    prior.attach_backend(networks, 'prior')
    return prior


def prior_of(network: Any, short_edge_px: int = SHORT_EDGE_PX) -> DepthAnythingPrior:
    """
    Return the prior of a network at one resolution of its input.

    :param network: module, or its runner
    """
    return DepthAnythingPrior(
        network,
        kind='metric',
        rule=preprocess.depth_anything(short_edge_px),
        description='Depth Anything V2 with random weights',
    )


def random_estimator(
    skeleton: OneStepNetwork, networks: ModelRunners, max_edge_px: int = 0
) -> SharpEstimator:
    """Return the refiner of a skeleton, run by the chosen backend."""
    network = with_random_weights(skeleton)
    network.attach_backend(networks)
    return SharpEstimator(network, f'{network.spec.method}, random', max_edge_px=max_edge_px)


def unchecked_runners(execution: Execution, settings: ModelSettings) -> ModelRunners:
    """Return runners without self-check, as random weights have no correct output."""
    return ModelRunners(execution, BackendOptions(engine_cache=settings.engine_cache, log=say))


def true_size_refiner(
    wanted: FullSize, execution: Execution, settings: ModelSettings
) -> DepthRefiner:
    """Return the whole refiner, ready to run."""
    networks = unchecked_runners(execution, settings)
    refiner = DepthRefiner(
        random_prior(prior_skeleton(wanted.prior), networks),
        random_estimator(
            refiner_skeleton(wanted.method, wanted.codec), networks, wanted.max_edge_px
        ),
        execution,
        settings,
        log=say,
    )
    refiner.runners = networks
    return refiner


def true_size_stages(wanted: FullSize, precision: str) -> dict[str, Stage]:
    """Count the networks of a frame, in the order in which they run."""
    return {
        'prior': prior_stage(wanted.prior, wanted.size, precision, SHORT_EDGE_PX),
        **refiner_stages(wanted.method, wanted.codec, wanted.size, precision, wanted.max_edge_px),
    }


@cache
def prior_stage(
    prior: str, size: FrameSize, precision: str, short_edge_px: int = SHORT_EDGE_PX
) -> Stage:
    """Return the cost of a prior for an image of this size."""
    network = _counted_prior(prior, precision)
    with NO_MEMORY:
        made = prior_of(network, short_edge_px)
        rgb = torch.zeros(1, 3, size.height, size.width)
        return Stage(operations=count(lambda: made.predict(rgb, None), network.parameters()))


@cache
def refiner_stages(
    method: str, codec: str, size: FrameSize, precision: str, max_edge_px: int = 0
) -> dict[str, Stage]:
    """Return the cost of a refiner's networks for an image of this size."""
    skeleton = refiner_skeleton(method, codec)
    _ = skeleton.alpha_bar  # cached now, because fake tensors could not compute it
    counted: dict[str, list[Operations]] = {}
    with NO_MEMORY:
        _with_memory(skeleton).attach_backend(partial(_counting, counted, precision))
        estimator = SharpEstimator(skeleton, max_edge_px=max_edge_px)
        rgb = torch.zeros(1, 3, size.height, size.width)
        prior = torch.ones(1, 1, size.height, size.width)
        estimator.estimate(rgb, prior, prior.bool(), torch.Generator().manual_seed(0))
    return {
        name: Stage(calls=len(calls), operations=Operations.total(calls))
        for name, calls in counted.items()
    }


def _counting(
    counted: dict[str, list[Operations]], precision: str, module: nn.Module, key: str
) -> Callable[..., Any]:
    """Return what runs a network on fake tensors, once for each shape, and notes each cost."""
    network = reduced(module, CPU, precision)
    known: dict[Shapes, tuple[Any, Operations]] = {}

    def run(*inputs: torch.Tensor) -> Any:
        shapes = shapes_of(inputs)
        if shapes not in known:
            outputs: list[Any] = []
            cost = count(lambda: outputs.append(network(*inputs)), network.parameters())
            known[shapes] = outputs[0], cost
        output, cost = known[shapes]
        counted.setdefault(STAGES.get(key, key), []).append(cost)
        return output

    return run


@cache
def _counted_prior(prior: str, precision: str) -> nn.Module:
    skeleton = prior_skeleton(prior)
    with NO_MEMORY:
        return reduced(_with_memory(skeleton), CPU, precision)


def _with_memory(skeleton: Network) -> Network:
    return skeleton.to_empty(device=CPU).eval().requires_grad_(False)
