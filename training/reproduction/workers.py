# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Train pieces in processes of their own, some at a time; a failed one does not end the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
import multiprocessing
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
import os
from pathlib import Path
import signal
import sys
from types import FrameType

from depth_refiner_ros.core.atomic import make_folder
from training.objectives.registry import CLASSES
from training.program import ended
from training.reproduction.pieces import folder_of
from training.reproduction.plan import Job
from training.reproduction.profiles import Profile
from training.reproduction.training_piece import train_piece

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = 'output.txt'
STOPPED = 75
"""Exit code of a piece that was asked to stop and has saved (EX_TEMPFAIL)."""
PATIENCE_S = 60.0
LIBRARIES = [*(f'training.objectives.{name}' for name in CLASSES), 'torch.utils.tensorboard']
"""What pieces import as they go; read once, they start in a second."""


@dataclass
class Outcome:
    """
    How the jobs ended.

    :param failed: job to the last line that it printed
    :param waiting: jobs that need a failed one
    """

    done: list[Job] = field(default_factory=list)
    failed: dict[Job, str] = field(default_factory=dict)
    waiting: list[Job] = field(default_factory=list)


class Workers:
    """
    Runs jobs in the order in which they become ready.

    Each is a process of a fork server that has read the libraries once. Leaving the context asks
    those that still run to save and end.

    :param place: output of the reproduction
    :param told: called with a job when it has ended, and why it failed, '' if it did not
    """

    def __init__(self, place: Path, profile: Profile, told: Callable[[Job, str], None]) -> None:
        self._place, self._profile, self._told = place, profile, told
        self._context = multiprocessing.get_context('forkserver')
        self._context.set_forkserver_preload([train_piece.__module__, *LIBRARIES])
        self._running: dict[Job, ForkServerProcess] = {}

    def __enter__(self) -> 'Workers':
        self._before = signal.signal(signal.SIGTERM, _end)
        # The fork server finds this checkout by the environment alone (Python before 3.12 does not
        # hand sys.path to it), and without it would read the libraries anew for every piece.
        self._paths = os.environ.get('PYTHONPATH')
        os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(ROOT), self._paths]))
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.join(PATIENCE_S)
            process.kill()
        signal.signal(signal.SIGTERM, self._before)
        if self._paths is None:
            del os.environ['PYTHONPATH']
        else:
            os.environ['PYTHONPATH'] = self._paths

    def run(self, jobs: Sequence[Job], done: Sequence[Job]) -> Outcome:
        """
        Run the jobs.

        :param jobs: each after those that it needs
        :param done: those that are finished already
        """
        outcome, left = Outcome(done=list(done)), [job for job in jobs if job not in done]
        while left or self._running:
            blocked = {*outcome.failed, *outcome.waiting}
            for job in [job for job in left if blocked & set(job.needs)]:
                outcome.waiting.append(job)
                left.remove(job)
                blocked.add(job)
            ready = [job for job in left if set(job.needs) <= set(outcome.done)]
            for job in ready[: self._profile.at_once - len(self._running)]:
                self.start(job)
                left.remove(job)
            if self._running:
                self._collect(outcome)
        return outcome

    def start(self, job: Job) -> ForkServerProcess:
        """Start a job and return its process."""
        folder = folder_of(self._place, job.piece, job.seed)
        make_folder(folder)
        process = self._context.Process(
            target=_work, args=(job, self._profile, self._place, folder / OUTPUT)
        )
        process.start()
        self._running[job] = process
        return process

    def _collect(self, outcome: Outcome) -> None:
        """Wait for a process to end, and note how."""
        wait([process.sentinel for process in self._running.values()])
        for job, process in [*self._running.items()]:
            if process.exitcode is None:
                continue
            process.join()
            del self._running[job]
            why = ''
            if process.exitcode == 0:
                outcome.done.append(job)
            else:
                folder = folder_of(self._place, job.piece, job.seed)
                why = outcome.failed[job] = _reason(folder / OUTPUT, process.exitcode)
            self._told(job, why)


def _work(job: Job, profile: Profile, place: Path, output: Path) -> None:
    """Train a piece in this process, with its output in a file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent asks by SIGTERM, which saves
    os.environ['OMP_NUM_THREADS'] = str(profile.threads)
    if profile.device == 'cpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    with output.open('w', encoding='utf-8') as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    finished: list[bool] = []
    code = ended(lambda: finished.append(train_piece(job, profile, place)))
    sys.exit(STOPPED if finished == [False] else code)


def _reason(output: Path, code: int) -> str:
    """Return the last line that a process printed, or its exit code."""
    if code < 0:
        return f'ended by signal {signal.Signals(-code).name}'
    if code == STOPPED:
        return 'asked to stop; the same command goes on'
    lines = [line for line in output.read_text(errors='replace').splitlines() if line.strip()]
    return lines[-1].strip() if lines else f'exit code {code}'


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
