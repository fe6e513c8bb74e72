"""
The method in one screen: a metric prior gives scale, a one-step diffusion refiner gives edges.

Node, command line, evaluation and benchmark all call :meth:`DepthRefiner.refine`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import time

from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.bundle import open_bundle
from depth_refiner_ros.core.alignment import fit_robust, fit_scale_shift
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.confidence import confidence_of, relative_difference
from depth_refiner_ros.core.errors import InputError, WeightsError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.gating import select_agreeing
from depth_refiner_ros.core.types import FitStatus, RefinedDepth, ScaleShift
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.settings import ModelSettings
import torch

NEAREST_M = 0.01
FIT_SAMPLES = 20_000
"""Pixels that the fit looks at; more change the fourth digit and cost milliseconds."""


class DepthRefiner:
    """
    Image in, sharp metric depth out.

    :param prior: gives metric depth
    :param estimator: sharpens it; None gives the prior as it is
    :param execution: device and number format
    :param settings: how the estimate is aligned, and the seed
    """

    def __init__(self, prior: Prior, estimator: SharpEstimator | None, execution: Execution,
                 settings: ModelSettings) -> None:
        self._prior = prior
        self._estimator = estimator
        self._execution = execution
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: ModelSettings) -> 'DepthRefiner':
        """
        Load what the settings name.

        :raises WeightsError: where a bundle cannot be used
        :raises BackendError: where the device is not there
        """
        execution = choose(settings.device, settings.precision, settings.threads)
        prior = build_prior(settings.prior, settings.prior_weights, seed=settings.seed,
                            device=execution.device)
        if settings.refiner == 'none':
            return cls(prior, None, execution, settings)
        bundle = open_bundle(settings.refiner_weights, 'refiner')
        estimator = SharpEstimator.from_bundle(bundle)
        method = estimator.network.recipe.method
        if method != settings.refiner:
            raise WeightsError(f'{bundle.path} is trained for {method}; use refiner:={method} or '
                               f'name a {settings.refiner} bundle in refiner_weights')
        estimator.network.to(execution.device)
        return cls(prior, estimator, execution, settings)

    def refine(self, rgb_B3HW: torch.Tensor, intrinsics: Intrinsics | None, *,
               sensor_depth_m_B1HW: torch.Tensor | None = None) -> RefinedDepth:
        """
        Give sharp metric depth for an image.

        :param rgb_B3HW: uint8, or float in 0..1
        :param intrinsics: of this image; priors that set scale by them refuse None
        :param sensor_depth_m_B1HW: measured depth for the priors that start from it
        :return: depth for every pixel, the prior's holes included, at low confidence; where an
            image cannot be aligned (see its status) its prior as it is
        :raises InputError: where an input is missing, of a wrong shape or of a wrong range
        """
        timings: dict[str, float] = {}
        rgb = self._to_unit(rgb_B3HW, intrinsics)
        with self._timed(timings, 'prior'), self._execution.running():
            prior_m = self._metric_prior(rgb, intrinsics, sensor_depth_m_B1HW)
        if self._estimator is None:
            return self._unrefined(prior_m, timings)
        with self._timed(timings, 'refiner'), self._execution.running():
            known = torch.isfinite(prior_m)
            filled = fill_holes(prior_m)
            generator = torch.Generator().manual_seed(self._settings.seed)
            estimate = self._estimator.estimate(rgb, filled, known, generator)
        with self._timed(timings, 'align'), torch.inference_mode():
            difference = estimate.difference_B1HW
            if difference is None:
                difference = relative_difference(estimate.depth_m_B1HW, filled)
            fit = self._fit(estimate.depth_m_B1HW, prior_m, difference)
            depth = torch.where(fit.ok_B.view(-1, 1, 1, 1), fit.apply(estimate.depth_m_B1HW),
                                prior_m)
            confidence = torch.where(torch.isfinite(depth),
                                     confidence_of(difference, known, fit), 0.0)
        return RefinedDepth(
            depth_m_B1HW=depth.clamp_min(NEAREST_M), prior_m_B1HW=prior_m,
            difference_B1HW=difference, confidence_B1HW=confidence, scale_shift=fit,
            clamped=int((depth < NEAREST_M).sum()), timings_ms=timings)

    def warm_up(self, width: int, height: int) -> None:
        """Run once at a size, so that the first frame is not the slow one."""
        camera = Intrinsics.from_fov(width, height, 60.0)
        flat = torch.full((1, 1, height, width), 2.0, device=self._execution.device)
        rgb = torch.zeros((1, 3, height, width), dtype=torch.uint8)
        self.refine(rgb, camera, sensor_depth_m_B1HW=flat)

    def describe(self) -> list[str]:
        """Give one line per loaded bundle, then where and how networks run."""
        refiner = [] if self._estimator is None else [self._estimator.description]
        return [*self._prior.describe(), *refiner,
                f'networks run on {self._execution.device} in {self._execution.precision}']

    def _to_unit(self, rgb: torch.Tensor, intrinsics: Intrinsics | None) -> torch.Tensor:
        if rgb.ndim != 4 or rgb.shape[1] != 3 or 0 in rgb.shape:
            raise InputError(f'image has shape {tuple(rgb.shape)}, not (batch, 3, rows, columns)')
        if intrinsics is not None and (intrinsics.height, intrinsics.width) != rgb.shape[-2:]:
            raise InputError(f'image is {rgb.shape[-1]}x{rgb.shape[-2]}, its intrinsics are for '
                             f'{intrinsics.width}x{intrinsics.height}; resize them together')
        rgb = rgb.to(self._execution.device)
        if rgb.dtype == torch.uint8:
            return rgb.float().div_(255.0)
        if not rgb.is_floating_point() or not bool(((rgb >= 0.0) & (rgb <= 1.0)).all()):
            raise InputError(f'image of {rgb.dtype} must be uint8 in 0..255 or float in 0..1; '
                             'convert it')
        return rgb.float()

    def _metric_prior(self, rgb: torch.Tensor, intrinsics: Intrinsics | None,
                      sensor: torch.Tensor | None) -> torch.Tensor:
        if sensor is not None:
            sensor = sensor.to(self._execution.device)
        prior = self._prior.predict(rgb, intrinsics, sensor)
        if prior.kind != 'metric':
            raise InputError(f'the prior gives {prior.kind} depth; it must be metric, as it sets '
                             'the scale')
        return prior.depth_B1HW.float()

    def _fit(self, estimate: torch.Tensor, prior_m: torch.Tensor,
             difference: torch.Tensor) -> ScaleShift:
        """Bring the estimate back to the prior's metres where both agree (SharpDepth 4.1)."""
        if self._settings.align == 'none':
            return identity_fit(estimate)
        agree, _ = select_agreeing(difference, self._settings.agree_below)
        fit = fit_robust if self._settings.align == 'robust' else fit_scale_shift
        stride = max(1, int((estimate[0].numel() / FIT_SAMPLES) ** 0.5))
        return fit(estimate, prior_m, agree, stride=stride)

    def _unrefined(self, prior_m: torch.Tensor, timings: dict[str, float]) -> RefinedDepth:
        fit = identity_fit(prior_m)
        return RefinedDepth(
            depth_m_B1HW=prior_m, prior_m_B1HW=prior_m,
            difference_B1HW=torch.zeros_like(prior_m),
            confidence_B1HW=torch.isfinite(prior_m).float(), scale_shift=fit,
            timings_ms=timings)

    @contextmanager
    def _timed(self, timings: dict[str, float], stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        if self._execution.device.type == 'cuda':
            torch.cuda.synchronize()
        timings[stage] = (time.perf_counter() - begun) * 1e3


def identity_fit(like_B1HW: torch.Tensor) -> ScaleShift:
    """Give the fit that changes nothing."""
    batch, pixels = like_B1HW.shape[0], like_B1HW[0].numel()
    zeros = like_B1HW.new_zeros(batch)
    counts = torch.zeros(batch, dtype=torch.int64, device=like_B1HW.device)
    return ScaleShift(scale_B=zeros + 1.0, shift_B=zeros, inliers_B=counts + pixels,
                      rmse_B=zeros, status_B=counts + int(FitStatus.OK))
