# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The log of a run: one JSON line per logged step, and a progress bar for people."""

import json
from pathlib import Path
import time
from typing import Any

from depth_refiner_ros.core.line_file import LineFile
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from training.config import RunConfig

FILE = 'log.jsonl'
Row = dict[str, Any]


def read_log(run: Path) -> list[Row]:
    """Return the rows of a run's log, without lines that a power cut has broken."""
    try:
        lines = (run / FILE).read_text(encoding='utf-8', errors='replace').splitlines()
    except FileNotFoundError:
        return []
    return [row for line in lines if (row := _row(line)) is not None]


class Log:
    """
    Writes the rows and advances the bar.

    :param output: folder of the run; rows of steps that a resumed run repeats are dropped
    :param done: updates done before
    :param speaks: whether this process writes; one does
    :raises OutputError: where the file cannot be written
    """

    def __init__(self, output: Path, config: RunConfig, *, done: int, speaks: bool) -> None:
        self._file: LineFile | None = None
        if speaks:
            kept = [json.dumps(row) for row in read_log(output) if row['step'] <= done]
            self._file = LineFile(output / FILE, ''.join(f'{line}\n' for line in kept))
        self._every = config.log_every
        self._progress = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            TextColumn('{task.completed}/{task.total}'),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not speaks,
        )
        self._task = self._progress.add_task(config.objective, total=config.steps, completed=done)
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()

    def __enter__(self) -> 'Log':
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()
        if self._file is not None:
            self._file.close()

    def step(self, step: int, parts: dict[str, float], lr: float) -> None:
        """Note the losses of an update; their means are written every few steps."""
        self._count += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._progress.update(self._task, completed=step)
        if step % self._every == 0:
            means = {name: value / self._count for name, value in self._sums.items()}
            seconds = (time.monotonic() - self._since) / self._count
            self._write({'step': step, **means, 'lr': lr, 'seconds_per_step': seconds})
            self._sums, self._count, self._since = {}, 0, time.monotonic()

    def validation(self, step: int, figures: dict[str, float]) -> None:
        """Note validation figures."""
        self._write(
            {'step': step, **{f'validation/{key}': value for key, value in figures.items()}}
        )
        self._since = time.monotonic()

    def _write(self, row: Row) -> None:
        if self._file is not None:
            self._file.add(json.dumps(row))


def _row(line: str) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and type(row.get('step')) is int else None
