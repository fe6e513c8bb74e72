# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner models recommend``."""

import math
from pathlib import Path
import statistics
from typing import Any

from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.apps.hardware import board, gpu
from depth_refiner_ros.backends.execution import fast_bf16
from depth_refiner_ros.bench.configured import time_warm
from depth_refiner_ros.bench.contention import Contention
from depth_refiner_ros.bench.devices import Device, DEVICES, known_as, named_device, probe
from depth_refiner_ros.bench.networks import FrameSize
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import nearest
from depth_refiner_ros.models.recommended import (
    best,
    BUNDLED_PAIR,
    Pair,
    QUICK_PAIR,
    special,
    Speeds,
)
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import updated
import torch

CPU = 'cpu'
OFFLINE_HZ = 0.1
SIZE, FRAMES = FrameSize(width=640, height=480), 10
"""Of the measurement."""
ALIASES = {'orin': 'agx-orin', '4090': 'rtx4090', '3090': 'rtx3090'}


def run(device: str, rate_hz: float, *, commercial: bool, json_file: Path | None) -> None:
    """
    Print what to take for live use and offline, what it costs, and what to type.

    Priors for special purposes follow, at the rate of live use.

    :param device: ``cpu``, a name of the table of devices, or empty for this machine
    :raises InputError: for an unknown device, or a rate that is not above 0
    """
    if not 0.0 < rate_hz < math.inf:
        raise InputError(f'--rate-hz {rate_hz:g} must be above 0 and finite')
    found, precision, backend = _device(device)
    flops_per_s = found.peak(precision)
    say(f'{found.name}: {flops_per_s / 1e12:.3g} TFLOP/s in {precision} ({found.origin})')

    def peak(number_format: str) -> float:
        # A CPU whose bfloat16 was measured takes fp32 at half of it, as tensor cores do.
        return found.flops_per_s.get(number_format or precision, flops_per_s / 2.0)

    speeds = Speeds(peak=peak, measured_ms=_bundled_ms() if backend == 'auto' else {})
    wanted = {f'Live, {rate_hz:g} frames/s': rate_hz, 'Offline, a frame in 10 s': OFFLINE_HZ}
    choices: dict[str, dict[str, Any]] = {}
    for title, hz in wanted.items():
        pair = best(speeds, hz, commercial=commercial)
        facts = _facts(pair, backend)
        same = [other for other, known in choices.items() if known == facts]
        lines = [f'{title}: the same'] if same else _lines(title, pair, backend, hz)
        say('\n' + '\n'.join(lines))
        choices[title] = facts
    others = special(speeds, rate_hz, commercial=commercial)
    for purpose, pair in others.items():
        say('\n' + '\n'.join(_lines(purpose, pair, backend, rate_hz)))
    if json_file:
        facts = {purpose: _facts(pair, backend) for purpose, pair in others.items()}
        write_json(
            json_file,
            {'device': found.name, 'precision': precision, 'choices': choices, 'special': facts},
        )


def _device(name: str) -> tuple[Device, str, str]:
    """Return the device, the number format and the backend for it."""
    name = ALIASES.get(name.lower(), name.lower())
    if name and name != CPU:
        if name not in DEVICES:
            known = CPU, *ALIASES, *DEVICES
            raise InputError(
                f'--device {name} is unknown; use one of {", ".join(known)}{nearest(name, known)}'
            )
        return named_device(name), 'fp16', 'tensorrt'
    if not name and torch.cuda.is_available():
        return known_as(board() or gpu()) or _measured('cuda', 'fp16'), 'fp16', 'tensorrt'
    precision = 'bf16' if fast_bf16() else 'fp32'
    return _measured(CPU, precision), precision, 'auto'


def _measured(kind: str, precision: str) -> Device:
    return probe(torch.device(kind), precision)


def _bundled_ms() -> dict[str, float]:
    """Measure what the bundled networks, and all around them, take of a frame on this CPU."""
    found: dict[str, float] = {}
    for prior, refiner in (BUNDLED_PAIR, QUICK_PAIR):
        model = updated(ModelSettings(device=CPU), {**prior.options, **refiner.options})
        made = DepthRefiner.from_settings(model)
        made.warm_up(SIZE.width, SIZE.height)
        with Contention() as contention:
            timed = time_warm(made, model, SIZE, FRAMES)
        if contention.warning():
            say(contention.warning())
        prior_ms, frame_ms = (statistics.median(timed[stage]) for stage in ('prior', 'total'))
        found |= {prior.name: prior_ms, refiner.name: frame_ms - prior_ms}
    return found


def _lines(title: str, pair: Pair, backend: str, rate_hz: float) -> list[str]:
    both, options = (pair.prior, pair.refiner), _options(pair, backend)
    flags = ' '.join(f'--{name.replace("_", "-")} {value}' for name, value in options.items())
    parameters = ' '.join(f'-p {name}:={value}' for name, value in options.items())
    names = ' and '.join(f'{choice.name} ({choice.licence})' for choice in both)
    camera = ' --assume-fov-deg 0' if pair.prior.finds_camera else ''
    return [
        f'{title}: {names}, backend {backend}',
        *(f'  {choice.name}: {choice.why}' for choice in both),
        f'  {_cost(pair, rate_hz)}',
        f'  weights {sum(choice.weights_mb for choice in both) / 1e3:.2g} GB',
        *(f'  once:  {line}' for choice in both for line in choice.get),
        f'  try:   depth-refiner refine {pair.prior.example} {flags}{camera}',
        f'  node:  ros2 run depth_refiner_ros refiner_node --ros-args {parameters}',
        f'  time:  depth-refiner bench {flags}',
    ]


def _cost(pair: Pair, rate_hz: float) -> str:
    """Return the time of a frame, and where it comes from."""
    host = ''.join(
        f' and {_time(choice.host_ms)} of a CPU core' for choice in pair.computed if choice.host_ms
    )
    computed = f'twice the time of the multiplications{host}'
    of = {
        0: 'measured now',
        1: f'{", ".join(choice.name for choice in pair.computed)} computed: {computed}',
        2: f'computed: {computed}',
    }[len(pair.computed)]
    slow = '' if pair.rate_hz >= rate_hz else '; nothing keeps the rate here'
    return (
        f'at 640x480 about {_time(pair.frame_ms)} a frame, {_rate(pair.rate_hz)} frames/s '
        f'({of}){slow}'
    )


def _time(ms: float) -> str:
    return f'{ms / 1e3:.2g} s' if ms >= 1e3 else f'{ms:.2g} ms' if ms < 10.0 else f'{ms:.0f} ms'


def _rate(hz: float) -> str:
    return f'{hz:.2g}' if hz < 10.0 else f'{hz:.0f}'


def _options(pair: Pair, backend: str) -> dict[str, str]:
    chosen = {} if backend == 'auto' else {'backend': backend}
    return {**pair.prior.options, **pair.refiner.options, **chosen}


def _facts(pair: Pair, backend: str) -> dict[str, Any]:
    return {
        'prior': pair.prior.name,
        'prior_licence': pair.prior.licence,
        'refiner': pair.refiner.name,
        'refiner_licence': pair.refiner.licence,
        'options': _options(pair, backend),
        'frame_ms': pair.frame_ms,
        'rate_hz': pair.rate_hz,
        'computed': [choice.name for choice in pair.computed],
    }
