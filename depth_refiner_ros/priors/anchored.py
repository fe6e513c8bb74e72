# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A prior and the source of its metric scale: itself if it is metric, else a second prior."""

from dataclasses import dataclass

from depth_refiner_ros.core.alignment import fit_robust, fit_scale, identity_fit, preferred
from depth_refiner_ros.core.checks import finite
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.metric_alignment import to_metres
from depth_refiner_ros.core.resize import resized, View
from depth_refiner_ros.core.types import PriorDepth, ScaleShift
from depth_refiner_ros.priors.base import predict_whole, Prior, VideoPrior
from depth_refiner_ros.priors.sensor import measures_none, SensorPrior
import torch

DENSE_PX = 1000
"""Anchors from which on refined depth is fitted to them, and not to the prior at their scale."""


@dataclass(frozen=True, kw_only=True)
class AnchoredDepth:
    """
    Prior depth in metres.

    :param given: the prior's own depth, at the size of its input image
    :param depth_m_B1HW: the same in metres, NaN where unknown
    :param reference_m_B1HW: metric depth that set the scale; the same tensor if the prior did
    :param unknown_B1HW: bool, where nothing was measured or predicted
    :param fit: fit of the prior to the reference; None if the prior itself set the scale
    :param trusted_B1HW: trust of the priors in their own depth in [0, 1]; None if neither has a
        notion of it
    """

    given: PriorDepth
    depth_m_B1HW: torch.Tensor
    reference_m_B1HW: torch.Tensor
    unknown_B1HW: torch.Tensor
    fit: ScaleShift | None = None
    trusted_B1HW: torch.Tensor | None = None


