# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The network that a refiner's training starts from: small, a release, or of true size."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.releases.load import load_release
from depth_refiner_ros.diffusion.sd2 import sd2_network
from depth_refiner_ros.diffusion.small import build_small
from depth_refiner_ros.models.bundle import Bundle, is_bundle, open_bundle
import torch
from torch import nn
from training.config import check_choice

STARTS = ('small', 'weights', 'true_size')
ACTIVATIONS = ('silu', 'relu')


@dataclass
class RefinerModel:
    """
    Keys of ``model`` for objectives that train a one-step network.

    ``start`` is ``small`` (a convolutional UNet on unshuffled pixels, random weights),
    ``weights`` (a bundle, or a release such as Lotus-G or Stable Diffusion 2, whose UNet is
    widened where it takes one latent), or ``true_size`` (Stable Diffusion 2's shape with random
    weights, for measurements).
    """

    start: str = 'small'
    weights: str = ''  # folder, hub id or ``bundled``, for start: weights
    family: str = ''  # of a release whose files do not say it
    preset: str = ''  # conventions of a release or of the true size; '': the method's first
    block_channels: list[int] = field(default_factory=lambda: [40, 56, 96, 128])
    layers_per_block: list[int] = field(default_factory=lambda: [1])  # of each size, or of all
    activation: str = 'silu'  # or relu
    spec: dict[str, Any] = field(default_factory=dict)  # changes to the conventions
    name: str = ''  # of the exported bundle
    licence: str = 'Apache-2.0'  # of the exported bundle


def build_refiner(
    model: RefinerModel, default: ModelSpec, presets: Callable[..., ModelSpec]
) -> OneStepNetwork:
    """
    Build the network that a training starts from; see :func:`build_network`.

    :raises SettingsError: for unknown keys, or a network of another method than ``default``'s
    """
    network = build_network(model, default, presets)
    if network.spec.method != default.method:
        raise SettingsError(
            f'model: this network is used as {network.spec.method}, the objective trains '
            f'{default.method}; choose the objective that trains it, or other weights'
        )
    return network


def build_network(
    model: RefinerModel,
    default: ModelSpec,
    presets: Callable[..., ModelSpec],
    *,
    as_it_is: bool = False,
) -> OneStepNetwork:
    """
    Build a one-step network, whatever its method.

    :param default: conventions of a small network
    :param presets: function from a preset's name to the conventions of the true size
    :param as_it_is: weights of a release are used, not trained on: nothing is widened, and what
        its scheduler says of the prediction must be true
    :raises SettingsError: for unknown keys
    :raises WeightsError: where weights cannot be read
    """
    check_choice('model.start', model.start, STARTS)
    if (model.start == 'weights') is not bool(model.weights):
        raise SettingsError(
            f'model.start = {model.start} and model.weights = {shown(model.weights)} do not fit; '
            'weights belong to start: weights'
        )
    if model.start == 'small':
        return _small(model, default)
    if model.start == 'weights':
        return _read(model, default.method, widen=not as_it_is)
    spec = presets(preset=model.preset) if model.preset else presets()
    return sd2_network(_changed(spec, model.spec))


def with_unet(network: OneStepNetwork, unet: Any) -> OneStepNetwork:
    """Return the network with another UNet and all else of its own, in evaluation mode."""
    spec, text = network.spec, network.text_1LC
    return OneStepNetwork(unet, network.codec, spec, text, network.unet_guess).eval()


def with_guess(network: OneStepNetwork, guess: Any) -> OneStepNetwork:
    """Return the network with a second UNet for SharpDepth's first pass, or None for none."""
    spec = replace(network.spec, guess='self' if guess is None else 'frozen')
    return OneStepNetwork(network.unet, network.codec, spec, network.text_1LC, guess)


def frozen_parts(network: OneStepNetwork) -> dict[str, nn.Module]:
    """Return by name the networks that are used beside the UNet: codec and second UNet."""
    parts = {'codec': network.codec, 'guess': network.unet_guess}
    return {name: part for name, part in parts.items() if isinstance(part, nn.Module)}


def read_unet(where: str, method: str) -> dict[str, torch.Tensor]:
    """
    Read the UNet of a bundle, by the names of a network called 'unet'.

    :param where: a folder, or ``bundled`` for the one of the method
    """
    state = read_refiner(open_bundle(where, 'refiner', method)).unet.state_dict()
    return {f'unet.{name}': value for name, value in state.items()}


def export_refiner(
    folder: Path, network: OneStepNetwork, model: RefinerModel, record: dict[str, Any]
) -> Bundle:
    """Write a trained network as a bundle."""
    return write_refiner_bundle(
        folder,
        network,
        name=record.get('name') or model.name or f'{network.spec.method}-{model.start}',
        licence=model.licence,
        source='',
        record=record,
    )


def _small(model: RefinerModel, default: ModelSpec) -> OneStepNetwork:
    spec = _changed(default, model.spec)
    for key in ('method', 'preset', 'codec', 'condition', 'output', 'text_width'):
        if getattr(spec, key) != getattr(default, key):
            raise SettingsError(
                f'model.spec.{key} = {shown(getattr(spec, key))} is not what a small network of '
                f'this objective has; leave it out (it is {shown(getattr(default, key))})'
            )
    check_choice('model.activation', model.activation, ACTIVATIONS)
    blocks, layers = tuple(model.block_channels), tuple(model.layers_per_block)
    every = layers * len(blocks) if len(layers) == 1 else layers
    try:
        return build_small(
            spec, block_channels=blocks, layers_per_block=every, activation=model.activation
        )
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f'model.block_channels = {blocks}, model.layers_per_block = {layers}: {error}'
        ) from error


def _read(model: RefinerModel, method: str, *, widen: bool) -> OneStepNetwork:
    if is_bundle(model.weights):
        network = read_refiner(open_bundle(model.weights, 'refiner', method))
    else:
        network = load_release(
            model.weights, method=model.family or None, preset=model.preset or None, widen=widen
        ).network
    network.spec = _changed(network.spec, model.spec)
    return network


def _changed(spec: ModelSpec, changes: dict[str, Any]) -> ModelSpec:
    known = {item.name for item in fields(ModelSpec)}
    if unknown := sorted(set(changes) - known):
        raise SettingsError(
            f'model.spec.{unknown[0]} is unknown{nearest(unknown[0], known)}; known are '
            f'{", ".join(sorted(known))}'
        )
    lists = {key: tuple(value) for key, value in changes.items() if isinstance(value, list)}
    return replace(spec, **changes | lists)
