# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Build a TensorRT engine from an ONNX file; with TensorRT-RTX this needs no GPU."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import time
from typing import Any

from depth_refiner_ros.backends.base import Log, silent
from depth_refiner_ros.backends.tensorrt_api import TensorRt
from depth_refiner_ros.core.errors import BackendError

TELL_EVERY_S = 5.0


@dataclass(frozen=True)
class Built:
    """
    Output of the builder.

    :param engine: serialised
    :param timings: serialised timing cache, which makes the next build faster
    """

    engine: bytes
    timings: bytes


def build_engine(
    trt: TensorRt,
    onnx_file: Path,
    *,
    precision: str,
    targets: Sequence[str] = (),
    timings: bytes = b'',
    log: Log = silent,
) -> Built:
    """
    Build an engine.

    :param onnx_file: with fixed shapes; already in the number format if TensorRT is strongly
        typed
    :param precision: fp32, fp16 or bf16
    :param targets: GPU generations such as ``sm89`` (TensorRT-RTX); none for this machine's
    :param timings: from an earlier build
    :param log: called with the progress
    :raises BackendError: if TensorRT refuses the network, with the first reason it states
    """
    api = trt.module
    complaints: list[str] = []
    builder = api.Builder(_logger(api, complaints))
    network = builder.create_network(trt.network_flags())
    parser = api.OnnxParser(network, _logger(api, complaints))
    if not parser.parse_from_file(str(onnx_file)):
        reason = _first([parser.get_error(0).desc()] if parser.num_errors else complaints)
        raise BackendError(
            f'TensorRT {trt.version} cannot read {onnx_file.name}: {reason}; use backend:=onnx'
        )
    config = builder.create_builder_config()
    for flag in trt.precision_flags(precision):
        config.set_flag(flag)
    if targets:
        config.num_compute_capabilities = len(targets)
        for place, target in enumerate(targets):
            config.set_compute_capability(trt.capability(target), place)
    cache = _timing_cache(config, timings)
    if hasattr(api, 'IProgressMonitor'):
        config.progress_monitor = _progress(api, onnx_file.parent.name, log)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise BackendError(
            f'TensorRT {trt.version} cannot build {onnx_file.name}: '
            f'{_first(complaints)}; use backend:=onnx, or a smaller image'
        )
    return Built(bytes(engine), bytes(cache.serialize()) if cache is not None else b'')


def _timing_cache(config: Any, timings: bytes) -> Any:
    """Start from earlier timings; TensorRT ignores those of another version or GPU."""
    if not hasattr(config, 'create_timing_cache'):
        return None
    for start in (timings, b''):
        cache = config.create_timing_cache(start)
        if cache is not None and config.set_timing_cache(cache, False):
            return cache
    return None


def _first(complaints: list[str]) -> str:
    return (complaints[0].strip().splitlines() if complaints else ['no reason given'])[0]


def _logger(api: Any, complaints: list[str]) -> Any:
    """Return a logger that keeps errors for our own message and drops the rest."""

    class Logger(api.ILogger):
        def __init__(self) -> None:
            api.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity in (api.ILogger.ERROR, api.ILogger.INTERNAL_ERROR):
                complaints.append(' '.join(message.split()))

    return Logger()


def _progress(api: Any, name: str, log: Log) -> Any:
    """Return a monitor that regularly logs the progress of the longest phase."""

    class Progress(api.IProgressMonitor):
        def __init__(self) -> None:
            api.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}
            self.told_s = time.monotonic()

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            self.steps[phase] = steps

        def phase_finish(self, phase: str) -> None:
            self.steps.pop(phase, None)

        def step_complete(self, phase: str, step: int) -> bool:
            if time.monotonic() - self.told_s > TELL_EVERY_S:
                self.told_s = time.monotonic()
                log(f'building {name}: {phase}, step {step} of {self.steps.get(phase, step)}')
            return True

    return Progress()
