# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The summary lines that a run prints at its end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.core.messages import frames_line
from depth_refiner_ros.report.numbers import METRICS, number_text


def print_summary(summary: Mapping[str, Any], folder: Path) -> None:
    """Print counts, speed, accuracy and where the report is."""
    counts = frames_line(summary['frames_in'], summary['frames_out'], summary['dropped'])
    latency = summary['latency_ms']
    say(
        f'{counts}; depth at {number_text(summary["fps"], 1)} frames/s, latency '
        f'p50 {number_text(latency["p50"], 0)} ms, p95 {number_text(latency["p95"], 0)} ms'
    )
    print_depth(summary['depth'])
    _print_temporal_error(summary['temporal_error_percent'])
    _print_trajectory(summary['trajectory'])
    mesh = summary['mesh']
    score = ''
    if mesh['accuracy_mm'] is not None:
        score = ''.join(
            f'; {name}: median {mesh[f"{name}_mm"]:.1f} mm, mean {mesh[f"{name}_mean_mm"]:.1f} mm'
            for name in ('accuracy', 'completeness')
        )
        score += f'; compared with {mesh["compared_with"]}'
    kind = 'triangle' if mesh['triangles'] == 1 else 'triangles'
    say(f'mesh: {number_text(mesh["triangles"], 0)} {kind}{score}')
    say(f'report: {folder / "report.html"}')


def _print_temporal_error(percent: Mapping[str, float | None] | None) -> None:
    known = {name: value for name, value in (percent or {}).items() if value is not None}
    if known:
        parts = ', '.join(f'{name} {value:.2f} %' for name, value in known.items())
        say(f'temporal alignment error (TAE): {parts}')


def _print_trajectory(error: Mapping[str, float] | None) -> None:
    if error is not None:
        say(
            f'trajectory: ATE {error["ate_mm"]:.1f} mm over {error["poses"]} true poses, RPE '
            f'{error["rpe_mm"]:.1f} mm and {error["rpe_deg"]:.2f} deg from frame to frame'
        )


def print_depth(
    depth: Mapping[str, Mapping[str, float | None] | None],
    temporal_percent: Mapping[str, float | None] | None = None,
) -> None:
    """
    Print the errors of prior and refined depth, one metric per line; nothing without truth.

    :param temporal_percent: their temporal alignment errors for a last line, None for no such line
    """
    prior, refined = depth['prior'], depth['refined']
    if prior is None or refined is None:
        return
    say(f'{"":22}{"prior":>10}{"refined":>10}')
    for metric in METRICS:
        before, after = prior[metric.key], refined[metric.key]
        say(
            f'{metric.label:22}{number_text(before, metric.decimals):>10}'
            f'{number_text(after, metric.decimals):>10}'
        )
    if temporal_percent:
        before, after = temporal_percent['prior'], temporal_percent['refined']
        say(f'{"TAE, %":22}{number_text(before, 2):>10}{number_text(after, 2):>10}')


def print_confidence(figures: Mapping[str, float | None]) -> None:
    """Print how often depth is right beside how often its confidence says so."""
    mean, right, sure = (number_text(figures[name], 2) for name in ('mean', 'right', 'sure'))
    errors = [number_text(figures[name], 3) for name in ('sure_abs_rel', 'unsure_abs_rel')]
    say(
        f'confidence: mean {mean}, right within 1.25 {right}; '
        f'{figures["sure_from"]} or more for {sure}, AbsRel there {errors[0]}, '
        f'elsewhere {errors[1]}'
    )
