"""A prior with what sets its metres: itself where it is metric, else a second prior."""

from dataclasses import dataclass

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.metres import to_metres
from depth_refiner_ros.core.types import PriorDepth, ScaleShift
from depth_refiner_ros.priors.base import Prior
import torch


@dataclass(frozen=True, kw_only=True)
class AnchoredDepth:
    """
    Prior depth in metres.

    :param given: what the prior said
    :param depth_m_B1HW: the same in metres, NaN where unknown
    :param reference_m_B1HW: what set the metres; the same tensor where the prior did
    :param fit: how the prior was brought to the reference; None where the prior set the metres
    """

    given: PriorDepth
    depth_m_B1HW: torch.Tensor
    reference_m_B1HW: torch.Tensor
    fit: ScaleShift | None = None


class AnchoredPrior:
    """
    One or two priors.

    :param prior: gives depth of any kind
    :param scale_prior: gives metric depth that the other is fitted to, robustly and per image;
        None leaves the metres to the prior
    """

    def __init__(self, prior: Prior, scale_prior: Prior | None = None) -> None:
        self._prior = prior
        self._scale_prior = scale_prior

    def predict(self, rgb_B3HW: torch.Tensor, intrinsics: Intrinsics | None,
                sensor_m_B1HW: torch.Tensor | None = None) -> AnchoredDepth:
        """
        Give depth in metres; an image whose fit is ill-posed gets the reference itself.

        :raises InputError: where nothing sets the metres, or something a prior needs is missing
        """
        given = self._prior.predict(rgb_B3HW, intrinsics, sensor_m_B1HW)
        depth = given.depth_B1HW.float()
        if self._scale_prior is None:
            if given.kind != 'metric':
                raise InputError(f'the prior gives {given.kind} depth, which has no metres; name '
                                 'what sets them, such as scale_prior:=bundled, or '
                                 'scale_prior:=sensor with a depth image')
            return AnchoredDepth(given=given, depth_m_B1HW=depth, reference_m_B1HW=depth)
        reference = self._scale_prior.predict(rgb_B3HW, intrinsics, sensor_m_B1HW)
        if reference.kind != 'metric':
            raise InputError(f'scale_prior gives {reference.kind} depth; it must be metric, as it '
                             'sets the scale')
        reference_m = reference.depth_B1HW.float()
        metres, fit = to_metres(depth, given.kind, reference_m)
        usable = fit.ok_B.view(-1, 1, 1, 1)
        return AnchoredDepth(given=given, depth_m_B1HW=torch.where(usable, metres, reference_m),
                             reference_m_B1HW=reference_m, fit=fit)

    def describe(self) -> list[str]:
        """Give the lines of both priors."""
        more = [] if self._scale_prior is None else self._scale_prior.describe()
        return [*self._prior.describe(), *more]
