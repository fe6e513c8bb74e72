# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Load safetensors into a network: all weights must be present and finite."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from safetensors import SafetensorError
from safetensors.torch import load_file
import torch
from torch import nn

Tensors = dict[str, torch.Tensor]
Network = TypeVar('Network', bound=nn.Module)


def unfilled(make: Callable[[], Network]) -> Network:
    """
    Return a network on the CPU whose weights have no values yet.

    Random ones, which a file then replaces, would take seconds.
    """
    with torch.device('meta'):
        network = make()
    return network.to_empty(device='cpu')


def fill_network(
    network: nn.Module, file: Path, rename: Callable[[Tensors], Tensors] = dict
) -> nn.Module:
    """
    Load weights from a file, which may hold more than the network needs.

    Buffers may be missing, because code creates them; weights may not.

    :param rename: takes the file's tensors by name and returns the network's
    :raises WeightsError: if the file is unreadable, lacks weights or has other shapes
    """
    try:
        missing = network.load_state_dict(rename(load_file(file)), strict=False).missing_keys
    except (OSError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f'{file} does not load as {type(network).__name__}: '
            f'{first_line(error)}; copy the model again'
        ) from error
    learnt = {name for name, _ in network.named_parameters()}
    if lacking := [name for name in missing if name in learnt]:
        raise WeightsError(
            f'{file}: {len(lacking)} weights are missing, first {lacking[0]}; '
            'weights and config.json belong to different models'
        )
    refuse_not_finite(file, network)
    return network.eval().requires_grad_(False)


def fill_from(network: nn.Module, file: Path, state: Tensors) -> None:
    """
    Load weights that were read from a file, which may hold more than the network needs.

    :raises WeightsError: naming the first that is missing, or of another shape
    """
    for name, wanted in network.state_dict().items():
        found = state.get(name)
        if found is None or found.shape != wanted.shape:
            what = 'missing' if found is None else f'of shape {tuple(found.shape)}'
            raise WeightsError(
                f'{file}: {name} is {what}, where {type(network).__name__} of this size has '
                f'{tuple(wanted.shape)}; get the file again'
            )
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    refuse_not_finite(file, network)
    network.eval().requires_grad_(False)


def refuse_not_finite(where: Path, network: nn.Module) -> None:
    """
    Check that all weights are finite.

    :raises WeightsError: if one is NaN or infinite
    """
    for name, value in network.state_dict().items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise WeightsError(
                f'{where}: {name} holds NaN or infinite values; copy the model again'
            )