class AnchoredPrior:
    """
    One or two priors.

    :param prior: predicts depth of any kind
    :param scale_prior: predicts metric depth, to which the other is fitted robustly per image;
        None if the prior itself is metric
    :param view: view of the image for the first prior; None for the image unchanged
    """

    def __init__(
        self, prior: Prior, scale_prior: Prior | None = None, *, view: View | None = None
    ) -> None:
        self._prior = prior
        self._scale_prior = scale_prior
        self._view = view
        self._held: ScaleShift | None = None

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
        *,
        continues: bool = False,
    ) -> AnchoredDepth:
        """
        Return depth in metres; if the fit of an image is ill-posed, the reference itself.

        :param continues: the image continues the video of the last one
        :raises InputError: if no prior is metric, or an input that a prior needs is missing
        """
        given = self._given(rgb_B3HW, intrinsics, sensor_m_B1HW, continues)
        full = rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]
        depth = self._restored(given.depth_B1HW.float(), full)
        trusted = given.confidence_B1HW
        trusted = None if trusted is None else self._restored(trusted.float(), full)
        if self._scale_prior is None:
            if given.kind != 'metric':
                raise InputError(
                    f'the prior gives {given.kind} depth, which has no metric scale; set '
                    'scale_prior:=bundled, or scale_prior:=sensor with a depth image'
                )
            return AnchoredDepth(
                given=given,
                depth_m_B1HW=depth,
                reference_m_B1HW=depth,
                unknown_B1HW=_unknown(depth, given.filled_B1HW),
                trusted_B1HW=trusted,
            )
        metric = given.kind == 'metric'
        if metric and isinstance(self._scale_prior, SensorPrior) and measures_none(sensor_m_B1HW):
            unmeasured = torch.full_like(depth, torch.nan)
            return self._by_held_scale(given, depth, unmeasured, trusted, continues)
        reference = predict_whole(
            self._scale_prior, rgb_B3HW, intrinsics, sensor_m_B1HW, continues=continues
        )
        if reference.kind != 'metric':
            raise InputError(
                f'scale_prior gives {reference.kind} depth; it must be metric to set the scale'
            )
        reference_m = reference.depth_B1HW.float()
        if metric:
            return self._by_held_scale(given, depth, reference_m, trusted, continues)
        metres, fit = to_metres(depth, given.kind, reference_m)
        if given.kind != 'disparity' and not isinstance(self._scale_prior, SensorPrior):
            # A network that finds no depth sees the sky, where bounded depth would be a wall.
            metres = torch.where(finite(reference_m), metres, torch.nan)
        usable = fit.ok_B.view(-1, 1, 1, 1)
        return AnchoredDepth(
            given=given,
            depth_m_B1HW=torch.where(usable, metres, reference_m),
            reference_m_B1HW=reference_m,
            unknown_B1HW=torch.where(
                usable,
                _unknown(metres, given.filled_B1HW),
                _unknown(reference_m, reference.filled_B1HW),
            ),
            fit=fit,
            # Shapes from one, metres from the other: wrong where either is.
            trusted_B1HW=_product(trusted, reference.confidence_B1HW),
        )

    def _restored(self, map_B1HW: torch.Tensor, full: tuple[int, int]) -> torch.Tensor:
        """Return a map of the first prior at the size of the image."""
        if self._view is None:
            return resized(map_B1HW, full)
        return self._view.restored(map_B1HW, full)

    def _by_held_scale(
        self,
        given: PriorDepth,
        depth_m: torch.Tensor,
        reference_m: torch.Tensor,
        trusted: torch.Tensor | None,
        continues: bool,
    ) -> AnchoredDepth:
        """
        Bring metric depth to the scale of a reference, of which there may be little or nothing.

        Scale and shift are fitted to many anchors, the scale alone to a few; without any, the fit
        of the frames before holds, or else the prior's own scale.
        """
        fit = preferred(fit_robust(depth_m, reference_m), fit_scale(depth_m, reference_m))
        held = self._held if continues else None
        if held is None or len(held.scale_B) != len(depth_m):
            held = identity_fit(depth_m)
        fit = self._held = preferred(fit, held)
        metres = fit.apply(depth_m)
        many = (torch.isfinite(reference_m).sum(dim=(1, 2, 3)) >= DENSE_PX).view(-1, 1, 1, 1)
        return AnchoredDepth(
            given=given,
            depth_m_B1HW=metres,
            reference_m_B1HW=torch.where(many, reference_m, metres),
            unknown_B1HW=_unknown(metres, given.filled_B1HW),
            fit=fit,
            trusted_B1HW=trusted,
        )

    def _given(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None,
        continues: bool,
    ) -> PriorDepth:
        if self._view is not None:
            rows, columns = self._view.size((rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]))
            rgb_B3HW = self._view.image(rgb_B3HW)
            if intrinsics is not None:
                # Padding is below and right, so only the image size of the camera changes.
                whole = intrinsics.resized(columns, rows)
                intrinsics = whole.extended(rgb_B3HW.shape[-1], rgb_B3HW.shape[-2])
        return predict_whole(self._prior, rgb_B3HW, intrinsics, sensor_m_B1HW, continues=continues)

    def for_another_video(self) -> 'AnchoredPrior':
        """Return the same priors, networks shared, for another video at the same time."""
        scale_prior = self._scale_prior
        return AnchoredPrior(
            _for_another_video(self._prior),
            None if scale_prior is None else _for_another_video(scale_prior),
            view=self._view,
        )

    @property
    def carries_over(self) -> bool:
        """Whether one of them carries something over from image to image of a video."""
        return any(isinstance(one, VideoPrior) for one in (self._prior, self._scale_prior))

    @property
    def holds_scale(self) -> bool:
        """Whether the scale of earlier images may hold; not within a CUDA graph, which repeats."""
        return isinstance(self._scale_prior, SensorPrior)

    def describe(self) -> list[str]:
        """Return the lines of both priors."""
        more = [] if self._scale_prior is None else self._scale_prior.describe()
        return [*self._prior.describe(), *more]


def _for_another_video(prior: Prior) -> Prior:
    return prior.for_another_video() if isinstance(prior, VideoPrior) else prior


def _unknown(depth_m_B1HW: torch.Tensor, filled_B1HW: torch.Tensor | None) -> torch.Tensor:
    unknown = ~finite(depth_m_B1HW)
    if filled_B1HW is None:
        return unknown
    size = depth_m_B1HW.shape[-2], depth_m_B1HW.shape[-1]
    return unknown | (resized(filled_B1HW.float(), size) > 0.5)


def _product(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one * other
