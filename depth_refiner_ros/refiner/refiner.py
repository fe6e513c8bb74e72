# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The refiner: image in, sharp metric depth out.

The method itself is :class:`~depth_refiner_ros.refiner.method.Refinement`. Node, command line,
evaluation and benchmark all call :meth:`DepthRefiner.refine`.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING

from depth_refiner_ros.backends.base import Log, log_to_stderr, Tensors
from depth_refiner_ros.backends.cuda_graph import FrameGraph, FrameGraphs, ONE_BY_ONE
from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.backends.memory import FittingSize
from depth_refiner_ros.backends.registry import ModelRunners
from depth_refiner_ros.backends.selfcheck import check_depth, check_image
from depth_refiner_ros.backends.stage_times import StageTimes
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.cuts import Cuts
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.images import depth_batch, first_map, image_batch, unit_image
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.noise import KeptNoise, Source
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.separate import OwnPrior, SeparatePriors
from depth_refiner_ros.refiner.checks import check_settings, check_spec
from depth_refiner_ros.refiner.frame import FittingEstimator, frame_result
from depth_refiner_ros.refiner.inputs import check_inputs
from depth_refiner_ros.refiner.loading import (
    backend_options,
    load_estimator,
    load_priors,
    prior_input,
)
from depth_refiner_ros.refiner.method import MetricPrior, Refinement
from depth_refiner_ros.refiner.shots import Shot
from depth_refiner_ros.settings.networks import DEPTH_PRIORS, ModelSettings
from depth_refiner_ros.settings.options import updated
import numpy as np
import torch

if TYPE_CHECKING:  # diffusers takes seconds to load, and a prior alone does not need it
    from depth_refiner_ros.diffusion.estimator import SharpEstimator


