# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
MoGe-2 from the ONNX files of its authors, which resize images and maps themselves.

Such a file maps ``image``, with colors in 0..1, and ``num_tokens`` to ``points``, ``mask`` and
``metric_scale`` at the image's size, and runs by the backend ``onnx`` alone.
"""

from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.places import entered_path
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.models.hub import fetch, is_hub_id
from depth_refiner_ros.models.onnx_file import OnnxFile
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import PriorOptions, WithNetwork
from depth_refiner_ros.priors.focal import known_camera
from depth_refiner_ros.priors.moge2_depth import metric_depth
import torch
from torch import nn

FILE, SUFFIX = 'model.onnx', '-onnx'
"""Name of the file in their repositories, and the end of the names of those."""
OUTPUTS = ('points', 'mask', 'metric_scale')
MOST_TOKENS = 3600
"""As in the training of all three sizes; the files do not say it."""


class OnnxMoGe2Prior(WithNetwork):
    """
    An ONNX file of MoGe-2 as a prior.

    :param network: image and number of patches to points, mask and scale
    :param short_side: of the network's input in pixels; 0 gives an image :data:`MOST_TOKENS`
    :param focal_rule: see :mod:`focal`
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        short_side: int = 0,
        focal_rule: str = 'auto',
        description: str = '',
    ) -> None:
        self.network = network
        self._short_side = short_side
        self._focal_rule, self._description = focal_rule, description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict metres at the image's size, NaN outside the mask; measured depth is not used."""
        tokens = rgb_B3HW.new_full((), self._tokens((rgb_B3HW.shape[-2], rgb_B3HW.shape[-1])))
        points_BHW3, mask_BHW, scale_B = self.network(rgb_B3HW, tokens)
        return metric_depth(
            points_BHW3.permute(0, 3, 1, 2),
            mask_BHW[:, None] > 0.5,
            scale_B,
            known_camera(self._focal_rule, intrinsics),
        )

    def describe(self) -> list[str]:
        """Return the line of its file."""
        return [self._description]

    def _tokens(self, size: preprocess.Size) -> int:
        if not self._short_side:
            return MOST_TOKENS
        rows, columns = preprocess.moge2(short_side=self._short_side).size(size)
        return rows * columns // 14**2


def onnx_file(weights: str) -> Path | None:
    """
    Return the ONNX file that weights name: the file, its folder, or a hub id that ends in -onnx.

    A folder with a configuration is that of an imported model, whatever else it holds.

    :return: None for anything else
    :raises WeightsError: if the hub does not serve it
    """
    path = entered_path(weights)
    if path.suffix == '.onnx' and path.is_file():
        return path
    if (path / FILE).is_file() and not (path / 'config.json').is_file():
        return path / FILE
    if is_hub_id(weights) and weights.partition('@')[0].endswith(SUFFIX) and not path.exists():
        return fetch(weights, (FILE,)) / FILE
    return None


def build_onnx(file: Path, options: PriorOptions) -> OnnxMoGe2Prior:
    """Build ``moge2`` from an ONNX file; nothing is read before its backend is attached."""
    return OnnxMoGe2Prior(
        OnnxFile(file, OUTPUTS),
        short_side=options.short_side,
        focal_rule=options.focal_rule,
        description=f"prior moge2: MIT if it is the authors', "
        f'{file.stat().st_size / 1e6:.1f} MB, {file}',
    )
