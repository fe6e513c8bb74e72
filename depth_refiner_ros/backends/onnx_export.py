# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Export a network to an ONNX file, avoiding known faults of the exporter.

Opset 18: at 17 the exporter writes models of diffusers' UNets that the checker refuses, and at 23
it writes ``Attention``, which TensorRT may lack. Shapes are fixed, because a ``linspace`` over an
image is silently exported as a constant of the example's size.
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
    """Return everything that an ONNX file depends on, for the engine cache."""
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
    """Return the file of a network, exporting it if the cache has none."""
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
    Write a network; weights that may exceed the limit of 2 GB go into a separate file.

    :param module: in fp32 on the CPU
    :param example: inputs, fp32 on the CPU, of the shapes to come
    :param precision: of what is inside; inputs and outputs stay fp32
    :raises BackendError: if it cannot be expressed in ONNX, or the exporter is not installed
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
            f'exporting to ONNX needs {error.name}; run: pip install onnx onnxscript'
        ) from error
    except (torch.onnx.OnnxExporterError, onnx.checker.ValidationError) as error:
        reason = (str(error).strip().splitlines() or ['unknown reason'])[0]
        raise BackendError(
            f'the network cannot be exported to ONNX: {reason}; use backend:=torch'
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress warnings that torchvision is missing, which this package never uses."""
    logger = logging.getLogger('torch.onnx._internal.exporter._registration')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
