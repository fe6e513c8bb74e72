"""
The method in one screen: a metric prior gives scale, a one-step diffusion refiner gives edges.

Node, command line, evaluation and benchmark all call :meth:`DepthRefiner.refine`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
import time

from depth_refiner_ros.backends.base import Tell, tell_on_stderr
from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.backends.memory import FittingSize
from depth_refiner_ros.backends.registry import BackendOptions, Networks
from depth_refiner_ros.backends.selfcheck import check_image
from depth_refiner_ros.combination import check_metres, check_recipe
from depth_refiner_ros.core.alignment import fit_robust, fit_scale_shift
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.confidence import confidence_of, relative_difference
from depth_refiner_ros.core.errors import InputError, WeightsError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.gating import select_agreeing
from depth_refiner_ros.core.metres import to_metres
from depth_refiner_ros.core.types import FitStatus, RefinedDepth, ScaleShift
from depth_refiner_ros.diffusion.estimator import Estimate, SharpEstimator
from depth_refiner_ros.diffusion.recipe import Recipe
from depth_refiner_ros.diffusion.releases.refiner_weights import read_refiner_weights
from depth_refiner_ros.priors.anchored import AnchoredDepth, AnchoredPrior
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.settings import ModelSettings, RELATIVE_PRIORS
import torch

FIT_SAMPLES = 20_000
"""Pixels that the fit looks at; more change the fourth digit and cost milliseconds."""
FIT_PIXELS = 32
"""Fewer agreeing pixels than this, of those looked at, make all of them take part."""
LOADED = tuple(item.name for item in fields(ModelSettings)
               if not item.metadata.get('option', {}).get('runtime'))
"""Options that networks are loaded by."""


class DepthRefiner:
    """
    Image in, sharp metric depth out.

    :param prior: gives depth of any kind
    :param estimator: sharpens it; None gives the prior as it is
    :param execution: device and number format
    :param settings: how the estimate is aligned, and the seed
    :param scale_prior: gives metres where the prior has none; its depth is what the result is
        aligned to
    """

    def __init__(self, prior: Prior, estimator: SharpEstimator | None, execution: Execution,
                 settings: ModelSettings, scale_prior: Prior | None = None, *,
                 tell: Tell = tell_on_stderr) -> None:
        self._prior = AnchoredPrior(prior, scale_prior,
                                    max_edge_px=_prior_edge_px(settings, estimator))
        self._estimator = estimator
        self._execution = execution
        self._settings = settings
        self.networks: Networks | None = None
        """What runs the networks, where :meth:`from_settings` loaded them."""
        self._fitting = FittingSize(settings.allow_smaller, tell)

    @classmethod
    def from_settings(cls, settings: ModelSettings, tell: Tell = tell_on_stderr
                      ) -> 'DepthRefiner':
        """
        Load what the settings name.

        :param tell: hears of long builds and of images made smaller
        :raises SettingsError: where options do not go together
        :raises WeightsError: where a bundle cannot be used
        :raises BackendError: where the device or the backend is not there
        """
        check_metres(settings)
        execution = choose(settings.device, settings.precision, settings.threads,
                           settings.backend)
        networks = Networks(execution, _backend_options(settings, tell))
        estimator = None if settings.refiner == 'none' else load_estimator(settings, networks)
        if estimator is not None:
            check_recipe(settings, estimator.recipe)
        prior = build_prior(
            settings.prior, settings.prior_weights, seed=settings.seed, device=execution.device,
            focal_rule=settings.prior_focal_rule, short_side=settings.prior_short_side,
            input=_prior_input(settings, estimator))
        scale_prior = None if settings.scale_prior == 'none' else build_prior(
            settings.scale_prior, settings.scale_prior_weights, seed=settings.seed,
            device=execution.device, focal_rule=settings.prior_focal_rule)
        hand_over(prior, networks, 'prior')
        hand_over(scale_prior, networks, 'scale_prior')
        refiner = cls(prior, estimator, execution, settings, scale_prior, tell=tell)
        refiner.networks = networks
        return refiner

    def adopt(self, settings: ModelSettings) -> bool:
        """
        Take over what needs no loading, between two images.

        :return: False, with nothing taken over, where networks must be loaded anew
        """
        if any(getattr(settings, name) != getattr(self._settings, name) for name in LOADED):
            return False
        self._settings = settings
        return True

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
            sensor = sensor_depth_m_B1HW
            if sensor is not None:
                sensor = sensor.to(self._execution.device)
            prior = FittingSize(False).run(
                lambda _: self._prior.predict(rgb, intrinsics, sensor))
        if self._estimator is None:
            return _unrefined(prior, timings)
        estimator, recipe = self._estimator, self._estimator.recipe
        with self._timed(timings, 'refiner'), self._execution.running():
            known = torch.isfinite(prior.depth_m_B1HW)
            filled = fill_holes(prior.depth_m_B1HW)
            condition = _condition(prior, filled, recipe)

            def work(shrink: float) -> Estimate:
                estimator.shrink = shrink
                generator = torch.Generator().manual_seed(self._settings.seed)
                return estimator.estimate(rgb, condition, known, generator)

            estimate = self._fitting.run(work)
        with self._timed(timings, 'align'), torch.inference_mode():
            depth, difference, fit = self._aligned(estimate, prior, filled, recipe)
            confidence = torch.where(torch.isfinite(depth),
                                     confidence_of(difference, known, fit), 0.0)
            near = depth < recipe.nearest_m if recipe.nearest_m else torch.zeros_like(known)
        return RefinedDepth(
            depth_m_B1HW=depth.masked_fill(near, recipe.nearest_m),
            prior_m_B1HW=prior.depth_m_B1HW, difference_B1HW=difference,
            confidence_B1HW=confidence, scale_shift=fit,
            clamped_B=near.sum(dim=(1, 2, 3)), timings_ms=timings)

    def warm_up(self, width: int, height: int) -> None:
        """
        Run once at a size, so that the first frame is not the slow one.

        Backends prepare their networks here, and are compared with fp32 torch on a picture of a
        room.

        :raises BackendError: where one gives other numbers
        """
        camera = Intrinsics.from_fov(width, height, 60.0)
        flat = torch.full((1, 1, height, width), 2.0, device=self._execution.device)
        self.refine(check_image(width, height), camera, sensor_depth_m_B1HW=flat)

    def describe(self) -> list[str]:
        """Give one line per loaded bundle, then where and how networks run."""
        refiner = [] if self._estimator is None else [self._estimator.description]
        how = self._execution
        by = '' if how.backend == 'torch' else f' by {how.backend}'
        checked = [] if self.networks is None else self.networks.describe()
        return [*self._prior.describe(), *refiner,
                f'networks run on {how.device} in {how.precision}{by}', *checked]

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

    def _aligned(self, estimate: Estimate, prior: AnchoredDepth, filled_m: torch.Tensor,
                 recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor, ScaleShift]:
        """Bring the estimate to the reference's metres where it agrees with the prior (4.1)."""
        align = recipe.fit if self._settings.align == 'auto' else self._settings.align
        values, kind = estimate.depth_B1HW, estimate.kind
        if align == 'none' and kind != 'metric':
            raise InputError(f'this refiner gives {kind} depth, which has no metres without a '
                             'fit; set align to auto, robust or lstsq')
        fit = fit_robust if align == 'robust' else fit_scale_shift
        stride = max(1, int((values[0].numel() / FIT_SAMPLES) ** 0.5))
        difference = estimate.difference_B1HW
        if difference is None:
            near_m = values if kind == 'metric' else to_metres(
                values, kind, prior.depth_m_B1HW, fit=fit, stride=stride)[0]
            difference = relative_difference(near_m, filled_m)
        if align == 'none':
            return values, difference, identity_fit(values)
        # A reference of its own may be sparse: there, every pixel counts.
        reference_m, stride = prior.reference_m_B1HW, stride if prior.fit is None else 1
        comparable = difference.masked_fill(~torch.isfinite(reference_m), torch.inf)
        agree, _ = select_agreeing(comparable, self._settings.agree_below or recipe.agree_below,
                                   min_pixels=FIT_PIXELS * stride ** 2)
        metres, found = to_metres(values, kind, reference_m, agree, fit=fit, stride=stride)
        usable = found.ok_B.view(-1, 1, 1, 1)
        return torch.where(usable, metres, prior.depth_m_B1HW), difference, found

    @contextmanager
    def _timed(self, timings: dict[str, float], stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        if self._execution.device.type == 'cuda':
            torch.cuda.synchronize()
        timings[stage] = (time.perf_counter() - begun) * 1e3


def load_estimator(settings: ModelSettings, networks: Networks) -> SharpEstimator:
    """
    Load the refiner that the settings name.

    :param networks: runs its networks
    :return: from a bundle, or from an official release as it is
    :raises WeightsError: where it cannot be used, or is of another method
    """
    where = settings.refiner_weights
    network, description = read_refiner_weights(where, settings.refiner)
    method = network.recipe.method
    if method != settings.refiner:
        raise WeightsError(f'{where} is trained for {method}; use refiner:={method} or name '
                           f'{settings.refiner} weights in refiner_weights')
    network.use(networks)
    return SharpEstimator(network, description, max_edge_px=settings.max_edge_px)


def hand_over(prior: Prior | None, networks: Networks, key: str) -> None:
    """Let a prior's networks, if it has any, run by the chosen backend."""
    for name, its_key in (('network', key), ('fov_network', f'{key}_fov')):
        network = getattr(prior, name, None)
        if isinstance(network, torch.nn.Module):
            setattr(prior, name, networks(network.cpu(), its_key))


def _backend_options(settings: ModelSettings, tell: Tell) -> BackendOptions:
    bound = settings.selfcheck.max_abs_rel if settings.selfcheck.enable else None
    return BackendOptions(engine_cache=settings.engine_cache, target=settings.engine_target,
                          build_only=settings.build_only, max_abs_rel=bound, tell=tell)


def _prior_input(settings: ModelSettings, estimator: SharpEstimator | None) -> str:
    """Feed the prior as the refiner's weights ask, unless told otherwise."""
    if settings.prior_input != 'auto':
        return settings.prior_input
    if estimator is None or settings.prior not in RELATIVE_PRIORS:
        return 'model'
    return estimator.recipe.prior_input


def _prior_edge_px(settings: ModelSettings, estimator: SharpEstimator | None) -> int:
    """Give the size that ApDepth's code shows the prior: the one that its refiner works at."""
    if estimator is None or _prior_input(settings, estimator) == 'model':
        return 0
    return estimator.max_edge_px


def _condition(prior: AnchoredDepth, filled_m: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Give what the network is conditioned on, filled everywhere."""
    if recipe.condition != 'disparity':
        return filled_m
    if prior.given.kind == 'disparity':
        return fill_holes(prior.given.depth_B1HW.float())
    if recipe.takes_raw_disparity:
        raise InputError('this refiner takes the raw disparity of the network that it was '
                         f'trained with, not {prior.given.kind} depth; use '
                         'prior:=depth_anything_v2')
    return 1.0 / filled_m


def _unrefined(prior: AnchoredDepth, timings: dict[str, float]) -> RefinedDepth:
    depth = prior.depth_m_B1HW
    fit = identity_fit(depth) if prior.fit is None else prior.fit
    known = torch.isfinite(depth)
    return RefinedDepth(
        depth_m_B1HW=depth, prior_m_B1HW=depth, difference_B1HW=torch.zeros_like(depth),
        confidence_B1HW=confidence_of(torch.zeros_like(depth), known, fit) * known,
        scale_shift=fit, timings_ms=timings)


def identity_fit(like_B1HW: torch.Tensor) -> ScaleShift:
    """Give the fit that changes nothing."""
    batch, pixels = like_B1HW.shape[0], like_B1HW[0].numel()
    zeros = like_B1HW.new_zeros(batch)
    counts = torch.zeros(batch, dtype=torch.int64, device=like_B1HW.device)
    return ScaleShift(scale_B=zeros + 1.0, shift_B=zeros, inliers_B=counts + pixels,
                      rmse_B=zeros, status_B=counts + int(FitStatus.OK))
