# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Group normalisation by means over channels, for runtimes that keep channels last."""

from depth_refiner_ros.backends.mixed_precision import placed
import torch
from torch import nn


class PooledNorm(nn.Module):
    """
    A group normalisation that never splits its input into groups, only the means of its channels.

    A runtime whose convolutions want channels last brings the whole map into planes for a split
    and back after it, which takes a tenth of the time of a small UNet in OpenVINO.

    :param norm: shares its weights with this module
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """
        Normalise; equal to the norm but for rounding.

        :param features: (B, C, ...)
        """
        norm, ones = self.norm, (1,) * (features.dim() - 2)
        centred = features - _group_means(features, norm.num_groups)
        factor = (_group_means(centred.square(), norm.num_groups) + norm.eps).rsqrt()
        if norm.weight is not None:
            factor = factor * norm.weight.view(-1, *ones)
        result = centred * factor
        return result if norm.bias is None else result + norm.bias.view(-1, *ones)


def _group_means(values: torch.Tensor, groups: int) -> torch.Tensor:
    """Return for each channel the mean of its group, (B, C, 1, ...)."""
    means = values.mean(dim=tuple(range(2, values.dim())), keepdim=True)
    in_groups = means.unflatten(1, (groups, -1))
    return in_groups.mean(dim=2, keepdim=True).expand_as(in_groups).flatten(1, 2)


def with_pooled_norms(module: nn.Module) -> nn.Module:
    """Return a copy of a network with such norms, which shares its weights."""
    network = placed(module, torch.device('cpu'), torch.float32)
    for part in list(network.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.GroupNorm) and not isinstance(part, PooledNorm):
                setattr(part, name, PooledNorm(child))
    return network
