# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables and plots of the benchmark."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from depth_refiner_ros.bench.plots import curves
from depth_refiner_ros.report.charts import Chart
from depth_refiner_ros.report.panels import write_png
from depth_refiner_ros.report.plots import Bar, bar_chart
from rich.console import Console
from rich.table import Table

Rows = Sequence[Mapping[str, Any]]
FEWER = (
    'GFLOP and least count every multiplication of a convolution; ncnn needs fewer, so a ratio '
    'can be below 1'
)

REST = ('align', 'cloud', 'refiner')
"""Rows beside the networks' that no network call is timed for."""


def show_configured(result: Mapping[str, Any]) -> None:
    """Print stages, networks, and how far they are from the goals."""
    table = Table(
        'stage',
        'p50, ms',
        'p95, ms',
        title=f'{result["width"]}x{result["height"]}, {result["frames"]} frames, '
        f'{result["measured_on"]}, {result["clock"]}',
    )
    for name, ms in result['stages'].items():
        table.add_row(name, f'{ms["p50"]:.2f}', f'{ms["p95"]:.2f}', end_section=name == 'cloud')
    for name, ms in result.get('graph', {}).get('stage_ms', {}).items():
        table.add_row(f'node: {name}', f'{ms:.2f}', '')
    latency = result.get('graph', {}).get('latency_ms')
    if latency:
        table.add_row('stamp to depth heard', _text(latency['p50']), _text(latency['p95']))
    limits = result['budget']
    # The first table has the others, from the same frames.
    networks = {name: result['networks'][name] for name in result['networks'] if name not in REST}
    whole = networks.pop('frame')
    _print(
        table,
        stage_table(
            f'networks by {result["backend"]} in {result["precision"]}, {result["measured_on"]}',
            {**networks, 'total': whole},
        ),
        *([FEWER] if result['backend'] == 'ncnn' else []),
        against_goal('total', limits['total_ms'], limits['total_limit_ms']),
        against_goal(
            'all but the networks',
            limits['around_networks_ms'],
            limits['around_networks_limit_ms'],
        ),
    )


def against_goal(what: str, ms: float, goal_ms: float) -> str:
    """Return a sentence about a measured time and the one that this package aims at."""
    goal = f'{goal_ms:.0f} ms, the goal of this package for two CPU cores'
    if ms <= goal_ms:
        return f'{what}: {ms:.1f} ms, within {goal}'
    return f'{what}: {ms:.1f} ms, {ms / goal_ms:.2g} times {goal}'


def show_full(result: Mapping[str, Any]) -> None:
    """Print the stages of a frame at true size, and diffusers' pipeline for comparison."""
    title = (
        f'{result["method"]}, codec {result["codec"]}, prior {result["prior"]}, '
        f'{result["width"]}x{result["height"]}, {result["precision"]}, {result["measured_on"]}'
    )
    table = Table('pipeline', 'steps', 'p50, ms', 'p95, ms', 'x refiner', 'x frame', 'MiB')
    for row in result['diffusers']:
        table.add_row(
            row['name'],
            str(row['steps']),
            _text(row['p50']),
            _text(row['p95']),
            _text(row['over_refiner']),
            _text(row['over_frame']),
            _text(row['memory_mib'], 0),
        )
    _print(
        stage_table(title, result['stages']),
        *([table] if result['diffusers'] else []),
        f'peak memory {result["memory_mib"]:.0f} MiB ({result["memory_of"]})',
    )


