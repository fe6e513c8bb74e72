# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The log of a run: JSON lines and TensorBoard for machines, bar and heartbeat for people."""

from collections.abc import Sequence
import json
from pathlib import Path
import threading
import time
from typing import Any

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.line_file import LineFile
from depth_refiner_ros.sources.lost_frames import LostFrame, LostFrames
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from training.config import RunConfig

FILE = 'log.jsonl'
QUIET_S = 120.0
"""A step that takes longer than this is reported, so that a hanging disk or network shows."""
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
        self._board: Any = None
        if speaks:
            kept = [json.dumps(row) for row in read_log(output) if row['step'] <= done]
            self._file = LineFile(output / FILE, ''.join(f'{line}\n' for line in kept))
            self._board = _board(output, done)
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
        report = note if speaks else _silent
        self._lost = LostFrames(report)
        self._lost_held_out = LostFrames(lambda line: report(f'validation: {line}'))
        self._heartbeat = Heartbeat(report)
        self._sums: dict[str, float] = {}
        self._count = 0
        self._data_s = 0.0
        self._since = time.monotonic()

    def __enter__(self) -> 'Log':
        self._progress.start()
        self._heartbeat.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._heartbeat.stop()
        self._progress.stop()
        if self._file is not None:
            self._file.close()
        if self._board is not None:
            self._board.close()

    def data(self, seconds: float, lost: tuple[LostFrame, ...]) -> None:
        """Note how long a batch was waited for, and the images that it could not use."""
        self._data_s += seconds
        for frame in lost:
            self._lost.add(frame)

    def step(self, step: int, parts: dict[str, float], lr: float) -> None:
        """Note the losses of an update; their means are written every few steps."""
        self._count += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._progress.update(self._task, completed=step)
        self._heartbeat.beat(step)
        if step % self._every == 0:
            means = {name: value / self._count for name, value in self._sums.items()}
            times = {
                'seconds_per_step': (time.monotonic() - self._since) / self._count,
                'data_seconds_per_step': self._data_s / self._count,
            }
            lost = {'lost_images': len(self._lost)} if len(self._lost) else {}
            self._write({'step': step, **means, 'lr': lr, **times, **lost})
            self._sums, self._count, self._data_s = {}, 0, 0.0
            self._since = time.monotonic()

    def validation(self, step: int, figures: dict[str, float], lost: Sequence[LostFrame]) -> None:
        """Note validation figures, and the images that were replaced, which are named once."""
        if not len(self._lost_held_out):
            for frame in lost:
                self._lost_held_out.add(frame)
        counted = {'lost_images': len(lost)} if lost else {}
        noted = {f'validation/{key}': value for key, value in {**figures, **counted}.items()}
        self._write({'step': step, **noted})
        self._since = time.monotonic()
        self._heartbeat.beat(step)

    def _write(self, row: Row) -> None:
        if self._file is not None:
            self._file.add(json.dumps(row))
        if self._board is not None:
            for name, value in row.items():
                if name != 'step':
                    self._board.add_scalar(name, value, row['step'])


class Heartbeat:
    """
    Reports a step that does not end.

    :param report: called with one line every :data:`QUIET_S` without a step
    """

    def __init__(self, report: Any) -> None:
        self._report, self._step, self._beaten = report, 0, time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def beat(self, step: int) -> None:
        """Note a step that ended."""
        self._step, self._beaten = step, time.monotonic()

    def stop(self) -> None:
        """End watching."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(QUIET_S):
            quiet_s = time.monotonic() - self._beaten
            if quiet_s >= QUIET_S:
                self._report(f'step {self._step + 1} has taken {quiet_s:.0f} s so far')


def _board(output: Path, done: int) -> Any:
    """Return a TensorBoard writer, None where tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(output / 'tensorboard'), purge_step=done + 1)


def _silent(line: str) -> None:
    """Print nothing: the main process does."""


def _row(line: str) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and type(row.get('step')) is int else None
