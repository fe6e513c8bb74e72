"""
One CUDA graph for a whole frame: from the uint8 image to metric depth and cloud.

Launching some thousand kernels one by one costs more than a small network; a graph launches them
as one. Images go in and results come out by asynchronous copies between pinned and device memory,
with two sets of buffers, so that a frame is copied while the one before it is computed.
"""

from collections.abc import Callable
from dataclasses import dataclass

from depth_refiner_ros.core.errors import BackendError
import torch

Frame = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]
"""Takes ``rgb_B3HW`` uint8 on the device and gives tensors there, without asking the host."""
IN_FLIGHT = 2


def check_capturable(frame: Frame, rgb_B3HW: torch.Tensor) -> None:
    """
    Ask that a frame never waits for the device and has no shape that depends on values.

    The frame is traced with tensors that have no values: whatever asks for one, raises here, on
    any machine, and not within a capture.

    :param rgb_B3HW: an example; only its shape and type count
    :raises BackendError: with the operation that asks
    """
    from torch._subclasses.fake_tensor import (
        DataDependentOutputException,
        DynamicOutputShapeException,
        FakeTensorMode,
    )
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with torch.inference_mode(False), torch.no_grad(), mode:
            frame(mode.from_tensor(rgb_B3HW.clone()))
    except (DataDependentOutputException, DynamicOutputShapeException,
            GuardOnDataDependentSymNode) as error:
        raise BackendError(f'the frame cannot be one CUDA graph: it needs the value of a tensor '
                           f'on the host ({str(error).splitlines()[0]}); use backend:=torch'
                           ) from error


@dataclass
class _Slot:
    """One frame in flight: its graph with the buffers it reads and writes."""

    image_in: torch.Tensor
    image: torch.Tensor
    results: tuple[torch.Tensor, ...]
    results_out: tuple[torch.Tensor, ...]
    graph: torch.cuda.CUDAGraph
    done: torch.cuda.Event


class FrameGraph:
    """
    A captured frame.

    :param frame: networks, alignment and cloud, all on the GPU; warmed up, as nothing may be
        compiled or searched during capture
    :param rgb_B3HW: uint8 example of the images to come
    :raises BackendError: where the frame cannot be captured
    """

    def __init__(self, frame: Frame, rgb_B3HW: torch.Tensor) -> None:
        check_capturable(frame, rgb_B3HW)
        self._stream = torch.cuda.Stream()
        self._slots = [self._capture(frame, rgb_B3HW) for _ in range(IN_FLIGHT)]
        self._next = 0

    def submit(self, rgb_B3HW: torch.Tensor) -> int:
        """
        Send a frame on its way and return at once.

        :param rgb_B3HW: uint8 on the host, of the example's shape
        :return: ticket for :meth:`collect`; at most two may be open
        """
        ticket = self._next
        slot = self._slots[ticket]
        slot.done.synchronize()
        slot.image_in.copy_(rgb_B3HW)
        with torch.cuda.stream(self._stream):
            slot.image.copy_(slot.image_in, non_blocking=True)
            slot.graph.replay()
            for there, here in zip(slot.results, slot.results_out):
                here.copy_(there, non_blocking=True)
            slot.done.record()
        self._next = (ticket + 1) % IN_FLIGHT
        return ticket

    def collect(self, ticket: int) -> tuple[torch.Tensor, ...]:
        """
        Wait for a frame.

        :return: results in pinned host memory, valid until the second next :meth:`submit`
        """
        slot = self._slots[ticket]
        slot.done.synchronize()
        return slot.results_out

    def __call__(self, rgb_B3HW: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run one frame and wait for it."""
        return self.collect(self.submit(rgb_B3HW))

    def _capture(self, frame: Frame, rgb_B3HW: torch.Tensor) -> _Slot:
        image_in = torch.empty_like(rgb_B3HW, device='cpu').pin_memory()
        image = image_in.to('cuda')
        graph = torch.cuda.CUDAGraph()
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            for _ in range(3):
                frame(image)
        self._stream.synchronize()
        # Results of both graphs are alive at once, so they may not share memory.
        with torch.inference_mode(), torch.cuda.graph(graph, stream=self._stream):
            results = frame(image)
        out = tuple(torch.empty_like(value, device='cpu').pin_memory() for value in results)
        done = torch.cuda.Event()
        done.record(self._stream)
        return _Slot(image_in=image_in, image=image, results=results, results_out=out,
                     graph=graph, done=done)
