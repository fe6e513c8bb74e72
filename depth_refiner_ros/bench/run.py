# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner bench``: measure, print, draw, write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.apps.hardware import machine_facts, speed_facts
from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.bench import show as bench_show
from depth_refiner_ros.bench.clocks import clock
from depth_refiner_ros.bench.configured import measure_configured
from depth_refiner_ros.bench.contention import Contention
from depth_refiner_ros.bench.devices import DEVICES, named_device
from depth_refiner_ros.bench.full import measure, measure_diffusers
from depth_refiner_ros.bench.networks import FrameSize
from depth_refiner_ros.bench.result import (
    device_facts,
    measured_on,
    speedups,
    stage_rows,
    yardsticks,
)
from depth_refiner_ros.bench.sweep import (
    all_bounds,
    measure_priors,
    STEPS,
    sweep_priors,
    sweep_steps,
)
from depth_refiner_ros.bench.true_size import check_prior, FullSize, spec_of, true_size_stages
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.settings.networks import ModelSettings

BOUND_PRECISION = 'fp16'
"""The one reduced number format that every device of the table has."""


@dataclass(frozen=True, kw_only=True)
class Output:
    """Files for the results besides the screen, None for none."""

    json: Path | None
    plots: Path | None


def run_configured(
    model: ModelSettings,
    size: FrameSize,
    output: Output,
    *,
    frames: int,
    graph: bool,
    against: str,
) -> None:
    """Time the configured refiner and compare it with the budget."""
    with Contention() as contention:
        result = measure_configured(model, size=size, frames=frames, graph=graph, against=against)
    bench_show.show_configured(result)
    if output.plots:
        title = f'Networks of the refiner, {_words(size, result["measured_on"])}'
        _say_plot(bench_show.plot_stages(output.plots, 'networks', title, result['networks']))
    _finish(result, output, contention)


def run_full(wanted: FullSize, model: ModelSettings, output: Output, *, against: str) -> None:
    """Time a refiner at true size, and diffusers' pipeline for comparison."""
    execution = choose(model.device, model.precision, model.threads, model.backend)
    stages = true_size_stages(wanted, execution.precision)
    devices = yardsticks(execution.device, execution.precision, against)
    with Contention() as contention:
        measured = measure(wanted, execution, model)
        others_ms = measure_diffusers(wanted, execution)
    rows = stage_rows(stages, measured['stages_ms'], devices, execution.precision)
    diffusers = speedups(others_ms, rows['refiner']['p50'], rows['frame']['p50'])
    result: dict[str, Any] = {
        'kind': 'full_size',
        'method': wanted.method,
        'preset': spec_of(wanted.method).preset,
        'codec': wanted.codec,
        'prior': wanted.prior,
        **_shape(wanted.size),
        'max_edge_px': wanted.working_edge_px,
        'measured_on': measured_on(execution.device),
        'precision': execution.precision,
        'backend': execution.backend,
        'attention': measured['attention'],
        'weights': 'random',
        'clock': measured['clock'],
        'frames': wanted.frames,
        'warm_up': wanted.warm_up,
        'devices': [device_facts(device) for device in devices],
        'stages': rows,
        'memory_mib': measured['memory_mib'],
        'memory_of': 'reserved by torch on the GPU'
        if execution.device.type == 'cuda'
        else 'resident, whole process',
        'diffusers': diffusers,
    }
    bench_show.show_full(result)
    if output.plots:
        name = f'full_{wanted.method}_{wanted.codec}'
        words = _words(wanted.size, execution.precision, result['measured_on'])
        title = f'{wanted.method}, codec {wanted.codec}, {words}'
        _say_plot(bench_show.plot_stages(output.plots, name, title, rows))
        series = _steps_measured(result)
        if series:
            _say_plot(bench_show.plot_steps(output.plots, f'{name}_steps', title, series))
    _finish(result, output, contention)


