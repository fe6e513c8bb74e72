# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
MoGe-2: points, a mask of what has depth, and the scale in metres.

Its points lack a shift along Z, which follows from the field of view: that of the camera where it
is known, else the one that fits best. The sky, and whatever else the mask leaves out, is unknown.
The optical axis is taken to go through the middle of the image, as in all images of its training.
"""

from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.models.model_config import config_from
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import PriorOptions, WithNetwork
from depth_refiner_ros.priors.focal import known_camera
from depth_refiner_ros.priors.loading import fill_network, unfilled
from depth_refiner_ros.priors.model_folder import imported_folder, read_config, size_mb
from depth_refiner_ros.priors.moge2_depth import metric_depth
from depth_refiner_ros.priors.moge2_network import half_of, MoGe2Config, MoGe2Network, points_of
from depth_refiner_ros.priors.moge2_onnx import build_onnx, onnx_file, OnnxMoGe2Prior
from depth_refiner_ros.priors.sizes import licence_of, SIZES, WIDTHS
import torch
from torch import nn

NAME = 'moge2'
MODEL_TYPE = 'moge2'
WEIGHTS = 'model.safetensors'


class MoGe2Prior(WithNetwork):
    """
    A MoGe-2 network as a prior.

    :param network: pixels and shape of the image to raw points, mask and scale
    :param rule: of the network's images
    :param output: what the raw numbers of the points mean, see :func:`moge2_network.points_of`
    :param focal_rule: see :mod:`focal`
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: nn.Module,
        rule: preprocess.InputRule | None = None,
        *,
        output: str = 'exp',
        focal_rule: str = 'auto',
        description: str = '',
    ) -> None:
        self.network = network
        self._rule = rule or preprocess.moge2()
        self._output = output
        self._focal_rule, self._description = focal_rule, description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict metres at the image's size, NaN outside the mask; measured depth is not used."""
        height, width = rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]
        raw, valid, log_scale = self.network(self._rule.prepare(rgb_B3HW), half_of(rgb_B3HW))
        points = points_of(self._rule.restore(raw.float(), (height, width)), self._output)
        usable = self._rule.restore(valid.float(), (height, width)) > 0.0
        camera = known_camera(self._focal_rule, intrinsics)
        return metric_depth(points, usable, log_scale.float().exp(), camera)

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def build(options: PriorOptions) -> MoGe2Prior | OnnxMoGe2Prior:
    """
    Build ``moge2`` from a folder of :func:`import_checkpoint.import_moge2`, or an ONNX file.

    :raises SettingsError: without either
    :raises WeightsError: if configuration and weights do not fit
    """
    if (file := onnx_file(options.weights)) is not None:
        return build_onnx(file, options)
    ids, name = SIZES[NAME], Path(options.weights).name
    named = [hub_id for hub_id in ids.values() if Path(hub_id).name == name]
    hub_id = ids.get(options.weights, [*named, *ids.values()][0])
    onnx = f', or to {hub_id}-onnx with backend:=onnx'
    folder = imported_folder(NAME, options.weights, hub_id, otherwise=onnx)
    network = load_network(folder)
    config = network.config
    size = WIDTHS.get(config.width, f'width {config.width}')
    return MoGe2Prior(
        network.to(options.device),
        preprocess.moge2(config.most_tokens, options.short_side),
        output=config.output,
        focal_rule=options.focal_rule,
        description=(
            f'prior {NAME} {size}: {licence_of(NAME, size)}, {size_mb(folder):.1f} MB, {folder}'
        ),
    )


def load_network(folder: Path) -> MoGe2Network:
    """
    Read a network.

    :raises WeightsError: if the folder holds another model, or its parts do not fit together
    """
    tree = read_config(folder, NAME, MODEL_TYPE)
    tree = {name: value for name, value in tree.items() if name != 'model_type'}
    where, fix = folder / 'config.json', 'import the model again'
    try:
        config = config_from(MoGe2Config, tree, str(where), fix)
    except (TypeError, ValueError) as error:
        raise WeightsError(f'{where}: {first_line(error)}; {fix}') from error
    network = unfilled(lambda: MoGe2Network(config))
    fill_network(network, folder / WEIGHTS)
    return network
