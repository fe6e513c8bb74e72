# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Begin a network that has a prior's layout with the weights of a small ApDepth.

Both sharpen a prior by the image; ApDepth has all of the prior, the other no more than its
layout, and noise. Large models begin with Stable Diffusion for the same reason: the features for
outlines are there already.
"""

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch

CLASS_OUT = 'class_embedding.linear_2'


def weights_from_apdepth(
    source: OneStepNetwork, network: OneStepNetwork
) -> dict[str, torch.Tensor]:
    """
    Return weights for the network's UNet with which it answers to a layout as the source would.

    The layout takes the place of the prior's latent, noise and task count for nothing yet, and
    the other timestep is compensated.

    :param source: ApDepth on unshuffled pixels, with the same blocks
    :raises WeightsError: where the blocks or the cells differ
    """
    mine, theirs = network.unet.state_dict(), source.unet.state_dict()
    for name, value in theirs.items():
        if name != 'conv_in.weight' and (name not in mine or mine[name].shape != value.shape):
            raise WeightsError(
                f'{name} has shape {tuple(value.shape)} in these weights of apdepth, not '
                f'{tuple(mine[name].shape) if name in mine else "any"} as in model; give '
                'model.block_channels and model.layers_per_block of the weights'
            )
    state = {**mine, **theirs}
    state['conv_in.weight'] = _first_layer(source, network)
    state['time_embedding.linear_2.bias'] = theirs['time_embedding.linear_2.bias'] + (
        _time(source, source.spec.timestep) - _time(source, network.spec.timestep)
    )
    for name in (f'{CLASS_OUT}.weight', f'{CLASS_OUT}.bias'):
        state[name] = torch.zeros_like(mine[name])
    return state


def _first_layer(source: OneStepNetwork, network: OneStepNetwork) -> torch.Tensor:
    spec, channels = source.spec, source.codec.depth_channels
    if (spec.channel_order, spec.detail, spec.known) != ('depth_rgb', True, True):
        raise WeightsError('these weights of apdepth have other inputs than the small network has')
    sizes = (channels, source.codec.rgb_channels, channels, 1)
    depth, rgb, _, known = source.unet.conv_in.weight.detach().split(sizes, dim=1)
    # A layout is one value for all pixels of a cell.
    layout = depth.sum(dim=1, keepdim=True)
    weight = torch.cat([rgb, torch.zeros_like(depth), layout, known], dim=1)
    wanted = network.unet.conv_in.weight.shape
    if weight.shape != wanted or network.codec.factor != source.codec.factor:
        raise WeightsError(
            f'conv_in would have shape {tuple(weight.shape)}, not {tuple(wanted)} as in model; '
            'only a network with a layout begins with weights of apdepth, and with their cells'
        )
    return weight


def _time(network: OneStepNetwork, timestep: int) -> torch.Tensor:
    """Return the embedding of a timestep."""
    unet = network.unet
    with torch.no_grad():
        embedded: torch.Tensor = unet.time_embedding(unet.time_proj(torch.tensor([timestep])))[0]
    return embedded
