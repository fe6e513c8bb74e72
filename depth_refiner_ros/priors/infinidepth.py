# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
InfiniDepth: depth at any point of an image, of the image alone or with measured points.

Both are priors and no refiners, though they are about fine detail: neither network looks at a map
of depth that is to become sharper. The one of the image alone predicts disparity up to scale and
shift, which its authors' script fits to the metres of MoGe-2; here that is ``scale_prior``, by
this package's own fit. The other one takes measured points, as its authors' script demands for
it; depth that a network predicted is not given to it. A refiner may follow either.

Their networks see every image as 1024 x 768 pixels, whatever its aspect ratio, as in that script,
and are asked only for the pixels of the image itself, a strip at a time. For 640 x 480 pixels this
takes 3259 GFLOP, or 4063 with 1500 points: 2794 for the transformer, 207 for fine detail, 247 for
the decoder, which would take 891 if its first layer were applied to every pixel. With
``prior_short_side: 512``, about the size of the training, it is 1368, or 1795 with points.
"""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.checks import surely_somewhere
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import Prepare, PriorDepth
from depth_refiner_ros.priors.area_resample import area_resampled, rounded_to_bytes
from depth_refiner_ros.priors.base import attached, depth_missing, PriorOptions, WithNetwork
from depth_refiner_ros.priors.dinov3 import PATCH_PX
from depth_refiner_ros.priors.dpt import Size, size_of
from depth_refiner_ros.priors.infinidepth_network import InfiniDepthNetworks
from depth_refiner_ros.priors.infinidepth_prompt import FARTHEST_M, prompt_of
from depth_refiner_ros.priors.infinidepth_weights import NAME, read_folder, SENSOR
from depth_refiner_ros.priors.model_folder import imported_folder, size_mb
from depth_refiner_ros.priors.preprocess import lower_bound
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.sizes import licence_of, SIZES
import torch

OFFICIAL_SIZE = (768, 1024)
QUERIES = 2**13
"""Points that the decoder is asked for at once, about as many as by the authors' code."""
LEAST_DISPARITY = 5e-3
"""In 1/m; below it lies the sky, or what is farther than the authors' code tells apart."""


class InfiniDepthPrior(WithNetwork):
    """
    InfiniDepth of the image alone as a prior: disparity up to scale and shift.

    :param networks: see :mod:`infinidepth_network`
    :param size: the image's size to the size at the network, multiples of 16
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        networks: InfiniDepthNetworks,
        *,
        size: Callable[[Size], Size] = lambda image: OFFICIAL_SIZE,
        description: str = '',
    ) -> None:
        self.network = networks.encoder
        self.decoder: Callable[..., Any] = networks.decoder
        self._size = size
        self._description = description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict disparity at the image's size."""
        return PriorDepth(depth_B1HW=self.disparity(rgb_B3HW), kind='disparity')

    def disparity(self, rgb_B3HW: torch.Tensor, *points: torch.Tensor) -> torch.Tensor:
        """
        Return ``disparity_B1HW`` at the image's size.

        :param points: of the prompt, for weights that take one
        """
        image = size_of(rgb_B3HW)
        pixels = rounded_to_bytes(area_resampled(rgb_B3HW, self._size(image)))
        maps = self.network(pixels, *points)
        asked = [pixel_centres(start, rows, image, pixels.device) for start, rows in strips(image)]
        found = [self.decoder(*maps, one.expand(len(pixels), -1, -1)) for one in asked]
        disparity_B1HW = rgb_B3HW.new_empty((len(pixels), 1, *image), dtype=torch.float32)
        for (start, rows), strip in zip(strips(image), found, strict=True):
            disparity_B1HW[:, 0, start : start + rows] = strip.float().unflatten(1, (rows, -1))
        return disparity_B1HW

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """See :meth:`.base.Prior.attach_backend`."""
        super().attach_backend(prepare, key)
        self.decoder = attached(self.decoder, prepare, f'{key}_decoder')


class InfiniDepthSensorPrior(InfiniDepthPrior):
    """InfiniDepth with measured points as a prior: metres."""

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict metres at the image's size, NaN beyond 200 m, where the sky is, too.

        :raises InputError: if there is no measured depth, or that of an image on the CPU has no
            pixel nearer than 100 m; on a GPU this is not checked, and such an image gets no depth
        """
        if sensor_m_B1HW is None:
            raise depth_missing(SENSOR, 'a depth image, of a few points at least')
        measured = SensorPrior().predict(rgb_B3HW, intrinsics, sensor_m_B1HW).depth_B1HW
        prompt = prompt_of(measured)
        empty_B = prompt.median_B1[:, 0].isnan()
        if surely_somewhere(empty_B):
            raise InputError(
                f'no pixel of depth image {int(empty_B.nonzero()[0])} of the batch is nearer than '
                f'{FARTHEST_M:g} m; check its range and encoding'
            )
        relative = self.disparity(rgb_B3HW, prompt.values_BP, prompt.places_BP2)
        inverse = relative * prompt.median_B1[..., None, None]
        depth_m = torch.where(inverse > LEAST_DISPARITY, inverse.reciprocal(), torch.nan)
        return PriorDepth(depth_B1HW=depth_m, kind='metric')


def strips(image: Size) -> list[tuple[int, int]]:
    """
    Return first row and rows of the strips that an image is decoded in.

    All have as many rows, so that a backend prepares one shape; the last one may overlap.
    """
    height, width = image
    rows = min(height, max(1, QUERIES // width))
    return [(min(start, height - rows), rows) for start in range(0, height, rows)]


def pixel_centres(start: int, rows: int, image: Size, device: torch.device) -> torch.Tensor:
    """Return ``points_1N2`` of whole rows, right and down, from -1 to 1 across the image."""
    height, width = image
    down = (2.0 * torch.arange(start, start + rows, device=device) + 1.0) / height - 1.0
    right = (2.0 * torch.arange(width, device=device) + 1.0) / width - 1.0
    down, right = torch.meshgrid(down, right, indexing='ij')
    return torch.stack((right, down), dim=-1).flatten(0, 1)[None]


def build_relative(options: PriorOptions) -> InfiniDepthPrior:
    """Build ``infinidepth``; see :func:`_build`."""
    return _build(options, NAME, InfiniDepthPrior)


def build_sensor(options: PriorOptions) -> InfiniDepthPrior:
    """Build ``infinidepth_sensor``; see :func:`_build`."""
    return _build(options, SENSOR, InfiniDepthSensorPrior)


def _build(options: PriorOptions, name: str, prior: type[InfiniDepthPrior]) -> InfiniDepthPrior:
    """
    Build a prior from a folder of ``models import``.

    :raises SettingsError: without such a folder
    :raises WeightsError: if it holds another model, or weights that do not fit
    """
    folder = imported_folder(name, options.weights, SIZES[name]['large'])
    networks, architecture = read_folder(folder, name)
    side = options.short_side
    return prior(
        networks.to(options.device),
        size=lower_bound(side, PATCH_PX) if side else lambda image: OFFICIAL_SIZE,
        description=(
            f'prior {name} {architecture}: {licence_of(name, architecture)}, '
            f'{size_mb(folder):.1f} MB, {folder}'
        ),
    )
