# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What was chosen as faster than torch, and torch where its exports do not pay."""

import math

from depth_refiner_ros.backends.base import (
    Log,
    Runner,
    Shapes,
    shapes_of,
    shapes_per_size,
    Tensors,
)
from depth_refiner_ros.backends.eager import TorchBackend
from depth_refiner_ros.backends.engine_cache import CacheError
from depth_refiner_ros.backends.ncnn_runtime import NcnnBackend
from depth_refiner_ros.backends.onnx_runtime import OnnxBackend
from depth_refiner_ros.backends.openvino_runtime import OpenVinoBackend
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.models.onnx_file import OnnxFile
from torch import nn

Exported = OnnxBackend | NcnnBackend | OpenVinoBackend

MOST_SIZES = 3
"""
Sizes that a process exports a network for. An export takes as long as some ten frames: a camera
has one size, a folder of photographs may have hundreds.
"""


class ExportedOrTorch:
    """
    Run networks by a backend; by torch from a fourth size on, and where exports cannot be kept.

    :param exported: of the first sizes
    :param torch_backend: of all others
    :param log: called with the reason, once, when torch takes over
    :param most_weights: of a network that is worth exporting
    """

    def __init__(
        self,
        exported: Exported,
        torch_backend: TorchBackend,
        log: Log,
        most_weights: float = math.inf,
    ) -> None:
        self.name, self.fix = exported.name, exported.fix
        self.precision = exported.precision
        self._backend, self._torch, self._log = exported, torch_backend, log
        self._most_weights = most_weights
        self._left: set[str] = set()
        self._exported: dict[str, set[Shapes]] = {}
        self._full = self._cannot_keep = self._told = False

    @property
    def exact(self) -> bool:
        """Whether sizes to come run on fp32 torch, which needs no comparison."""
        return self._torch_is_next and self._torch.exact

    @property
    def _torch_is_next(self) -> bool:
        return self._cannot_keep or self._full

    def build(self, module: nn.Module, key: str, example: Tensors) -> object:
        """Export the network, see :class:`~depth_refiner_ros.backends.base.Builder`."""
        return self._backend.build(module, key, example)

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """Prepare a network; see :class:`~depth_refiner_ros.backends.base.Backend`."""
        if isinstance(module, OnnxFile):
            return self._backend.prepare(module, key, example)
        if sum(weight.numel() for weight in module.parameters()) > self._most_weights:
            self._leave(key, f'it has more than {self._most_weights / 1e6:.0f} million weights')
        if key in self._left:
            return self._torch.prepare(module, key, example)
        exported = self._exported.setdefault(key, set())
        if not self._torch_is_next or shapes_of(example) in exported:
            try:
                runner = self._backend.prepare(module, key, example)
            except CacheError as error:
                self._log(f'{error}; torch runs networks until then, more slowly')
                self._cannot_keep = True
            except BackendError as error:
                self._leave(key, str(error))
            else:
                exported.add(shapes_of(example))
                self._full |= len(exported) >= MOST_SIZES * shapes_per_size(module)
                return runner
        elif not (self._cannot_keep or self._told):
            self._log(
                f'more than {MOST_SIZES} sizes of images: torch runs networks of further ones, as '
                f'exporting each takes longer; backend:={self.name} exports them all'
            )
            self._told = True
        return self._torch.prepare(module, key, example)

    def _leave(self, key: str, reason: str) -> None:
        """Leave a network to torch from now on, and say so once."""
        if key not in self._left:
            self._log(f'{key} runs in torch: {reason}')
            self._left.add(key)
