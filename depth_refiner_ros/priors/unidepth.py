"""
UniDepth v1 and v2 through their own package.

Three traps of it are met here. Images go in as uint8: a float image that is not in 0..1 is taken
as normalised already, without a word. The camera goes in with its principal point counted from
the corner of the first pixel, not from its centre. And the intrinsics that come back are the
network's own even where it was given others, so they are not used.
"""

import json
from pathlib import Path
from typing import Any
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.models.bundle import first_line
from depth_refiner_ros.priors.base import PriorOptions, WithoutNetwork
from depth_refiner_ros.priors.focal import known_camera
from depth_refiner_ros.priors.loading import fill_network
from depth_refiner_ros.priors.model_folder import check_safetensors, find_folder, size_mb
from depth_refiner_ros.priors.packages import import_unidepth
from depth_refiner_ros.priors.sizes import licence_of, SIZES
import torch

CLASSES = {'unidepth_v1': 'UniDepthV1', 'unidepth_v2': 'UniDepthV2'}


class UniDepthPrior(WithoutNetwork):
    """
    A UniDepth model as a prior; it runs in its own number format, not the refiner's.

    :param model: a module with ``infer(rgb_B3HW, K_B33 or None) -> {'depth': B1HW}``
    :param focal_rule: see :mod:`focal`
    :param description: line of :meth:`describe`
    """

    def __init__(self, model: Any, *, focal_rule: str = 'auto', description: str = '') -> None:
        self.model = model
        self._focal_rule, self._description = focal_rule, description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict metres; where the camera is unknown, the network estimates one for itself."""
        camera = known_camera(self._focal_rule, intrinsics)
        image = (rgb_B3HW * 255.0).round().to(torch.uint8)
        matrix = None if camera is None else _batch(camera, image)
        with torch.autocast(rgb_B3HW.device.type, enabled=False):
            depth = self.model.infer(image, matrix)['depth'].float()
        return PriorDepth(depth_B1HW=torch.where(depth > 0.0, depth, torch.nan), kind='metric')

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def corner_matrix(camera: Intrinsics) -> torch.Tensor:
    """Return K with the principal point counted from the corner of the first pixel."""
    matrix = camera.matrix().float()
    matrix[0, 2] += 0.5
    matrix[1, 2] += 0.5
    return matrix


def _batch(camera: Intrinsics, image_B3HW: torch.Tensor) -> torch.Tensor:
    # A copy for each image, as the package scales the matrices in place.
    return corner_matrix(camera).to(image_B3HW.device).expand(len(image_B3HW), 3, 3).clone()


def load_network(network_class: Any, folder: Path) -> Any:
    """
    Build a network of UniDepth's package from its configuration and safetensors.

    Its own loader would unpickle where safetensors lack, and let missing weights pass.

    :param network_class: takes the configuration's dictionary
    :raises WeightsError: where a file is missing or weights do not fit
    """
    file = folder / 'config.json'
    try:
        network = network_class(json.loads(file.read_text(encoding='utf-8')))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f'{file} is no configuration of {network_class.__name__}: '
            f'{first_line(error)}; copy the model again'
        ) from error
    warnings.filterwarnings('ignore', message='.*resolution_level not set')
    return fill_network(network, folder / 'model.safetensors')


def build_v1(options: PriorOptions) -> UniDepthPrior:
    """Build ``unidepth_v1``."""
    return _build('unidepth_v1', options)


def build_v2(options: PriorOptions) -> UniDepthPrior:
    """Build ``unidepth_v2``."""
    return _build('unidepth_v2', options)


def _build(name: str, options: PriorOptions) -> UniDepthPrior:
    # The package first: without it, a download of gigabytes would be for nothing.
    network_class = getattr(import_unidepth(), CLASSES[name])
    folder = find_folder(name, options.weights)
    check_safetensors(folder)
    model = load_network(network_class, folder).to(options.device)
    line = (
        f'prior {name}: {licence_of(name, next(iter(SIZES[name])))}, '
        f'{size_mb(folder):.1f} MB, {folder}'
    )
    return UniDepthPrior(model, focal_rule=options.focal_rule, description=line)
