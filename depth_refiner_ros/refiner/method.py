# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The method, from image to sharp metric depth; its steps are those of SharpDepth section 4."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol, TYPE_CHECKING

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.core.agreement import keep_prior
from depth_refiner_ros.core.alignment import fit_robust, fit_scale_shift, identity_fit
from depth_refiner_ros.core.checks import finite, masked, surely_everywhere
from depth_refiner_ros.core.confidence import confidence_of, relative_difference
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.gating import select_agreeing
from depth_refiner_ros.core.images import unit_image
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.metric_alignment import to_metres
from depth_refiner_ros.core.types import FitStatus, RefinedDepth, ScaleShift
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.priors.anchored import AnchoredDepth
import torch

if TYPE_CHECKING:  # diffusers takes seconds to load, and a prior alone does not need it
    from depth_refiner_ros.diffusion.estimator import Estimate

FIT_PIXELS = 32
"""If fewer sampled pixels than this agree, all of them take part in the fit."""

SAME_DEPTH = 0.05
"""Mean disagreement below which prior and estimate are one depth: a factor of 1.035."""

Timed = Callable[[str], AbstractContextManager[None]]
"""Takes the name of a stage; returns a context that times it."""


def untimed(stage: str) -> AbstractContextManager[None]:
    """Time nothing, because a stage within a CUDA graph cannot be timed."""
    return nullcontext()


class Estimator(Protocol):
    """A one-step refiner, see :mod:`depth_refiner_ros.diffusion.estimator`."""

    @property
    def spec(self) -> ModelSpec:
        """How the weights are used."""

    def estimate(
        self, rgb_B3HW: torch.Tensor, prior_B1HW: torch.Tensor, known_B1HW: torch.Tensor
    ) -> 'Estimate':
        """Return sharp depth, not yet in metres; the noise is the same for every image."""


