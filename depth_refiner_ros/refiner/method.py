"""
The method on one image, in one screen: prior, one-step refinement, alignment.

Nothing here asks a GPU for a value, so that one CUDA graph can hold it whole; what must be asked
for is asked for before, in :meth:`depth_refiner_ros.refiner.refiner.DepthRefiner.refine`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.memory import FittingSize
from depth_refiner_ros.core.alignment import fit_robust, fit_scale_shift, identity_fit
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.confidence import confidence_of, relative_difference
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.gating import select_agreeing
from depth_refiner_ros.core.metric_alignment import to_metres
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.types import RefinedDepth, ScaleShift
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.noise import Source
from depth_refiner_ros.priors.anchored import AnchoredDepth, AnchoredPrior
import torch

if TYPE_CHECKING:  # diffusers takes seconds to load, and a prior alone needs none of it
    from depth_refiner_ros.diffusion.estimator import Estimate, SharpEstimator

FIT_SAMPLES = 20_000
"""Pixels that the fit looks at; more change the fourth digit and cost milliseconds."""
FIT_PIXELS = 32
"""Fewer agreeing pixels than this, of those looked at, make all of them take part."""

Timed = Callable[[str], AbstractContextManager[None]]
"""Takes the name of a stage and times what is done inside."""


def untimed(stage: str) -> AbstractContextManager[None]:
    """Time nothing: a stage within a CUDA graph has no time of its own."""
    return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """
    The method with all that stays from image to image.

    :param prior: gives depth, and its metres
    :param estimator: sharpens it; None gives the prior as it is
    :param execution: device and number format
    :param fitting: size to work at, where memory is short
    :param noise: gives the source of an image's draws, the same for each
    :param align: fit to the reference, see the option of this name
    :param agree_below: see the option of this name
    """

    prior: AnchoredPrior
    estimator: 'SharpEstimator | None'
    execution: Execution
    fitting: FittingSize
    noise: Callable[[], Source]
    align: str
    agree_below: float

    def __call__(
        self,
        intrinsics: Intrinsics | None,
        rgb_B3HW: torch.Tensor,
        sensor_m_B1HW: torch.Tensor | None = None,
        *,
        cloud: CloudBuilder | None = None,
        timed: Timed = untimed,
    ) -> RefinedDepth:
        """
        Return metric depth for an image.

        :param intrinsics: of the image
        :param rgb_B3HW: uint8, or float in 0..1
        :param sensor_m_B1HW: measured depth for the priors that start from it
        :param cloud: packs points of the depth and the uint8 image, batch 1
        :param timed: times the stages
        :return: as :meth:`~depth_refiner_ros.refiner.refiner.DepthRefiner.refine`, without timings
        """
        with timed('prior'), self.execution.running():
            rgb = rgb_B3HW.float()
            if rgb_B3HW.dtype == torch.uint8:
                rgb = rgb.div_(255.0)
            prior = self.prior.predict(rgb, intrinsics, sensor_m_B1HW)
        result = (
            _unrefined(prior)
            if self.estimator is None
            else self._refined(self.estimator, rgb, prior, timed)
        )
        if cloud is None:
            return result
        with timed('cloud'), torch.inference_mode():
            points = cloud.build(result.depth_m_B1HW[0, 0], rgb_B3HW[0].permute(1, 2, 0))
        return replace(result, cloud_hw4=points)

    def _refined(
        self,
        estimator: 'SharpEstimator',
        rgb_B3HW: torch.Tensor,
        prior: AnchoredDepth,
        timed: Timed,
    ) -> RefinedDepth:
        spec = estimator.spec
        with timed('refiner'), self.execution.running():
            known = torch.isfinite(prior.depth_m_B1HW)
            filled = fill_holes(prior.depth_m_B1HW)
            condition = _condition(prior, filled, spec)

            def work(shrink: float) -> 'Estimate':
                estimator.shrink = shrink
                return estimator.estimate(rgb_B3HW, condition, known, self.noise())

            estimate = self.fitting.run(work)
        with timed('align'), torch.inference_mode():
            depth, difference, fit = self._aligned(estimate, prior, filled, spec)
            confidence = torch.where(
                torch.isfinite(depth), confidence_of(difference, known, fit), 0.0
            )
            near = depth < spec.nearest_m if spec.nearest_m else torch.zeros_like(known)
            return RefinedDepth(
                depth_m_B1HW=depth.masked_fill(near, spec.nearest_m),
                prior_m_B1HW=prior.depth_m_B1HW,
                difference_B1HW=difference,
                confidence_B1HW=confidence,
                scale_shift=fit,
                clamped_B=near.sum(dim=(1, 2, 3)),
            )

    def _aligned(
        self, estimate: 'Estimate', prior: AnchoredDepth, filled_m: torch.Tensor, spec: ModelSpec
    ) -> tuple[torch.Tensor, torch.Tensor, ScaleShift]:
        """Bring the estimate to the reference's metres where it agrees with the prior (4.1)."""
        align = spec.fit if self.align == 'auto' else self.align
        values, kind = estimate.depth_B1HW, estimate.kind
        if align == 'none' and kind != 'metric':
            raise InputError(
                f'this refiner gives {kind} depth, which has no metres without a '
                'fit; set align to auto, robust or lstsq'
            )
        fit = fit_robust if align == 'robust' else fit_scale_shift
        stride = max(1, int((values[0].numel() / FIT_SAMPLES) ** 0.5))
        difference = estimate.difference_B1HW
        if difference is None:
            near_m = (
                values
                if kind == 'metric'
                else to_metres(values, kind, prior.depth_m_B1HW, fit=fit, stride=stride)[0]
            )
            difference = relative_difference(near_m, filled_m)
        if align == 'none':
            return values, difference, identity_fit(values)
        # A reference of its own may be sparse: there, every pixel counts.
        reference_m, stride = prior.reference_m_B1HW, stride if prior.fit is None else 1
        comparable = difference.masked_fill(~torch.isfinite(reference_m), torch.inf)
        agree, _ = select_agreeing(
            comparable, self.agree_below or spec.agree_below, min_pixels=FIT_PIXELS * stride**2
        )
        metres, found = to_metres(values, kind, reference_m, agree, fit=fit, stride=stride)
        usable = found.ok_B.view(-1, 1, 1, 1)
        return torch.where(usable, metres, prior.depth_m_B1HW), difference, found


def _condition(prior: AnchoredDepth, filled_m: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Return what the network is conditioned on, filled everywhere."""
    if spec.condition != 'disparity':
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


def _unrefined(prior: AnchoredDepth) -> RefinedDepth:
    depth = prior.depth_m_B1HW
    fit = identity_fit(depth) if prior.fit is None else prior.fit
    known = torch.isfinite(depth)
    return RefinedDepth(
        depth_m_B1HW=depth,
        prior_m_B1HW=depth,
        difference_B1HW=torch.zeros_like(depth),
        confidence_B1HW=confidence_of(torch.zeros_like(depth), known, fit) * known,
        scale_shift=fit,
    )
