# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Prior Depth Anything: measured depth with holes, or of a few points, becomes a whole map.

A first network predicts relative disparity, which is aligned to what was measured (see
:mod:`prior_depth_anything_alignment`); a second one sees the image and the result, and predicts
depth in the range of what was measured. Depth nearer than the nearest measured pixel cannot come
out of it, by the way its output is scaled.

Its authors' code swaps red and blue of the images that it reads, and so does this one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.checks import check_map
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import Prepare, PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import attached, depth_missing, PriorOptions, WithNetwork
from depth_refiner_ros.priors.dpt import enlarged, Size, size_of
from depth_refiner_ros.priors.model_folder import imported_folder, size_mb
from depth_refiner_ros.priors.prior_depth_anything_alignment import align, Aligned, NEAREST
from depth_refiner_ros.priors.prior_depth_anything_weights import MASK, NAME, read_folder
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.sizes import licence_of, SIZES
import torch
from torch import nn


@dataclass(frozen=True, kw_only=True)
class Span:
    """
    Range of measured depth, in which the second network sees and predicts depth.

    :param nearest_m_B111: of the measured pixels
    :param depth_m_B111: from there to the farthest; 1 where all are equal
    """

    nearest_m_B111: torch.Tensor
    depth_m_B111: torch.Tensor

    @classmethod
    def of(cls, measured_m_B1HW: torch.Tensor) -> 'Span':
        """Return the range of depth that is NaN where unknown."""
        unknown = measured_m_B1HW.isnan()
        near = measured_m_B1HW.masked_fill(unknown, torch.inf).amin(dim=(2, 3), keepdim=True)
        far = measured_m_B1HW.masked_fill(unknown, -torch.inf).amax(dim=(2, 3), keepdim=True)
        return cls(nearest_m_B111=near, depth_m_B111=torch.where(far > near, far - near, 1.0))

    def inside(self, inverse_B1HW: torch.Tensor) -> torch.Tensor:
        """Return disparity in 1/m as disparity in this range; 0 outside of it, on both sides."""
        depth_m = positive_inverse(inverse_B1HW)
        return positive_inverse((depth_m - self.nearest_m_B111) / self.depth_m_B111)

    def metres(self, inverse_B1HW: torch.Tensor) -> torch.Tensor:
        """Return disparity in this range as metres; NaN where it is 0, which is no distance."""
        depth_m = inverse_B1HW.reciprocal() * self.depth_m_B111 + self.nearest_m_B111
        return torch.where(inverse_B1HW > 0.0, depth_m, torch.nan)


class PriorDepthAnythingPrior(WithNetwork):
    """
    Prior Depth Anything as a prior.

    :param relative: network of the first stage, pixels to disparity
    :param network: of the second, pixels and condition to disparity
    :param condition: what its first map is, see :mod:`prior_depth_anything_weights`
    :param rule: of the networks' images
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        relative: nn.Module,
        network: nn.Module,
        *,
        condition: str = MASK,
        rule: preprocess.InputRule | None = None,
        description: str = '',
    ) -> None:
        self.relative: Callable[..., Any] = relative
        self.network = network
        self._condition = condition
        self._rule = rule or preprocess.depth_anything()
        self._description = description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict metres at the image's size, NaN where the network sees no end.

        :raises InputError: if there is no measured depth, or an image has fewer valid pixels than
            the alignment needs
        """
        size = size_of(rgb_B3HW)
        measured_m = _measured(rgb_B3HW, intrinsics, sensor_m_B1HW)
        pixels = self._rule.prepare(rgb_B3HW.flip(1))
        relative = self._rule.restore(self.relative(pixels).float(), size)
        aligned, span = align(relative, measured_m.reciprocal()), Span.of(measured_m)
        first = _first_map(self._condition, measured_m, aligned)
        both = span.inside(aligned.globally_B1HW), span.inside(aligned.nearby_B1HW)
        condition = enlarged(torch.cat((first, *both), dim=1), size_of(pixels))
        inverse = self._rule.restore(self.network(pixels, condition).float(), size)
        return PriorDepth(depth_B1HW=span.metres(inverse), kind='metric')

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """See :meth:`.base.Prior.attach_backend`."""
        super().attach_backend(prepare, key)
        self.relative = attached(self.relative, prepare, f'{key}_relative')


