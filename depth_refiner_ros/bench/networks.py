# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The networks of a frame, with the calls that the refiner makes, to be counted and timed separately.

Nothing here depends on a method, a size or a prior. A frame is run once while
:meth:`~depth_refiner_ros.backends.registry.ModelRunners.noting` collects the inputs of each
network; these calls are then repeated, so a benchmark times exactly what ``refine`` runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from depth_refiner_ros.backends.base import Shapes, shapes_of, Tensors
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.mixed_precision import reduced
from depth_refiner_ros.backends.model_runner import ModelRunner
from depth_refiner_ros.backends.registry import ModelRunners
from depth_refiner_ros.bench.bounds import Stage
from depth_refiner_ros.bench.count import count, Operations
from depth_refiner_ros.bench.timing import timed_ms, within_frame

STAGES = {'vae_encoder': 'encode', 'vae_decoder': 'decode'}
"""Names of networks in tables and files, if they differ from the keys of the backends."""


@dataclass(frozen=True, kw_only=True)
class FrameSize:
    """Columns and rows of the image in pixels."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class NetworkCalls:
    """
    All calls of one network in one frame.

    :param network: as the refiner runs it
    :param inputs: of each call, in order
    """

    network: ModelRunner
    inputs: tuple[Tensors, ...]

    def __call__(self) -> None:
        """Repeat the calls."""
        for tensors in self.inputs:
            self.network(*tensors)


def network_calls(networks: ModelRunners, run: Callable[[], Any]) -> dict[str, NetworkCalls]:
    """
    Run a frame and return the calls of each network in it, by stage.

    :param networks: of the refiner
    :param run: runs one frame, stage by stage, because calls inside a CUDA graph are not visible
    """
    with networks.noting() as noted:
        run()
    inputs: dict[ModelRunner, list[Tensors]] = {}
    for network, tensors in noted:
        inputs.setdefault(network, []).append(tensors)
    return {
        STAGES.get(network.key, network.key): NetworkCalls(network=network, inputs=tuple(each))
        for network, each in inputs.items()
    }


def count_calls(calls: Mapping[str, NetworkCalls], execution: Execution) -> dict[str, Stage]:
    """
    Count the operations of each network, as torch runs it in the number format of the execution.

    The operations of other backends are not visible, but they compute the same network.
    """
    return {name: _counted(one, execution) for name, one in calls.items()}


def time_calls(
    calls: Mapping[str, NetworkCalls],
    execution: Execution,
    *,
    frames: int,
    warm_up: int,
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, list[float]]:
    """
    Time each network separately.

    :param log: called with the network that is being timed
    :return: network to milliseconds, of all its calls in each frame
    """
    stages_ms = {}
    for name, one in calls.items():
        log(f'timing {name}')
        stages_ms[name] = timed_ms(
            within_frame(one, execution), execution.device, frames=frames, warm_up=warm_up
        )
    return stages_ms


def _counted(calls: NetworkCalls, execution: Execution) -> Stage:
    network = reduced(calls.network.module, execution.device, execution.precision)
    by_shapes: dict[Shapes, Operations] = {}
    for tensors in calls.inputs:
        shapes = shapes_of(tensors)
        if shapes not in by_shapes:
            by_shapes[shapes] = count(partial(network, *tensors), network.parameters())
    each = [by_shapes[shapes_of(tensors)] for tensors in calls.inputs]
    return Stage(calls=len(each), operations=Operations.total(each))
