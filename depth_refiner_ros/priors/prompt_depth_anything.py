# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Prompt Depth Anything: coarse sensor depth sets the scale, the image gives the detail."""

from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.checks import surely_somewhere
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import depth_missing, PriorOptions, WithNetwork
from depth_refiner_ros.priors.model_folder import find_folder, read_config, size_mb
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.sizes import licence_of, WIDTHS
from depth_refiner_ros.priors.transformers_model import InFloat32, load_model
import torch
from torch import nn
from torch.nn import functional

NAME = 'prompt_depth_anything'
PROMPT_ROWS = 192
"""Rows of the depth cameras that the network was trained with; finer prompts are averaged."""
SPREAD_M = 0.05
"""Smallest range of a prompt; the output is in units of it, so narrower ones are widened."""


class PromptDepthAnythingNetwork(nn.Module):
    """
    Maps pixels and prompt to metres; the last layer runs in fp32.

    :param model: ``PromptDepthAnythingForDepthEstimation``
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        model.head.conv3 = InFloat32(model.head.conv3)
        self.model = model

    def forward(self, pixels_B3hw: torch.Tensor, prompt_m_B1hw: torch.Tensor) -> torch.Tensor:
        """Return ``depth_m_B1hw`` at the size of the pixels."""
        output = self.model(pixel_values=pixels_B3hw, prompt_depth=prompt_m_B1hw)
        return output.predicted_depth[:, None]


class PromptDepthAnythingPrior(WithNetwork):
    """
    Prompt Depth Anything as a prior.

    :param network: pixels and prompt to metres
    :param rule: of the network's images
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: nn.Module,
        rule: preprocess.InputRule | None = None,
        *,
        description: str = '',
    ) -> None:
        self.network = network
        self._rule = rule or preprocess.prompt_depth_anything()
        self._description = description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict metres at the image's size.

        :raises InputError: if there is no measured depth, or that of an image has no valid pixel;
            on a GPU this is not checked, and such an image gets no depth
        """
        if sensor_m_B1HW is None:
            raise depth_missing(NAME, 'a depth image as its prompt')
        size = (rgb_B3HW.shape[-2], rgb_B3HW.shape[-1])
        measured = SensorPrior().predict(rgb_B3HW, intrinsics, sensor_m_B1HW).depth_B1HW
        depth = self.network(self._rule.prepare(rgb_B3HW), prompt_of(measured)).float()
        depth = self._rule.restore(depth, size)
        # Bicubic resampling and the network's linear output may yield values <= 0.
        usable = (depth > 0.0) & ~_is_empty(measured).view(-1, 1, 1, 1)
        return PriorDepth(depth_B1HW=torch.where(usable, depth, torch.nan), kind='metric')

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def prompt_of(depth_m_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Return measured depth prepared as a prompt: without holes, coarse, and not constant.

    The network divides by the prompt's range, so one NaN or a flat wall would make everything NaN.

    :param depth_m_B1HW: metres, NaN where unknown
    :raises InputError: if an image on the CPU has no valid pixel
    """
    empty_B = _is_empty(depth_m_B1HW)
    if surely_somewhere(empty_B):
        raise InputError(
            f'depth image {int(empty_B.nonzero()[0])} of the batch has no valid '
            'pixel; check its range and encoding'
        )
    filled = fill_holes(depth_m_B1HW)
    rows, columns = filled.shape[-2:]
    if rows > PROMPT_ROWS:
        coarse = (PROMPT_ROWS, max(1, round(columns * PROMPT_ROWS / rows)))
        filled = functional.interpolate(filled, size=coarse, mode='area')
    flat = filled.flatten(1)
    lacking = (SPREAD_M - (flat.amax(dim=1) - flat.amin(dim=1))).clamp_min(0.0)
    widened = filled.clone()
    widened[:, 0, 0, 0] = flat.amax(dim=1) + lacking
    return torch.where((lacking > 0.0).view(-1, 1, 1, 1), widened, filled)


def _is_empty(depth_m_B1HW: torch.Tensor) -> torch.Tensor:
    return ~torch.isfinite(depth_m_B1HW).flatten(1).any(dim=1)


def build(options: PriorOptions) -> PromptDepthAnythingPrior:
    """Build ``prompt_depth_anything``."""
    folder = find_folder(NAME, options.weights)
    read_config(folder, NAME, 'prompt_depth_anything')
    model = load_model(folder, 'PromptDepthAnythingForDepthEstimation')
    width = model.config.backbone_config.hidden_size
    size = WIDTHS.get(width, f'width {width}')
    line = f'prior {NAME} {size}: {licence_of(NAME, size)}, {size_mb(folder):.1f} MB, {folder}'
    return PromptDepthAnythingPrior(
        PromptDepthAnythingNetwork(model).to(options.device),
        preprocess.prompt_depth_anything(options.short_side),
        description=line,
    )
