# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Data types shared by the parts of the package.

Shape letters: B batch, H rows, W columns, 3 colors or axes. Depth is along the optical Z axis
in metres; NaN is 'no value' (REP-117); +Inf and -Inf appear only in published depth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Literal

from depth_refiner_ros.core.camera import Intrinsics
import torch
from torch import nn

__all__ = [
    'DepthKind',
    'FitStatus',
    'Intrinsics',
    'Prepare',
    'PriorDepth',
    'RefinedDepth',
    'ScaleShift',
]

DepthKind = Literal['metric', 'disparity', 'relative', 'log']
Prepare = Callable[[nn.Module, str], Callable[..., Any]]
"""Takes a network on the CPU and its short name; returns its runner."""


class FitStatus(IntEnum):
    """Whether a scale-shift fit is usable, or why not."""

    OK = 0
    TOO_FEW = 1
    """Fewer usable pixels than required."""
    CONSTANT = 2
    """The prediction does not vary, so scale and shift cannot be separated."""
    NEGATIVE_SCALE = 3
    """The best scale is not positive: near and far are swapped."""
    NOT_FINITE = 4
    """The sums overflowed or held NaN."""


@dataclass(frozen=True, kw_only=True)
class ScaleShift:
    """
    The affine map target ~ scale * prediction + shift of each image of a batch.

    :param scale_B: factor; 1 where the status is not OK
    :param shift_B: offset in the target's unit; 0 where the status is not OK
    :param inliers_B: pixels that took part, int64
    :param rmse_B: weighted root mean square residual over them, in the target's unit
    :param status_B: one :class:`FitStatus` value per image, int64
    """

    scale_B: torch.Tensor
    shift_B: torch.Tensor
    inliers_B: torch.Tensor
    rmse_B: torch.Tensor
    status_B: torch.Tensor

    @property
    def ok_B(self) -> torch.Tensor:
        """Whether each image has a usable fit."""
        return self.status_B == int(FitStatus.OK)

    def apply(self, values_B1HW: torch.Tensor) -> torch.Tensor:
        """Map predictions to the target's scale."""
        return self.scale_B.view(-1, 1, 1, 1) * values_B1HW + self.shift_B.view(-1, 1, 1, 1)


@dataclass(frozen=True, kw_only=True)
class PriorDepth:
    """
    Depth from a prior, before refinement.

    :param depth_B1HW: metres (``metric``), 1/metres up to scale (``disparity``), or up to scale
        and shift metres (``relative``) or the logarithm of 1 + metres (``log``); NaN where unknown
    :param kind: which of the four
    :param filled_B1HW: bool, where the prior itself filled in unmeasured depth; None if it did
        not
    :param confidence_B1HW: the prior's own trust in its depth in [0, 1]; None if it has no notion
        of it
    """

    depth_B1HW: torch.Tensor
    kind: DepthKind = 'metric'
    filled_B1HW: torch.Tensor | None = None
    confidence_B1HW: torch.Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class RefinedDepth:
    """
    The result of one call of the refiner.

    :param depth_m_B1HW: refined metric depth in metres, NaN where unknown
    :param prior_m_B1HW: the metric prior it started from, same size; NaN also where the prior had
        only filled a hole, unless holes are to be filled
    :param difference_B1HW: normalised disagreement of prior and refinement in [0, 1]
    :param confidence_B1HW: trust in the depth in [0, 1]; 0 where depth is unknown
    :param scale_shift: how the refined depth was aligned to the prior, with its status
    :param clamped_B: pixels of each image that the positive clamp changed, int64; None if it did
        not run
    :param cloud_hw4: packed points, see :class:`~.pointcloud.CloudBuilder`; None if not requested
    :param timings_ms: stage name to milliseconds
    :param continued: the image was taken to continue the video of the one before
    """

    depth_m_B1HW: torch.Tensor
    prior_m_B1HW: torch.Tensor
    difference_B1HW: torch.Tensor
    confidence_B1HW: torch.Tensor
    scale_shift: ScaleShift
    clamped_B: torch.Tensor | None = None
    cloud_hw4: torch.Tensor | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    continued: bool = False

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Return all tensors in the order of :meth:`of_tensors`."""
        fit = self.scale_shift
        counted = fit.status_B.new_zeros(len(fit.status_B))
        return (
            self.depth_m_B1HW,
            self.prior_m_B1HW,
            self.difference_B1HW,
            self.confidence_B1HW,
            counted if self.clamped_B is None else self.clamped_B,
            fit.scale_B,
            fit.shift_B,
            fit.inliers_B,
            fit.rmse_B,
            fit.status_B,
            *(() if self.cloud_hw4 is None else (self.cloud_hw4,)),
        )

    @classmethod
    def of_tensors(cls, tensors: tuple[torch.Tensor, ...]) -> 'RefinedDepth':
        """Rebuild a result from :meth:`tensors`, without its timings."""
        depth, prior, difference, confidence, clamped, *others = tensors
        scale, shift, inliers, rmse, status, *cloud = others
        fit = ScaleShift(
            scale_B=scale, shift_B=shift, inliers_B=inliers, rmse_B=rmse, status_B=status
        )
        return cls(
            depth_m_B1HW=depth,
            prior_m_B1HW=prior,
            difference_B1HW=difference,
            confidence_B1HW=confidence,
            clamped_B=clamped,
            scale_shift=fit,
            cloud_hw4=cloud[0] if cloud else None,
        )

    def each(self) -> list['RefinedDepth']:
        """Return the result of each image of a batch, without a cloud; timings are of all."""
        values = replace(self, cloud_hw4=None).tensors()
        return [
            replace(
                self.of_tensors(tuple(value[index : index + 1] for value in values)),
                timings_ms=self.timings_ms,
                continued=self.continued,
            )
            for index in range(len(self.depth_m_B1HW))
        ]

    def within(self, seen_HW: torch.Tensor | None) -> 'RefinedDepth':
        """
        Return the result with depth unknown where the camera saw nothing; a cloud stays as it is.

        :param seen_HW: bool; None for an image that was seen as a whole
        """
        if seen_HW is None:
            return self
        unseen_HW = ~seen_HW.to(self.depth_m_B1HW.device)
        return replace(
            self,
            depth_m_B1HW=self.depth_m_B1HW.masked_fill(unseen_HW, torch.nan),
            prior_m_B1HW=self.prior_m_B1HW.masked_fill(unseen_HW, torch.nan),
            confidence_B1HW=self.confidence_B1HW.masked_fill(unseen_HW, 0.0),
        )

    @property
    def clamped(self) -> int:
        """Return the number of pixels that the positive clamp changed; waits for the device."""
        return 0 if self.clamped_B is None else int(self.clamped_B.sum())
