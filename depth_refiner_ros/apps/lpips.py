# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
LPIPS (Zhang et al. 2018), version 0.1 on AlexNet, from its published weights.

They are not in any wheel: torchvision downloads AlexNet, and lpips carries only the five layers
behind it. Without both files the figure is left out.
"""

from collections.abc import Mapping
from pathlib import Path
import shlex

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.models.pickles import read_pickle
import torch
from torch import nn
from torch.nn import functional

ALEXNET, LAYERS = 'alexnet-owt-7be5be79.pth', 'alex.pth'
ADDRESSES = {
    ALEXNET: f'https://download.pytorch.org/models/{ALEXNET}',
    LAYERS: 'https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/'
    + LAYERS,
}
CONVOLUTIONS = {
    'features.0': (3, 64, 11, 4, 2),
    'features.3': (64, 192, 5, 1, 2),
    'features.6': (192, 384, 3, 1, 1),
    'features.8': (384, 256, 3, 1, 1),
    'features.10': (256, 256, 3, 1, 1),
}
"""Name in torchvision's file to channels in and out, kernel, stride and padding."""
POOLED_BEFORE = ('features.3', 'features.6')
MEAN_RGB, SPREAD_RGB = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of images in -1..1."""
LEAST_NORM = 1e-10
LEAST_PX = 31
"""Smaller images leave nothing behind the poolings."""


class Lpips(nn.Module):
    """
    The distance of two images as people see it; 0 for equal ones.

    :param alexnet: state of torchvision's AlexNet
    :param layers: state of the layers of lpips 0.1
    :raises WeightsError: if a tensor is missing or has another shape
    """

    def __init__(
        self, alexnet: Mapping[str, torch.Tensor], layers: Mapping[str, torch.Tensor]
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleDict()
        for name, (inside, outside, kernel, stride, padding) in CONVOLUTIONS.items():
            layer = nn.Conv2d(inside, outside, kernel, stride, padding)
            for part in ('weight', 'bias'):
                wanted = getattr(layer, part)
                wanted.data = _tensor(alexnet, f'{name}.{part}', wanted.shape)
            self.convolutions[name.replace('.', '_')] = layer
        self.weights = [
            _tensor(layers, f'lin{index}.model.1.weight', torch.Size([1, outside, 1, 1]))
            for index, (_, outside, *_) in enumerate(CONVOLUTIONS.values())
        ]

    @torch.no_grad()
    def forward(self, seen_HW3: torch.Tensor, true_HW3: torch.Tensor) -> float:
        """Return the distance of images in 0..1, each side at least ``LEAST_PX``."""
        maps = torch.stack([seen_HW3, true_HW3]).permute(0, 3, 1, 2).float().cpu().clamp(0, 1)
        mean, spread = (torch.tensor(rgb).view(3, 1, 1) for rgb in (MEAN_RGB, SPREAD_RGB))
        maps = (2.0 * maps - 1.0 - mean) / spread
        total = 0.0
        for name, weight in zip(CONVOLUTIONS, self.weights):
            if name in POOLED_BEFORE:
                maps = functional.max_pool2d(maps, 3, 2)
            maps = functional.relu(self.convolutions[name.replace('.', '_')](maps))
            length = maps.square().sum(dim=1, keepdim=True).sqrt()
            seen, true = maps / (length + LEAST_NORM)
            total += float((weight[0] * (seen - true).square()).sum(dim=0).mean())
        return total


def load_lpips(folder: str) -> Lpips | str:
    """
    Return the network, or one line with how to get its weights.

    :param folder: of both files; '' looks where torch's hub keeps its checkpoints
    :raises WeightsError: if a file is there and broken
    """
    place = user_path(folder) if folder else Path(torch.hub.get_dir()) / 'checkpoints'
    missing = [name for name in ADDRESSES if not (place / name).is_file()]
    if missing:
        get = ' '.join(ADDRESSES[name] for name in missing)
        typed = _typed(place)
        return (
            f'LPIPS is left out, because {" and ".join(missing)} of its weights are not in '
            f'{typed}: wget -P {typed} {get}'
        )
    return Lpips(read_pickle(place / ALEXNET), read_pickle(place / LAYERS))


def _typed(folder: Path) -> str:
    """Return a folder as one types it in a shell, so that reports do not name a home."""
    home = Path.home()
    if not folder.is_relative_to(home):
        return shlex.quote(str(folder))
    return f'~/{shlex.quote(str(folder.relative_to(home)))}'


def _tensor(state: Mapping[str, torch.Tensor], name: str, shape: torch.Size) -> torch.Tensor:
    tensor = state.get(name)
    if tensor is None or tensor.shape != shape:
        found = 'missing' if tensor is None else f'of shape {tuple(tensor.shape)}'
        raise WeightsError(
            f'weights of LPIPS: {shown(name)} is {found}, not {tuple(shape)}; take the files of '
            f'{" and ".join(ADDRESSES.values())}'
        )
    return tensor.float()
