# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
UniDepth v1 and v2 through their own package.

Six pitfalls of it are handled here. Images are passed as uint8, because a float image outside
0..1 is silently taken as normalised. The principal point is counted from the corner of the first
pixel, not from its centre. The returned intrinsics are the network's estimate even if others
were given, so they are not used. Version 1 needs an attention that xformers dropped in 0.0.29:
see :mod:`head_attention`. Version 2 fails with several images of a known camera, so they are
passed one by one. It also returns a single column for one size in 23, which :func:`surplus`
avoids.
"""

import importlib
import itertools
import json
from pathlib import Path
from typing import Any
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.base import PriorOptions, WithoutNetwork
from depth_refiner_ros.priors.focal import known_camera
from depth_refiner_ros.priors.foreign_code import foreign_code
from depth_refiner_ros.priors.head_attention import HeadAttention
from depth_refiner_ros.priors.loading import fill_network
from depth_refiner_ros.priors.model_folder import check_safetensors, find_folder, size_mb
from depth_refiner_ros.priors.packages import unidepth_models
from depth_refiner_ros.priors.sizes import licence_of, SIZES
import torch
from torch import nn
from torch.nn import functional

CLASSES = {'unidepth_v1': 'UniDepthV1', 'unidepth_v2': 'UniDepthV2'}


class UniDepthPrior(WithoutNetwork):
    """
    A UniDepth model as a prior; it runs in its own number format, not the refiner's.

    :param model: a module with ``infer(rgb_B3HW, K_B33 or None) -> {'depth': B1HW}``
    :param focal_rule: see :mod:`focal`
    :param loses_columns: whether its code needs :func:`surplus`
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        model: Any,
        *,
        focal_rule: str = 'auto',
        loses_columns: bool = False,
        description: str = '',
    ) -> None:
        self.model = model
        self._focal_rule, self._description = focal_rule, description
        self._loses_columns = loses_columns

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict metres; if the camera is unknown, the network estimates it."""
        camera = known_camera(self._focal_rule, intrinsics)
        rows, columns = rgb_B3HW.shape[-2:]
        below, right = surplus(rows, columns) if self._loses_columns else (0, 0)
        padded = functional.pad(rgb_B3HW, (0, right, 0, below), mode='replicate')
        images = (padded * 255.0).round().to(torch.uint8).split(1)
        with torch.autocast(rgb_B3HW.device.type, enabled=False):
            depth = torch.cat([self._depth(image, camera) for image in images])
        height, width = depth.shape[-2:]
        depth = depth[..., : height - below, : width - right]
        return PriorDepth(depth_B1HW=torch.where(depth > 0.0, depth, torch.nan), kind='metric')

    def _depth(self, image_13HW: torch.Tensor, camera: Intrinsics | None) -> torch.Tensor:
        # A new matrix for each call, because the package scales it in place.
        matrix = None if camera is None else corner_matrix(camera)[None].to(image_13HW.device)
        depth: torch.Tensor = self.model.infer(image_13HW, matrix)['depth']
        return depth.float()

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def surplus(rows: int, columns: int) -> tuple[int, int]:
    """
    Return how many rows and columns to add to an image, so that UniDepth v2 returns it whole.

    If the aspect ratio needs no borders (0.5 to 2.5), it computes the width as int(rows * (columns
    / rows)). In floating point that may be one less than the width, and removing the resulting
    border of -1 keeps only the last column of its map. This affects 4.3 % of the sizes with 32 to
    1199 rows, such as 500 x 206, but no common one. Up to 3 more are enough.
    """
    for added in itertools.count():
        for more_columns in range(added, -1, -1):
            height, width = rows + added - more_columns, columns + more_columns
            if int(height * (width / height)) == width:
                return height - rows, width - columns
    raise AssertionError('a multiple of the rows is always exact')


def corner_matrix(camera: Intrinsics) -> torch.Tensor:
    """Return K with the principal point counted from the corner of the first pixel."""
    matrix = torch.from_numpy(camera.matrix()).float()
    matrix[0, 2] += 0.5
    matrix[1, 2] += 0.5
    return matrix


def load_network(network_class: Any, folder: Path) -> Any:
    """
    Build a network of UniDepth's package from its configuration and safetensors.

    Its own loader would unpickle if safetensors are missing, and accept missing weights.

    :param network_class: takes the configuration's dictionary
    :raises WeightsError: if a file is missing or weights do not fit
    """
    file = folder / 'config.json'
    try:
        with foreign_code():
            network = network_class(json.loads(file.read_text(encoding='utf-8')))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f'{file} is not a configuration of {network_class.__name__}: '
            f'{first_line(error)}; copy the model again'
        ) from error
    attend_exactly(network)
    warnings.filterwarnings('ignore', message='.*resolution_level not set')
    return fill_network(network, folder / 'model.safetensors')


def attend_exactly(network: nn.Module) -> None:
    """Install in a network of UniDepth the attention that its package expects in xformers."""
    block_class = importlib.import_module('unidepth.layers').NystromBlock
    for module in network.modules():
        if isinstance(module, block_class):
            module.attention_fn = HeadAttention()


def build_v1(options: PriorOptions) -> UniDepthPrior:
    """Build ``unidepth_v1``."""
    return _build('unidepth_v1', options)


def build_v2(options: PriorOptions) -> UniDepthPrior:
    """Build ``unidepth_v2``."""
    return _build('unidepth_v2', options)


def _build(name: str, options: PriorOptions) -> UniDepthPrior:
    # The package first: without it, a download of gigabytes would be useless.
    network_class = getattr(unidepth_models(), CLASSES[name])
    folder = find_folder(name, options.weights)
    check_safetensors(folder)
    model = load_network(network_class, folder).to(options.device)
    line = (
        f'prior {name}: {licence_of(name, next(iter(SIZES[name])))}, '
        f'{size_mb(folder):.1f} MB, {folder}'
    )
    return UniDepthPrior(
        model, focal_rule=options.focal_rule, loses_columns=name == 'unidepth_v2', description=line
    )
