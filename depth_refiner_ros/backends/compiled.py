# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks through torch.compile: fused kernels for fixed shapes."""

from collections.abc import Callable
import shutil
from typing import Any
import weakref

from depth_refiner_ros.backends.base import Runner, Tensors
from depth_refiner_ros.backends.mixed_precision import reduced
from depth_refiner_ros.core.errors import BackendError
import torch
from torch import nn
from torch._C._dynamo.eval_frame import reset_code

COMPILERS = ('g++', 'clang++', 'c++')
COMPILER = 'inductor'
"""The compiler that torch.compile passes the traced network to."""


class CompiledBackend:
    """
    ``torch.compile`` with static shapes.

    ``cuda_graph.py`` captures a whole frame into one CUDA graph; separate graphs for the networks
    would need copies between them.

    :param device: where networks run
    :param precision: fp32, fp16 or bf16
    :raises BackendError: if no C++ compiler is found
    """

    name = 'compiled'
    exact = False
    fix = 'use backend:=torch, or precision:=fp32'

    def __init__(self, device: torch.device, precision: str) -> None:
        if not any(shutil.which(name) for name in COMPILERS):
            raise BackendError(
                'backend = compiled needs a C++ compiler; run: sudo apt-get '
                'install -y g++, or use backend:=torch'
            )
        self.device = device
        self.precision = precision

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """
        Compile the network for the example's shapes.

        :raises BackendError: if the compiler gives up
        """
        network = reduced(module, self.device, self.precision).eval()
        if self.device.type == 'cuda':
            # Shapes are fixed, so the search for the fastest convolution runs only once.
            torch.backends.cudnn.benchmark = True
        run: Runner = torch.compile(
            _with_own_code(network, key), dynamic=False, fullgraph=True, backend=COMPILER
        )
        try:
            with torch.inference_mode():
                run(*(value.to(self.device) for value in example))
        except (
            torch._dynamo.exc.TorchDynamoException,
            torch._dynamo.exc.FailOnRecompileLimitHit,
        ) as error:
            reason = str(error).strip().splitlines()[0]
            raise BackendError(
                f'backend = compiled: {key} does not compile: {reason}; use backend:=torch'
            ) from error
        return run


def _with_own_code(network: nn.Module, key: str) -> Callable[..., Any]:
    """
    Return a function that calls a network, with its own code object.

    torch stores compiled graphs by code object: it searches all of them in each call, and
    refuses a ninth. All networks of one class share the code of one ``forward``. This way each
    network and shape has its own graph, which is freed with the function.
    """

    def run(*inputs: torch.Tensor) -> Any:
        return network(*inputs)

    run.__code__ = own = run.__code__.replace(co_name=f'run_{key}')
    # Code and graphs refer to each other in a way that Python's collector cannot see.
    weakref.finalize(run, reset_code, own).atexit = False
    return run