class DepthRefiner:
    """
    A metric prior and a one-step refiner, ready to run.

    :param prior: depth of any kind
    :param estimator: sharpens it; None returns the prior
    :param execution: device and number format
    :param settings: how the estimate is aligned, and the seed
    :param scale_prior: metric prior that sets the scale; None uses the scale of ``prior``
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
        view = None
        if estimator is not None and settings.prior not in DEPTH_PRIORS:
            view = estimator.prior_view(prior_input(settings, estimator.spec))
        self._prior = AnchoredPrior(prior, scale_prior, view=view)
        self._estimator = estimator
        self._execution = execution
        self._settings = settings
        self.runners: ModelRunners | None = None
        """Runners of the networks, if :meth:`from_settings` loaded them."""
        self._warm: set[tuple[int, int, int]] = set()
        self._fitting = FittingSize(settings.allow_smaller, log)
        self._log = log
        self._graphs = FrameGraphs(log) if execution.whole_frames else None
        if self._graphs is not None and self._prior.carries_over:
            # It repeats fixed operations on fixed memory.
            log(f'the frame cannot be one CUDA graph: its prior remembers others; {ONE_BY_ONE}')
            self._graphs = None
        self._cuts = Cuts()

    @classmethod
    def from_settings(cls, settings: ModelSettings, log: Log = log_to_stderr) -> 'DepthRefiner':
        """
        Load the prior and refiner that the settings name.

        :param log: called with lines about long builds and about images made smaller
        :raises SettingsError: if options contradict each other
        :raises WeightsError: if weights cannot be found or used
        :raises BackendError: if the device or the backend is not available
        """
        check_settings(settings, log)
        execution = choose(settings.device, settings.precision, settings.threads, settings.backend)
        runners = ModelRunners(execution, backend_options(settings, log))
        estimator = load_estimator(settings, runners)
        spec = None if estimator is None else estimator.spec
        if spec is not None:
            check_spec(settings, spec)
        prior, scale_prior = load_priors(settings, spec, execution.device, runners)
        refiner = cls(prior, estimator, execution, settings, scale_prior, log=log)
        refiner.runners = runners
        return refiner

    @classmethod
    def load(cls, **options: object) -> 'DepthRefiner':
        """
        Load the bundled prior and refiner, or those that the options name.

        :param options: options of ``docs/parameters.md``, such as ``prior='unidepth_v2'``
        :raises DepthRefinerError: as :meth:`from_settings`
        """
        return cls.from_settings(updated(ModelSettings(), options))

    def __call__(
        self,
        rgb_HW3: np.ndarray,
        camera: Camera | float | None = None,
        *,
        sensor_depth_m_HW: np.ndarray | None = None,
        stamp_ns: int | None = None,
    ) -> np.ndarray:
        """
        Return sharp metric depth of one image, float32 ``depth_m_HW``.

        :param rgb_HW3: uint8, or float in 0..1
        :param camera: of the image, or its horizontal field of view in degrees
        :param sensor_depth_m_HW: measured depth, NaN where unknown, for priors that start from it
        :param stamp_ns: capture time of an image of a video, see :meth:`refine`
        :raises InputError: if an input is missing, or of a wrong shape or range
        """
        image = image_batch(rgb_HW3)
        if isinstance(camera, Real):
            height, width = rgb_HW3.shape[:2]
            camera = Intrinsics.from_fov(width, height, float(camera))
        elif camera is not None and not isinstance(camera, Camera):
            raise InputError(
                f'camera = {shown(camera)} must be Intrinsics, a Lens, a horizontal field of '
                'view in degrees, or None'
            )
        sensor = None if sensor_depth_m_HW is None else depth_batch(sensor_depth_m_HW)
        result = self.refine(image, camera, sensor_depth_m_B1HW=sensor, stamp_ns=stamp_ns)
        return first_map(result.depth_m_B1HW)

    def update_settings(self, settings: ModelSettings) -> bool:
        """
        Change options between two images if that needs no loading.

        :return: False, with nothing changed, if networks must be loaded again
        """
        if settings.loaded != self._settings.loaded:
            return False
        self._settings = settings
        return True

    def for_another_camera(self) -> 'DepthRefiner':
        """Return a refiner with the same networks for another camera at the same time."""
        other = copy(self)
        other._prior = self._prior.for_another_video()
        other._cuts = Cuts()
        if self._graphs is not None:
            other._graphs = FrameGraphs(self._log)
        return other

    @property
    def options(self) -> tuple[str, float, bool]:
        """Return the options of the method that can change between two images."""
        chosen = self._settings
        return chosen.align, chosen.agree_below, chosen.fill_holes

    @property
    def batches_pay(self) -> bool:
        """
        Whether images of several cameras are refined faster in one call than in several.

        On a CPU they are not, and the first one waits for all; nor with frames that are one CUDA
        graph, which :meth:`refine_together` does without.
        """
        return self._execution.device.type != 'cpu' and self._graphs is None

    @property
    def carries_over(self) -> bool:
        """Whether depth of an image of a video depends on the images before it."""
        return self._prior.carries_over or (self._graphs is None and self._prior.holds_scale)

    def reset(self) -> None:
        """Carry nothing over to the next image, which is of another recording."""
        self._cuts.reset()

    def refine(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        *,
        sensor_depth_m_B1HW: torch.Tensor | None = None,
        cloud: CloudBuilder | None = None,
        stamp_ns: int | None = None,
    ) -> RefinedDepth:
        """
        Return sharp metric depth of images, and how far to trust it.

        :param rgb_B3HW: uint8, or float in 0..1
        :param intrinsics: camera of the images; priors that take their scale from it refuse None,
            many a :class:`Lens`, of which all depth is distance along its rays
        :param sensor_depth_m_B1HW: measured depth, for priors that start from it
        :param cloud: also packs a point cloud of depth and uint8 image on the device; batch of 1
        :param stamp_ns: capture time of an image of a video, to which priors of video carry over
            what they saw before, unless there is a cut (:class:`~.cuts.Cuts`); None for an image
            on its own
        :return: depth, NaN where the prior has none unless ``fill_holes`` is set. An
            image that cannot be aligned (see its status) gets its prior
        :raises InputError: if an input is missing, or of a wrong shape or range
        """
        self._check_inputs(rgb_B3HW, intrinsics, sensor_depth_m_B1HW)
        batch = len(rgb_B3HW)
        if cloud is not None and batch != 1:
            raise InputError(
                f'a cloud needs a batch of one image, not {batch}; refine them one by one'
            )
        self._prepare(rgb_B3HW, self.warm_up)
        continues = self._cuts.continues(stamp_ns, intrinsics, tuple(rgb_B3HW.shape))
        return self._run(rgb_B3HW, intrinsics, sensor_depth_m_B1HW, cloud, continues=continues)

    @staticmethod
    def refine_together(shots: Sequence[Shot]) -> list[RefinedDepth]:
        """
        Return the depth of images of several cameras, refined in one call.

        Each is what :meth:`refine` returns, but for rounding. The refiner sees the images as a
        batch; priors see one after the other, as each has its own camera and video.

        :param shots: of one :attr:`~Shot.form`, of refiners that share networks
        :raises InputError: if an input is missing, or of a wrong shape or range
        :raises BackendError: if memory is too small for all of them
        """
        first = shots[0].refiner
        for shot in shots:
            shot.refiner._check_inputs(shot.rgb_13HW, shot.intrinsics, shot.sensor_depth_m_11HW)
        rgb_B3HW = torch.cat([shot.rgb_13HW for shot in shots])
        measured = [shot.sensor_depth_m_11HW for shot in shots]
        known_m = [depth_m_11HW for depth_m_11HW in measured if depth_m_11HW is not None]
        first._prepare(rgb_B3HW, first.warm_up_together)
        own = [shot.refiner._own_prior(shot) for shot in shots]
        device, times = first._execution.device, StageTimes(first._execution.device)
        noise = KeptNoise(first._settings.seed).rewound
        method = first._method(noise, first._fitting.settled(), SeparatePriors(own))
        there = rgb_B3HW.to(device), torch.cat(known_m).to(device) if known_m else None
        result = FittingSize(False).run(
            lambda _: method(there[0], None, there[1], timed=times.stage)
        )
        return [
            replace(one, timings_ms=times, continued=camera.continues)
            for one, camera in zip(result.each(), own, strict=True)
        ]

    def _own_prior(self, shot: Shot) -> OwnPrior:
        shape = tuple(shot.rgb_13HW.shape)
        return OwnPrior(
            prior=self._prior,
            intrinsics=shot.intrinsics,
            continues=self._cuts.continues(shot.stamp_ns, shot.intrinsics, shape),
        )

    def _prepare(self, rgb_B3HW: torch.Tensor, warm_up: Callable[[int, int, int], None]) -> None:
        """Warm up, lest a backend be judged by an image of a lens cap or a blank wall."""
        batch, _, height, width = rgb_B3HW.shape
        judged = self.runners is not None and self.runners.judged
        if judged and (batch, height, width) not in self._warm:
            warm_up(width, height, batch)

    def warm_up_together(self, width: int, height: int, count: int) -> None:
        """Run :meth:`refine_together` once with so many images, as :meth:`warm_up`."""
        self._warm.add((count, height, width))
        shot = Shot(
            refiner=self.for_another_camera(),
            rgb_13HW=check_image(width, height),
            intrinsics=Intrinsics.from_fov(width, height, 60.0),
            sensor_depth_m_11HW=check_depth(width, height),
        )
        self.refine_together([shot] * count)

    def warm_up(self, width: int, height: int, batch: int = 1) -> None:
        """
        Run once at a size, so that the first frame is not slow.

        Backends prepare their networks here, and are compared with fp32 torch on a picture of a
        room.

        :raises BackendError: if a backend gives different numbers
        """
        camera = Intrinsics.from_fov(width, height, 60.0)
        picture = check_image(width, height).expand(batch, -1, -1, -1)
        depth_m_B1HW = check_depth(width, height).expand(batch, -1, -1, -1)
        self._run(picture, camera, depth_m_B1HW)
        if self._prior.carries_over:  # from its second image on, a video gives networks more
            device = self._execution.device
            with self._execution.running():
                rgb, sensor_m = unit_image(picture.to(device)), depth_m_B1HW.to(device)
                self._prior.predict(rgb, camera, sensor_m, continues=True)
        self.reset()
        self._warm.add((batch, height, width))

    def describe(self) -> list[str]:
        """Return a line for each loaded bundle, then where and how networks run."""
        refiner = [] if self._estimator is None else [self._estimator.description]
        how = self._execution
        by = '' if how.backend == 'torch' else f' by {how.backend}'
        checked = [] if self.runners is None else self.runners.describe()
        return [
            *self._prior.describe(),
            *refiner,
            f'networks run on {how.device} in {how.precision}{by}',
            *checked,
        ]

    def _check_inputs(
        self, rgb: torch.Tensor, intrinsics: Camera | None, sensor_m_B1HW: torch.Tensor | None
    ) -> None:
        # On the CPU the priors check this themselves; on a GPU that would stall the stream.
        measured = self._execution.device.type != 'cpu' and self._settings.takes(DEPTH_PRIORS)
        check_inputs(rgb, intrinsics, sensor_m_B1HW, measured=measured)

    def _run(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_depth_m_B1HW: torch.Tensor | None,
        cloud: CloudBuilder | None = None,
        *,
        continues: bool = False,
    ) -> RefinedDepth:
        inputs = (rgb_B3HW,) if sensor_depth_m_B1HW is None else (rgb_B3HW, sensor_depth_m_B1HW)
        times = StageTimes(self._execution.device)
        graph = (
            None if self._graphs is None else self._graph(self._graphs, inputs, intrinsics, cloud)
        )
        if graph is None:
            there = [value.to(self._execution.device) for value in inputs]
            seed = self._settings.seed
            method = self._method(lambda: KeptNoise(seed), self._fitting, continues=continues)
            frame = partial(frame_result, method, intrinsics, cloud)
            result = FittingSize(False).run(lambda _: frame(*there, timed=times.stage))
        else:
            with times.stage('frame'):
                result = RefinedDepth.of_tensors(graph(*inputs))
        return replace(result, timings_ms=times, continued=continues)

    def _method(
        self,
        noise: Callable[[], Source],
        fitting: FittingSize,
        prior: MetricPrior | None = None,
        *,
        continues: bool = False,
    ) -> Refinement:
        """Return the method with the current options."""
        estimator = self._estimator
        return Refinement(
            prior=prior or self._prior,
            estimator=None if estimator is None else FittingEstimator(estimator, noise, fitting),
            execution=self._execution,
            align=self._settings.align,
            agree_below=self._settings.agree_below,
            fill_holes=self._settings.fill_holes,
            continues=continues,
        )

    def _graph(
        self,
        graphs: FrameGraphs,
        inputs: Tensors,
        intrinsics: Camera | None,
        cloud: CloudBuilder | None,
    ) -> FrameGraph | None:
        """Return the CUDA graph for such images, or None if they run stage by stage."""
        forms = tuple((value.shape, value.dtype) for value in inputs)

        def capture() -> FrameGraph:
            noise = KeptNoise(self._settings.seed).rewound
            method = self._method(noise, self._fitting.settled())
            return FrameGraph(
                lambda *there: frame_result(method, intrinsics, cloud, *there).tensors(),
                inputs,
                alive=self.runners and self.runners.runners(),
            )

        return graphs.get((forms, intrinsics, self.options, cloud), capture)
