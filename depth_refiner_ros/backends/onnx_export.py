# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A network as an ONNX file, with the traps of the exporter stepped around.

Opset 18: at 17 the exporter writes models of diffusers' UNets that the checker refuses, and at 23
it writes ``Attention``, which TensorRT may lack. Shapes are fixed, because a ``linspace`` over an
image is baked in at the example's size without a word.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import logging
from pathlib import Path
import warnings

from depth_refiner_ros.backends.base import shapes_of, Tensors
from depth_refiner_ros.backends.engine_cache import EngineCache, Facts
from depth_refiner_ros.backends.mixed_precision import reduced, with_exact_norms
from depth_refiner_ros.backends.model_hash import model_hash
from depth_refiner_ros.core.errors import BackendError
import torch
from torch import nn

OPSET = 18
FILE = 'model.onnx'


def onnx_facts(module: nn.Module, example: Tensors, precision: str) -> dict[str, object]:
    """Return what an ONNX file depends on, as the engine cache compares it."""
    return {
        'what': 'onnx',
        'model': model_hash(module),
        'shapes': shapes_of(example),
        'precision': precision,
        'opset': OPSET,
        'torch': torch.__version__,
    }


def cached_onnx(
    cache: EngineCache, module: nn.Module, key: str, example: Tensors, facts: Facts
) -> Path:
    """Return the file of a network, exporting it where the cache has none."""
    folder = cache.entry(
        f'{key}-onnx',
        facts,
        lambda place: export_onnx(
            module, example, place / FILE, precision=str(facts['precision'])
        ),
    )
    return folder / FILE


def export_onnx(
    module: nn.Module, example: Tensors, path: Path, *, precision: str = 'fp32'
) -> None:
    """
    Write a network; its weights go beside it where they may exceed the 2 GB of one file.

    :param module: in fp32 on the CPU
    :param example: inputs, fp32 on the CPU, of the shapes to come
    :param precision: of what is inside; inputs and outputs stay fp32
    :raises BackendError: where it cannot be expressed in ONNX, or the exporter is not installed
    """
    network = reduced(module, torch.device('cpu'), precision).eval()
    if precision != 'fp32':
        network = with_exact_norms(network)
    try:
        import onnx

        with torch.no_grad(), _quiet():
            torch.onnx.export(
                network,
                example,
                path,
                dynamo=True,
                opset_version=OPSET,
                input_names=[f'input_{place}' for place in range(len(example))],
                external_data=True,
                verbose=False,
            )
        onnx.checker.check_model(str(path))
    except ImportError as error:
        raise BackendError(
            f'exporting to ONNX needs {error.name}; type: pip install onnx onnxscript'
        ) from error
    except (torch.onnx.OnnxExporterError, onnx.checker.ValidationError) as error:
        reason = (str(error).strip().splitlines() or ['unknown reason'])[0]
        raise BackendError(
            f'the network does not go into ONNX: {reason}; use backend:=torch'
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back that torchvision is missing, which this package never uses."""
    logger = logging.getLogger('torch.onnx._internal.exporter._registration')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