def run_priors(
    model: ModelSettings,
    size: FrameSize,
    output: Output,
    *,
    sizes: tuple[str, ...],
    frames: int,
    warm_up: int,
    against: str,
) -> None:
    """Time each prior at each resolution."""
    for prior in sizes:
        check_prior(prior)
    execution = choose(model.device, model.precision, model.threads, model.backend)
    devices = yardsticks(execution.device, execution.precision, against)
    rows = sweep_priors(size, devices, execution.precision, sizes)
    with Contention() as contention:
        rows = measure_priors(rows, size, execution, model, frames=frames, warm_up=warm_up)
    result: dict[str, Any] = {
        'kind': 'priors',
        **_shape(size),
        'measured_on': measured_on(execution.device),
        'precision': execution.precision,
        'backend': execution.backend,
        'clock': clock(execution.device),
        'frames': frames,
        'warm_up': warm_up,
        'weights': 'random',
        'devices': [device_facts(device) for device in devices],
        'priors': rows,
    }
    bench_show.show_priors(result)
    if output.plots:
        where = result['measured_on']
        _say_plot(bench_show.plot_priors(output.plots, 'priors', rows, where=where))
    _finish(result, output, contention)


def run_bounds(
    size: FrameSize, output: Output, *, prior: str, against: str, max_edge_px: int
) -> None:
    """Print the least time of both methods on every device of the table; nothing is timed."""
    devices = [named_device(against)] if against else list(DEVICES.values())
    result: dict[str, Any] = {
        'kind': 'bounds',
        **_shape(size),
        'precision': BOUND_PRECISION,
        'devices': [device_facts(device) for device in devices],
        'bounds': all_bounds(size, devices, BOUND_PRECISION, prior, max_edge_px),
        'priors': sweep_priors(size, devices, BOUND_PRECISION),
        'steps': [
            row
            for codec in ('vae', 'tiny')
            for row in sweep_steps(size, codec, devices, BOUND_PRECISION)
        ],
    }
    bench_show.show_bounds(result)
    if output.plots:
        shown = devices[0].name
        rows = result['priors']
        _say_plot(bench_show.plot_priors(output.plots, 'bounds_priors', rows, least_on=shown))
        series = _steps_bounded(result, shown)
        _say_plot(bench_show.plot_steps(output.plots, 'bounds_steps', f'Least on {shown}', series))
    if output.json:
        write_json(output.json, result)


def steps_of(text: str) -> tuple[int, ...]:
    """
    Read a list of step counts; ``0`` alone leaves diffusers' pipeline out.

    :raises InputError: if it is not a list of positive numbers
    """
    if text == '0':
        return ()
    parts = [part.strip() for part in text.split(',')]
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= 1000 for part in parts):
        raise InputError(
            f'--steps {shown(text)} must be numbers from 1 to 1000 separated by '
            f'commas, such as {",".join(map(str, STEPS))}, or 0'
        )
    return tuple(int(part) for part in parts)


def _steps_measured(result: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """Return the curves of diffusers' pipeline and the single point of the refiner."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in result['diffusers']:
        series.setdefault(row['name'], []).append((row['steps'], row['p50']))
    if max(map(len, series.values()), default=0) < 2:
        return {}
    return {**series, result['method']: [(1, result['stages']['frame']['p50'])]}


def _steps_bounded(result: dict[str, Any], device: str) -> dict[str, list[tuple[float, float]]]:
    series: dict[str, list[tuple[float, float]]] = {}
    for row in result['steps']:
        series.setdefault(f'loop, {row["codec"]}', []).append(
            (row['steps'], row['bound_ms'][device])
        )
    for row in result['bounds']:
        if row['device'] == device:
            series[f'{row["method"]}, {row["codec"]}'] = [(1, row['bound_ms']['total'])]
    return series


def _shape(size: FrameSize) -> dict[str, int]:
    return {'width': size.width, 'height': size.height, 'batch': 1}


def _words(size: FrameSize, *more: str) -> str:
    return ', '.join([f'{size.width}x{size.height}', *more])


def _say_plot(path: Path) -> None:
    say(f'plot in {path}')


def _finish(result: dict[str, Any], output: Output, contention: Contention) -> None:
    """Warn if other processes used the cores, and write the result with the machine's data."""
    if contention.warning():
        say(contention.warning())
    if output.json:
        facts = {
            'machine': machine_facts(),
            'speed': speed_facts(),
            'contention': contention.facts(),
        }
        write_json(output.json, {**result, **facts})
