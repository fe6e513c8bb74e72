"""
The refiner: loads what the settings name, checks what comes in, runs the method on it.

The method itself is :class:`~depth_refiner_ros.refiner.method.Refinement`. Node, command line,
evaluation and benchmark all call :meth:`DepthRefiner.refine`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
import time
from typing import TYPE_CHECKING

from depth_refiner_ros.backends.base import Log, log_to_stderr, Tensors
from depth_refiner_ros.backends.cuda_graph import FrameGraph, FrameGraphs
from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.backends.memory import FittingSize
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.backends.selfcheck import check_depth, check_image
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, WeightsError
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.diffusion.noise import KeptNoise
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.sensor import check_measured
from depth_refiner_ros.refiner.checks import check_metres, check_spec
from depth_refiner_ros.refiner.method import Refinement
from depth_refiner_ros.settings.networks import DEPTH_PRIORS, ModelSettings, RELATIVE_PRIORS
import torch

if TYPE_CHECKING:  # diffusers takes seconds to load, and a prior alone needs none of it
    from depth_refiner_ros.diffusion.estimator import SharpEstimator

LOADED = tuple(
    item.name
    for item in fields(ModelSettings)
    if not item.metadata.get('option', {}).get('runtime')
)
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

    def __init__(
        self,
        prior: Prior,
        estimator: 'SharpEstimator | None',
        execution: Execution,
        settings: ModelSettings,
        scale_prior: Prior | None = None,
        *,
        log: Log = log_to_stderr,
    ) -> None:
        self._prior = AnchoredPrior(
            prior, scale_prior, max_edge_px=_prior_edge_px(settings, estimator)
        )
        self._estimator = estimator
        self._execution = execution
        self._settings = settings
        self.networks: ModelRunners | None = None
        """What runs the networks, where :meth:`from_settings` loaded them."""
        self._warm: set[tuple[int, int, int]] = set()
        self._fitting = FittingSize(settings.allow_smaller, log)
        self._graphs = FrameGraphs(log) if execution.whole_frames else None

    @classmethod
    def from_settings(cls, settings: ModelSettings, log: Log = log_to_stderr) -> 'DepthRefiner':
        """
        Load what the settings name.

        :param log: hears of long builds and of images made smaller
        :raises SettingsError: where options do not go together
        :raises WeightsError: where a bundle cannot be used
        :raises BackendError: where the device or the backend is not there
        """
        check_metres(settings)
        execution = choose(settings.device, settings.precision, settings.threads, settings.backend)
        networks = ModelRunners(execution, _backend_options(settings, log))
        estimator = None if settings.refiner == 'none' else load_estimator(settings, networks)
        if estimator is not None:
            check_spec(settings, estimator.spec)
        prior = build_prior(
            settings.prior,
            settings.prior_weights,
            seed=settings.seed,
            device=execution.device,
            focal_rule=settings.prior_focal_rule,
            short_side=settings.prior_short_side,
            input=_prior_input(settings, estimator),
        )
        scale_prior = (
            None
            if settings.scale_prior == 'none'
            else build_prior(
                settings.scale_prior,
                settings.scale_prior_weights,
                seed=settings.seed,
                device=execution.device,
                focal_rule=settings.prior_focal_rule,
            )
        )
        attach_backend(prior, networks, 'prior')
        attach_backend(scale_prior, networks, 'scale_prior')
        refiner = cls(prior, estimator, execution, settings, scale_prior, log=log)
        refiner.networks = networks
        return refiner

    def update_settings(self, settings: ModelSettings) -> bool:
        """
        Take over what needs no loading, between two images.

        :return: False, with nothing taken over, where networks must be loaded anew
        """
        if any(getattr(settings, name) != getattr(self._settings, name) for name in LOADED):
            return False
        self._settings = settings
        return True

    def refine(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        *,
        sensor_depth_m_B1HW: torch.Tensor | None = None,
        cloud: CloudBuilder | None = None,
    ) -> RefinedDepth:
        """
        Return sharp metric depth for an image.

        :param rgb_B3HW: uint8, or float in 0..1
        :param intrinsics: of this image; priors that set scale by them refuse None
        :param sensor_depth_m_B1HW: measured depth for the priors that start from it
        :param cloud: also packs points of the depth and the uint8 image, batch 1; on the device
        :return: depth for every pixel, the prior's holes included, at low confidence; where an
            image cannot be aligned (see its status) its prior as it is
        :raises InputError: where an input is missing, of a wrong shape or of a wrong range
        """
        self._check(rgb_B3HW, intrinsics, sensor_depth_m_B1HW)
        batch, _, height, width = rgb_B3HW.shape
        if cloud is not None and batch != 1:
            raise InputError(f'a cloud is of one image, not of {batch}; refine one by one')
        # A lens cap or a blank wall must not be what a backend is judged by.
        judged = self.networks is not None and self.networks.judged
        if judged and (batch, height, width) not in self._warm:
            self.warm_up(width, height, batch)
        return self._refined(rgb_B3HW, intrinsics, sensor_depth_m_B1HW, cloud)

    def warm_up(self, width: int, height: int, batch: int = 1) -> None:
        """
        Run once at a size, so that the first frame is not the slow one.

        Backends prepare their networks here, and are compared with fp32 torch on a picture of a
        room.

        :raises BackendError: where one gives other numbers
        """
        camera = Intrinsics.from_fov(width, height, 60.0)
        picture = check_image(width, height).expand(batch, -1, -1, -1)
        depth_m_B1HW = check_depth(width, height).expand(batch, -1, -1, -1)
        self._refined(picture, camera, depth_m_B1HW)
        self._warm.add((batch, height, width))

    def describe(self) -> list[str]:
        """Return one line per loaded bundle, then where and how networks run."""
        refiner = [] if self._estimator is None else [self._estimator.description]
        how = self._execution
        by = '' if how.backend == 'torch' else f' by {how.backend}'
        checked = [] if self.networks is None else self.networks.describe()
        return [
            *self._prior.describe(),
            *refiner,
            f'networks run on {how.device} in {how.precision}{by}',
            *checked,
        ]

    def _check(
        self, rgb: torch.Tensor, intrinsics: Intrinsics | None, sensor_m_B1HW: torch.Tensor | None
    ) -> None:
        """Ask all that is asked of values, before they are on their way."""
        if rgb.ndim != 4 or rgb.shape[1] != 3 or 0 in rgb.shape:
            raise InputError(f'image has shape {tuple(rgb.shape)}, not (batch, 3, rows, columns)')
        if intrinsics is not None and (intrinsics.height, intrinsics.width) != rgb.shape[-2:]:
            raise InputError(
                f'image is {rgb.shape[-1]}x{rgb.shape[-2]}, its intrinsics are for '
                f'{intrinsics.width}x{intrinsics.height}; resize them together'
            )
        if rgb.dtype != torch.uint8 and not (
            rgb.is_floating_point() and bool(((rgb >= 0.0) & (rgb <= 1.0)).all())
        ):
            raise InputError(
                f'image of {rgb.dtype} must be uint8 in 0..255 or float in 0..1; convert it'
            )
        # On the CPU priors ask for themselves; a GPU is not asked.
        if (
            sensor_m_B1HW is not None
            and self._execution.device.type != 'cpu'
            and self._settings.takes(DEPTH_PRIORS)
        ):
            check_measured(sensor_m_B1HW)

    def _refined(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_depth_m_B1HW: torch.Tensor | None,
        cloud: CloudBuilder | None = None,
    ) -> RefinedDepth:
        inputs = (rgb_B3HW,) if sensor_depth_m_B1HW is None else (rgb_B3HW, sensor_depth_m_B1HW)
        timings: dict[str, float] = {}
        graph = (
            None if self._graphs is None else self._graph(self._graphs, inputs, intrinsics, cloud)
        )
        if graph is None:
            there = [value.to(self._execution.device) for value in inputs]
            result = FittingSize(False).run(
                lambda _: self._refinement()(
                    intrinsics, *there, cloud=cloud, timed=partial(self._timed, timings)
                )
            )
        else:
            with self._timed(timings, 'frame'):
                result = RefinedDepth.of_tensors(graph(*inputs))
        return replace(result, timings_ms=timings)

    def _refinement(self) -> Refinement:
        """Return the method as the options of this moment ask for it."""
        chosen = self._settings
        return Refinement(
            prior=self._prior,
            estimator=self._estimator,
            execution=self._execution,
            fitting=self._fitting,
            noise=lambda: torch.Generator().manual_seed(chosen.seed),
            align=chosen.align,
            agree_below=chosen.agree_below,
        )

    def _graph(
        self,
        graphs: FrameGraphs,
        inputs: Tensors,
        intrinsics: Intrinsics | None,
        cloud: CloudBuilder | None,
    ) -> FrameGraph | None:
        """Return the CUDA graph of such images, where there is one."""
        forms = tuple((value.shape, value.dtype) for value in inputs)
        options = self._settings.align, self._settings.agree_below

        def capture() -> FrameGraph:
            method = replace(
                self._refinement(),
                fitting=self._fitting.settled(),
                noise=KeptNoise(self._settings.seed).rewound,
            )
            return FrameGraph(
                lambda *there: method(intrinsics, *there, cloud=cloud).tensors(),
                inputs,
                alive=self.networks and self.networks.runners(),
            )

        return graphs.get((forms, intrinsics, options, cloud), capture)

    @contextmanager
    def _timed(self, timings: dict[str, float], stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        if self._execution.device.type == 'cuda':
            torch.cuda.synchronize()
        timings[stage] = (time.perf_counter() - begun) * 1e3


def load_estimator(settings: ModelSettings, networks: ModelRunners) -> 'SharpEstimator':
    """
    Load the refiner that the settings name.

    :param networks: runs its networks
    :return: from a bundle, or from an official release as it is
    :raises WeightsError: where it cannot be used, or is of another method
    """
    from depth_refiner_ros.diffusion.estimator import SharpEstimator
    from depth_refiner_ros.diffusion.releases.refiner_weights import read_refiner_weights

    where = settings.refiner_weights
    network, description = read_refiner_weights(where, settings.refiner)
    method = network.spec.method
    if method != settings.refiner:
        raise WeightsError(
            f'{where} is trained for {method}; use refiner:={method} or name '
            f'{settings.refiner} weights in refiner_weights'
        )
    network.use(networks)
    return SharpEstimator(network, description, max_edge_px=settings.max_edge_px)


def attach_backend(prior: Prior | None, networks: ModelRunners, key: str) -> None:
    """Let a prior's networks, if it has any, run by the chosen backend."""
    for name, its_key in (('network', key), ('fov_network', f'{key}_fov')):
        network = getattr(prior, name, None)
        if isinstance(network, torch.nn.Module):
            setattr(prior, name, networks(network.cpu(), its_key))


def _backend_options(settings: ModelSettings, log: Log) -> BackendOptions:
    bound = settings.selfcheck.max_abs_rel if settings.selfcheck.enable else None
    return BackendOptions(
        engine_cache=settings.engine_cache,
        target=settings.engine_target,
        build_only=settings.build_only,
        max_abs_rel=bound,
        log=log,
    )


def _prior_input(settings: ModelSettings, estimator: 'SharpEstimator | None') -> str:
    """Feed the prior as the refiner's weights ask, unless told otherwise."""
    if settings.prior_input != 'auto':
        return settings.prior_input
    if estimator is None or settings.prior not in RELATIVE_PRIORS:
        return 'model'
    return estimator.spec.prior_input


def _prior_edge_px(settings: ModelSettings, estimator: 'SharpEstimator | None') -> int:
    """Return the size that ApDepth's code shows the prior: the one that its refiner works at."""
    if estimator is None or _prior_input(settings, estimator) == 'model':
        return 0
    return estimator.max_edge_px
