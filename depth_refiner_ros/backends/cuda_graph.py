# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
One CUDA graph for a whole frame: from the image on the GPU to metric depth on the GPU.

Launching some thousand kernels one by one costs more than a small network; a graph launches them
as one.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.backends.base import Log, Tensors
from depth_refiner_ros.backends.capturable import check_capturable, Frame
from depth_refiner_ros.core.errors import BackendError
import torch

IN_FLIGHT = 2
WARM_UPS = 2
"""Frames run on the stream of the capture first, so that libraries allocate workspaces."""
ONE_BY_ONE = 'its stages run one by one, more slowly'
MAX_GRAPHS = 2
"""Graphs kept; each holds all activations of its frame, and a camera needs only one."""


@dataclass
class _Staging:
    """Pinned memory of the inputs of one frame in flight."""

    pinned: Tensors
    sent: torch.cuda.Event


class FrameGraph:
    """
    A captured frame.

    A call returns before the GPU is done; later work on the same stream waits for it. Images on
    the host go through pinned memory of two frames, so that one is copied there while the GPU
    works on the other.

    :param frame: networks and everything around them, on the GPU; already prepared, because
        nothing may be compiled or tuned during a capture
    :param inputs: examples of the tensors to come
    :param alive: kept alive with this object, because a graph holds only addresses of weights
    :raises BackendError: if the frame cannot be captured
    """

    def __init__(self, frame: Frame, inputs: Tensors, alive: Any = None) -> None:
        self._alive = frame, alive
        self._inputs = tuple(value.to('cuda', copy=True) for value in inputs)
        self._staging = [
            _Staging(
                tuple(torch.empty_like(value, device='cpu').pin_memory() for value in inputs),
                torch.cuda.Event(),
            )
            for _ in range(IN_FLIGHT)
        ]
        self._turn = 0
        try:
            with torch.inference_mode():
                frame(*self._inputs)  # creates what is created once, such as noise
            check_capturable(frame, *self._inputs)
            self._graph, self._results = _captured(frame, self._inputs)
        except torch.OutOfMemoryError as error:
            raise BackendError(
                f'no memory for a CUDA graph: {str(error).splitlines()[0]}'
            ) from error
        except RuntimeError as error:
            raise BackendError(
                f'the frame cannot be one CUDA graph: {str(error).splitlines()[0]}'
            ) from error

    def __call__(self, *inputs: torch.Tensor) -> Tensors:
        """
        Start a frame.

        :param inputs: of the examples' shapes and types, on the host or on the GPU
        :return: new tensors on the GPU
        """
        staging = self._staging[self._turn]
        self._turn = (self._turn + 1) % IN_FLIGHT
        staging.sent.synchronize()
        with torch.inference_mode():
            for here, pinned, value in zip(self._inputs, staging.pinned, inputs, strict=True):
                if value.device.type == 'cpu':
                    value = pinned.copy_(value)
                here.copy_(value, non_blocking=True)
            staging.sent.record()
            self._graph.replay()
            return tuple(value.clone() for value in self._results)


def _captured(frame: Frame, inputs: Tensors) -> tuple[torch.cuda.CUDAGraph, Tensors]:
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    # Memory cached by earlier frames on another stream cannot be used on this one.
    torch.cuda.empty_cache()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            frame(*inputs)
    stream.synchronize()
    # The outer stream context restores the caller's stream if a capture fails; other threads may
    # use the GPU meanwhile.
    with (
        torch.inference_mode(),
        torch.cuda.stream(stream),
        torch.cuda.graph(graph, stream=stream, capture_error_mode='thread_local'),
    ):
        results = frame(*inputs)
    return graph, results


class FrameGraphs:
    """
    The graphs of one refiner: each for fixed shapes, intrinsics and options.

    A graph is captured when a key occurs twice in a row, as for a camera but not for a folder of
    photographs. If one cannot be captured, no further attempt is made.

    :param log: called with the reason why frames run stage by stage
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._graphs: dict[Hashable, FrameGraph] = {}
        self._last: Hashable = None
        self._refused = False

    def get(self, key: Hashable, capture: Callable[[], FrameGraph]) -> FrameGraph | None:
        """
        Return the graph of a key, None if the frame is to run stage by stage.

        :param key: everything that is fixed in the graph
        :param capture: captures it
        """
        again, self._last = key == self._last, key
        if key not in self._graphs and again and not self._refused:
            if len(self._graphs) >= MAX_GRAPHS:
                self._graphs.pop(next(iter(self._graphs)))
            try:
                self._graphs[key] = capture()
            except BackendError as error:
                self._refused = True
                self._log(f'{error}; {ONE_BY_ONE}')
        return self._graphs.get(key)
