"""Networks through torch.compile: fused kernels for fixed shapes."""

import shutil

from depth_refiner_ros.backends.base import Runner, Tensors
from depth_refiner_ros.backends.mixed_precision import reduced
from depth_refiner_ros.core.errors import BackendError
import torch
from torch import nn

COMPILERS = ('g++', 'clang++', 'c++')


class CompiledBackend:
    """
    ``torch.compile`` with static shapes.

    A whole frame is captured into one CUDA graph further out (``cuda_graph.py``); a graph for
    each network would only copy between them.

    :param device: where networks run
    :param precision: fp32, fp16 or bf16
    :raises BackendError: where no C++ compiler is found
    """

    name = 'compiled'
    exact = False
    fix = 'use backend:=torch, or precision:=fp32'

    def __init__(self, device: torch.device, precision: str) -> None:
        if not any(shutil.which(name) for name in COMPILERS):
            raise BackendError(
                'backend = compiled needs a C++ compiler; type: sudo apt-get '
                'install -y g++, or use backend:=torch'
            )
        self.device = device
        self.precision = precision

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """
        Compile the network for the example's shapes.

        :raises BackendError: where the compiler gives up
        """
        network = reduced(module, self.device, self.precision).eval()
        if self.device.type == 'cuda':
            # Shapes are fixed, so the search for the fastest convolution is paid once.
            torch.backends.cudnn.benchmark = True
        run: Runner = torch.compile(network, dynamic=False, fullgraph=True)
        try:
            with torch.inference_mode():
                run(*(value.to(self.device) for value in example))
        except torch._dynamo.exc.TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            raise BackendError(
                f'backend = compiled: {key} does not compile: {reason}; use backend:=torch'
            ) from error
        return run