class MetricPrior(Protocol):
    """Depth in metres, see :class:`~depth_refiner_ros.priors.anchored.AnchoredPrior`."""

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
        *,
        continues: bool = False,
    ) -> AnchoredDepth:
        """Return depth in metres."""


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """
    The method: prior, one-step refinement, alignment.

    It never reads a value back from the GPU, so that a whole frame can be one CUDA graph.

    :param prior: metric depth, or relative depth with a second prior that sets the metres
    :param estimator: sharpens the prior; None returns the prior
    :param execution: device and number format
    :param align: see the option of this name
    :param agree_below: see the option of this name
    :param fill_holes: see the option of this name
    :param continues: the image continues the video of the last one
    """

    prior: MetricPrior
    estimator: Estimator | None
    execution: Execution
    align: str
    agree_below: float
    fill_holes: bool
    continues: bool = False

    def __call__(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
        *,
        timed: Timed = untimed,
    ) -> RefinedDepth:
        """
        Return sharp metric depth of images.

        :param rgb_B3HW: uint8, or float in 0..1
        :param intrinsics: camera of the images
        :param sensor_m_B1HW: measured depth, for priors that start from it
        :param timed: times the stages
        """
        # 1. A metric prior: right scale, blurred edges.
        with timed('prior'), self.execution.running():
            rgb = unit_image(rgb_B3HW)
            prior = self.prior.predict(rgb, intrinsics, sensor_m_B1HW, continues=self.continues)
        if self.estimator is None:
            return self._unrefined(prior)
        spec = self.estimator.spec
        # 2. One diffusion step conditioned on image and prior: sharp edges, scale not trusted.
        with timed('refiner'), self.execution.running():
            known = finite(prior.depth_m_B1HW)
            filled_m = fill_holes(prior.depth_m_B1HW)
            condition = _condition(prior, filled_m, spec)
            estimate = self.estimator.estimate(rgb, condition, known)
        # 3. Back to the prior's metres, fitted where prior and estimate agree (eq. 4, eq. 19).
        with timed('align'), torch.inference_mode():
            depth_m, difference, fit = self._aligned(estimate, prior, filled_m, spec)
            kept_m = keep_prior(
                depth_m,
                prior.depth_m_B1HW,
                filled_m_B1HW=filled_m,
                within=spec.keep_within,
                sharp=spec.keep_sharp,
            )
            depth_m = masked(kept_m, known, depth_m)
            depth_m = self._with_holes(depth_m, prior)
            trust = _trust(difference, known, fit, prior)
            confidence = masked(trust, finite(depth_m), 0.0)
            nearest_m = spec.nearest_m or -torch.inf
            return RefinedDepth(
                depth_m_B1HW=depth_m.clamp_min(nearest_m),
                prior_m_B1HW=self._with_holes(prior.depth_m_B1HW, prior),
                difference_B1HW=difference,
                confidence_B1HW=confidence,
                scale_shift=fit,
                clamped_B=(depth_m < nearest_m).sum(dim=(1, 2, 3)),
            )

    def _aligned(
        self, estimate: 'Estimate', prior: AnchoredDepth, filled_m: torch.Tensor, spec: ModelSpec
    ) -> tuple[torch.Tensor, torch.Tensor, ScaleShift]:
        """Return the estimate in metres, its difference from the prior, and the fit."""
        align = spec.fit if self.align == 'auto' else self.align
        values, kind = estimate.depth_B1HW, estimate.kind
        if align == 'none' and kind != 'metric':
            raise InputError(
                f'this refiner gives {kind} depth, which is not metric without a '
                'fit; set align to auto, robust or lstsq'
            )
        fit = fit_robust if align == 'robust' else fit_scale_shift
        samples = spec.fit_samples or values[0].numel()
        stride = max(1, round((values[0].numel() / samples) ** 0.5))
        difference = estimate.difference_B1HW
        if difference is None:
            near_m = values
            if kind != 'metric':
                near_m, _ = to_metres(values, kind, prior.depth_m_B1HW, fit=fit, stride=stride)
            difference = relative_difference(near_m, filled_m)
        if align == 'none':
            return values, difference, identity_fit(values)
        # The reference of a scale prior may be sparse, so every pixel of it is used.
        reference_m, stride = prior.reference_m_B1HW, stride if prior.fit is None else 1
        comparable = masked(difference, finite(reference_m), torch.inf)
        agree, _ = select_agreeing(
            comparable, self.agree_below or spec.agree_below, min_pixels=FIT_PIXELS * stride**2
        )
        metres, found = to_metres(values, kind, reference_m, agree, fit=fit, stride=stride)
        usable = found.ok_B.view(-1, 1, 1, 1)
        if kind == 'metric':
            found = _without_need(found, values, filled_m)
        return masked(metres, usable, prior.depth_m_B1HW), difference, found

    def _unrefined(self, prior: AnchoredDepth) -> RefinedDepth:
        depth = self._with_holes(prior.depth_m_B1HW, prior)
        fit = identity_fit(depth) if prior.fit is None else prior.fit
        known = finite(depth)
        return RefinedDepth(
            depth_m_B1HW=depth,
            prior_m_B1HW=depth.clone(),
            difference_B1HW=torch.zeros_like(depth),
            confidence_B1HW=_trust(torch.zeros_like(depth), known, fit, prior) * known,
            scale_shift=fit,
        )

    def _with_holes(self, depth_m: torch.Tensor, prior: AnchoredDepth) -> torch.Tensor:
        """Return depth that is unknown where the prior's is, unless holes are to be filled."""
        if self.fill_holes:
            return depth_m
        return masked(depth_m, ~prior.unknown_B1HW, torch.nan)


def _without_need(fit: ScaleShift, estimate_m: torch.Tensor, prior_m: torch.Tensor) -> ScaleShift:
    """Accept the identity where flat depth leaves no spread to fit and none is needed."""
    if surely_everywhere(fit.ok_B):
        return fit
    same_B = relative_difference(estimate_m, prior_m).mean(dim=(1, 2, 3)) < SAME_DEPTH
    flat_B = (fit.status_B == int(FitStatus.CONSTANT)) | (
        fit.status_B == int(FitStatus.NEGATIVE_SCALE)
    )
    return replace(fit, status_B=fit.status_B.masked_fill(same_B & flat_B, int(FitStatus.OK)))


def _condition(prior: AnchoredDepth, filled_m: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Return the map that the network is conditioned on, without holes."""
    if spec.condition != 'disparity':
        if spec.prior_view == 'padded' and prior.fit is None:
            # At the network's working size, so that nothing is resampled twice.
            return fill_holes(prior.given.depth_B1HW.float())
        return filled_m
    if prior.given.kind == 'disparity':
        return fill_holes(prior.given.depth_B1HW.float())
    if spec.takes_raw_disparity:
        raise InputError(
            'this refiner takes the raw disparity of the network that it was '
            f'trained with, not {prior.given.kind} depth; use '
            'prior:=depth_anything_v2'
        )
    return 1.0 / filled_m


def _trust(
    difference: torch.Tensor, known: torch.Tensor, fit: ScaleShift, prior: AnchoredDepth
) -> torch.Tensor:
    """Return the confidence of agreement, times that of the prior in itself."""
    trust = confidence_of(difference, known, fit)
    return trust if prior.trusted_B1HW is None else trust * prior.trusted_B1HW
