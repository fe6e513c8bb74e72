# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One set of networks for all cameras of a process, and how their frames share it."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from depth_refiner_ros.core.errors import BackendError, InputError, SettingsError
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.nodes.inputs.frame_sync import ImageSet
from depth_refiner_ros.nodes.runtime.latency import Stopwatch
from depth_refiner_ros.nodes.runtime.worker import Boxes, one_by_one, Served
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.refiner.shots import Shot
from depth_refiner_ros.settings.networks import ModelSettings
import numpy as np
import torch

WARM_UP_SIZE = 640, 480
Log = Callable[[str], None]


class Camera(Served, Protocol):
    """The node of one camera."""

    @property
    def joins(self) -> bool:
        """Whether its images are refined together with those of others."""

    def begun(self, item: ImageSet, watch: Stopwatch) -> 'BegunFrame':
        """Return a decoded frame."""

    def publish(self, frame: 'BegunFrame', result: RefinedDepth) -> None:
        """Publish the outputs of a frame."""

    def guarded(self, item: Any) -> Any:
        """See :meth:`WorkerNode.guarded`."""

    def finish(self, item: Any, watch: Stopwatch) -> None:
        """See :meth:`WorkerNode.finish`."""


@dataclass(frozen=True, kw_only=True)
class BegunFrame:
    """
    A frame that is to be refined.

    :param node: of its camera
    :param item: its messages
    :param watch: times its stages
    :param shot: its arrays for the refiner
    :param rgb_HW3: its image, rectified
    :param seen_HW: which pixels of it the camera saw, None if all
    """

    node: Camera
    item: ImageSet
    watch: Stopwatch
    shot: Shot
    rgb_HW3: np.ndarray
    seen_HW: torch.Tensor | None = None


class SharedNetworks:
    """The networks of the cameras of one process, loaded for the first of them."""

    def __init__(self) -> None:
        self._base: DepthRefiner | None = None
        self._loaded_by, self._loaded = '', ModelSettings()
        self._users: set[str] = set()
        self._batches = True
        self._log: Log = print

    def join(self, name: str, settings: ModelSettings, log: Log) -> DepthRefiner:
        """
        Return the refiner of one camera.

        :param name: of its node
        :raises SettingsError: if options contradict each other, or the networks of others
        :raises WeightsError: if weights cannot be found or used
        :raises BackendError: if the device or the backend is not available
        """
        self._users.add(name)
        if self._base is None:
            # GNU's OpenMP keeps threads for each thread that has computed in parallel, and with
            # more of them than cores none waits awake: where the main thread had loaded the
            # networks, the worker took 206 to 229 ms a frame on two cores, else 103 to 125.
            with ThreadPoolExecutor(1, 'loading') as passing:
                self._base = passing.submit(_ready_to_run, settings, log).result()
            self._loaded_by, self._loaded, self._log = name, settings, log
        self._check_same(name, settings)
        return self._base.for_another_camera()

    def leave(self, name: str) -> None:
        """Release the networks if no other camera uses them."""
        self._users.discard(name)
        if not self._users:
            self._base, self._batches = None, True

    def batches(self, wish: str) -> bool:
        """Whether images of several cameras are one batch, by the option ``batch_cameras``."""
        pays = self._base is not None and self._base.batches_pay
        return self._batches and (wish == 'always' or (wish == 'auto' and pays))

    def serve(self, boxes: Boxes) -> None:
        """Refine a frame of each camera: those of one form together, others one by one."""
        joining = {node: box for node, box in boxes.items() if node.joins}
        one_by_one({node: box for node, box in boxes.items() if node not in joining})
        frames: list[BegunFrame] = []
        for node, box in joining.items():
            item = box.take(0.0)
            if item is not None:
                with node.guarded(item):
                    frames.append(node.begun(item, Stopwatch()))
        for group in _by_form(frames):
            results = self._together(group) if len(group) > 1 else None
            for index, frame in enumerate(group):
                with frame.node.guarded(frame.item):
                    result = _alone(frame) if results is None else results[index]
                    frame.node.publish(frame, result)
                    frame.node.finish(frame.item, frame.watch)

    def _together(self, group: Sequence[BegunFrame]) -> list[RefinedDepth] | None:
        """Return the depth of frames of one form; None if they have to be refined one by one."""
        watch, results = Stopwatch(), None
        with group[0].node.guarded(None):
            try:
                with watch.stage('refine'):
                    results = DepthRefiner.refine_together([frame.shot for frame in group])
            except InputError:  # of one of them, which will be told which
                return None
            except BackendError as error:
                self._log(str(error))
        if results is None:
            self._batches = False
            self._log('the images of cameras are refined one by one from now on')
            return None
        for frame in group:
            frame.watch.stages_ms |= watch.stages_ms
        return results

    def _check_same(self, name: str, settings: ModelSettings) -> None:
        mine, theirs = settings.loaded, self._loaded.loaded
        for option in mine:
            if mine[option] != theirs[option]:
                raise SettingsError(
                    f'{name} has {option} = {mine[option]}, {self._loaded_by} has '
                    f'{theirs[option]}, but cameras of one process share networks; set one value, '
                    'or run a refiner_node for each'
                )


def _alone(frame: BegunFrame) -> RefinedDepth:
    with frame.watch.stage('refine'):
        return frame.shot.refined()


def _ready_to_run(settings: ModelSettings, log: Log) -> DepthRefiner:
    """Return a refiner that is ready to run, and tell its licences."""
    refiner = DepthRefiner.from_settings(settings, log=log)
    for line in refiner.describe():
        log(line)
    refiner.warm_up(*WARM_UP_SIZE)
    return refiner


def _by_form(frames: Iterable[BegunFrame]) -> list[list[BegunFrame]]:
    groups: dict[Any, list[BegunFrame]] = {}
    for frame in frames:
        groups.setdefault(frame.shot.form, []).append(frame)
    return list(groups.values())