def show_bounds(result: Mapping[str, Any]) -> None:
    """Print the least milliseconds of a frame on each device."""
    columns = list(dict.fromkeys((row['method'], row['codec']) for row in result['bounds']))
    edges = {
        row['method']: f', {row["max_edge_px"]} px' if row['max_edge_px'] else ''
        for row in result['bounds']
    }
    table = Table(
        'device',
        *(f'{method} {codec}{edges[method]}' for method, codec in columns),
        'prior',
        title=f'least ms of the refiner for an image of {result["width"]}x{result["height"]}, '
        f'{result["precision"]}, batch 1',
    )
    for device in dict.fromkeys(row['device'] for row in result['bounds']):
        rows = {
            (row['method'], row['codec']): row['bound_ms']
            for row in result['bounds']
            if row['device'] == device
        }
        table.add_row(
            device,
            *(f'{rows[column]["refiner"]:.2f}' for column in columns),
            f'{rows[columns[0]]["prior"]:.2f}',
        )
    _print(table)


def show_priors(result: Mapping[str, Any]) -> None:
    """Print what each prior adds at each resolution."""
    rows = result['priors']
    devices = list(rows[0]['bound_ms'])
    table = Table(
        'prior',
        'input',
        'GFLOP',
        'p50, ms',
        *(f'least, {name}' for name in devices),
        title=f'{result["precision"]}, {result["measured_on"]}',
    )
    for row in rows:
        table.add_row(
            row['prior'],
            f'{row["width"]}x{row["height"]}',
            f'{row["gflop"]:.0f}',
            _text(row.get('p50')),
            *(f'{row["bound_ms"][name]:.2f}' for name in devices),
        )
    _print(table)


def stage_table(title: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return a table of stages with their operations, times, bounds and ratios."""
    devices = list(next(iter(rows.values()))['bound_ms']) if rows else []
    heads = [head for name in devices for head in (f'least, {name}', 'ratio')]
    table = Table('stage', 'calls', 'GFLOP', 'MB', 'p50, ms', 'p95, ms', *heads, title=title)
    for name, row in rows.items():
        bounded = [
            _text(row[key].get(device)) for device in devices for key in ('bound_ms', 'ratio')
        ]
        table.add_row(
            name,
            str(row['calls']),
            _text(row.get('gflop'), 0),
            _text(row.get('operand_mb'), 0),
            _text(row['p50']),
            _text(row['p95']),
            *bounded,
        )
    return table


def plot_stages(
    folder: Path, name: str, title: str, rows: Mapping[str, Mapping[str, Any]]
) -> Path:
    """Draw measured stages over the bound of the first device that has one."""
    bars = [
        Bar(label=stage, ms=row['p50'], bound_ms=next(iter(row['bound_ms'].values()), None))
        for stage, row in rows.items()
        if row['p50'] is not None
    ]
    return _written(folder, name, bar_chart(title, bars))


def plot_priors(
    folder: Path, name: str, rows: Rows, *, where: str = '', least_on: str = ''
) -> Path:
    """
    Draw ApDepth's Fig. 6: the latency added by the prior, by its size and resolution.

    :param where: hardware of the measurement
    :param least_on: device whose bound is drawn if nothing was measured
    """
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        ms = row.get('p50') or row['bound_ms'][least_on]
        series.setdefault(f'prior {row["prior"]}', []).append((row['short_edge_px'], ms))
    where = where or f'least on {least_on}'
    title = f'Latency added by the prior, {where}'
    return _written(
        folder, name, curves(title, series, x_label='short edge of its input, px', y_label='ms')
    )


def plot_steps(
    folder: Path, name: str, title: str, series: Mapping[str, Sequence[tuple[float, float]]]
) -> Path:
    """Draw ApDepth's Fig. 2: time of a frame by the steps of the denoising loop."""
    return _written(
        folder,
        name,
        curves(title, series, x_label='evaluations of the loop', y_label='ms a frame', log_x=True),
    )


def _written(folder: Path, name: str, chart: Chart) -> Path:
    path = folder / f'{name}.png'
    write_png(path, chart.rgb_HW3())
    return path


def _print(*things: Any) -> None:
    console = Console()
    for thing in things:
        console.print(thing)


def _text(value: float | None, decimals: int = 2) -> str:
    return '–' if value is None else f'{value:.{decimals}f}'