def positive_inverse(values: torch.Tensor) -> torch.Tensor:
    """Return 1 / value, and 0 where a value is not above 0."""
    return torch.where(values > 0.0, values.reciprocal(), 0.0)


def points_of(sensor_m_B1hw: torch.Tensor, size: Size) -> torch.Tensor:
    """
    Return depth that is smaller than the image as points of the image, NaN between them.

    As its authors do: the value of row i of n is that of row floor(i H / n). A depth image with
    more rows or columns than the image is returned as it is.
    """
    (rows, columns), (height, width) = size_of(sensor_m_B1hw), size
    if (rows, columns) == size or rows > height or columns > width:
        return sensor_m_B1hw
    device = sensor_m_B1hw.device
    down = torch.arange(rows, device=device) * height // rows
    across = torch.arange(columns, device=device) * width // columns
    points = sensor_m_B1hw.new_full((len(sensor_m_B1hw), 1, *size), torch.nan)
    points[..., down[:, None], across] = sensor_m_B1hw
    return points


def _measured(
    rgb_B3HW: torch.Tensor, intrinsics: Intrinsics | None, sensor_m_B1HW: torch.Tensor | None
) -> torch.Tensor:
    """
    Return measured depth at the image's size, NaN where unknown.

    :raises InputError: see :meth:`PriorDepthAnythingPrior.predict`
    """
    if sensor_m_B1HW is None:
        raise depth_missing(NAME, 'a depth image, of a few points at least')
    check_map('sensor depth', sensor_m_B1HW)
    points = points_of(sensor_m_B1HW, size_of(rgb_B3HW))
    measured_m = SensorPrior().predict(rgb_B3HW, intrinsics, points).depth_B1HW
    # The alignment needs the pixels on the host anyway, so that this may wait for a GPU.
    for index, count in enumerate(torch.isfinite(measured_m).flatten(1).sum(dim=1).tolist()):
        if count < NEAREST:
            raise InputError(
                f'depth image {index} of the batch has {count} valid pixels, and prior {NAME} '
                f'needs {NEAREST}; check its range and encoding, or use prior:=bundled'
            )
    return measured_m


def _first_map(condition: str, measured_m_B1HW: torch.Tensor, aligned: Aligned) -> torch.Tensor:
    """Return where depth was measured or, for version 1.0, how the two alignments differ."""
    if condition == MASK:
        return torch.isfinite(measured_m_B1HW).float()
    globally = aligned.globally_B1HW
    error = ((aligned.nearby_B1HW - globally).abs() / globally).where(globally > 0.0, 0.0)
    least, most = error.amin(dim=(2, 3), keepdim=True), error.amax(dim=(2, 3), keepdim=True)
    return (error - least) / torch.where(most > least, most - least, 1.0)


def build(options: PriorOptions) -> PriorDepthAnythingPrior:
    """
    Build ``prior_depth_anything`` from a folder of ``models import``.

    :raises SettingsError: without such a folder
    :raises WeightsError: if it holds another model, or weights that do not fit
    """
    model_id = SIZES[NAME].get(options.weights, SIZES[NAME]['small'])
    folder = imported_folder(NAME, options.weights, model_id)
    networks, about = read_folder(folder)
    networks.to(options.device)
    return PriorDepthAnythingPrior(
        networks.relative,
        networks.fine,
        condition=about.condition,
        rule=preprocess.depth_anything(options.short_side or 518),
        description=(
            f'prior {NAME} {about.architecture}: {licence_of(NAME, about.strictest)}, '
            f'{size_mb(folder):.1f} MB, {folder}'
        ),
    )
