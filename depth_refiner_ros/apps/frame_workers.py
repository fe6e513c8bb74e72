# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Published depth of frames, refined by several processes, each with its own networks.

A process is given one frame at a time, and meanwhile the next one is read here. A frame whose
process dies is tried once more in another one, then lost.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
import multiprocessing
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
import os
import signal
from typing import Any, Generic, TypeVar

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.frame_refiner import FrameDepth, FrameRefiner
from depth_refiner_ros.apps.processes import die_with_parent, ending
from depth_refiner_ros.core.errors import BackendError, DepthRefinerError, SettingsError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.published import PublishedSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import LostFrame

DIED = 'its process died'
"""Reason of a lost frame."""
MOST_TRIES = 2
MOST_DEATHS = 10
"""So many processes that die one after the other, none with a frame finished, end the run."""

Tag = TypeVar('Tag')


@dataclass
class _Task(Generic[Tag]):
    tag: Tag
    frame: Frame
    tries: int = 0


@dataclass
class _Worker:
    """
    A process.

    :param ready: whether its networks are loaded
    :param task: what it works on
    """

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    task: _Task[Any] | None = None


@dataclass(frozen=True)
class _Ready:
    networks: list[str]
    carries_over: bool


class FrameWorkers:
    """
    Processes that refine frames; leaving the context ends them.

    Each frame has the depth that one process alone would give it, so nothing may carry over from
    frame to frame.

    :param count: of the processes
    :raises SettingsError: if depth depends on the frames before
    :raises DepthRefinerError: if the networks cannot be loaded
    """

    carries_over = False

    def __init__(self, count: int, settings: ModelSettings, published: PublishedSettings) -> None:
        self._options, self._count = (settings, published), count
        self._workers: list[_Worker] = []
        self._again: deque[_Task[Any]] = deque()
        self._said, self._deaths = set[str](), 0
        self.networks: list[str] = []
        """A line for each bundle, then where and how networks run."""
        try:
            self._start()  # the first alone: what is built or downloaded is there for the others
            while not self.networks:
                self._collect()
        except BaseException:
            self._end([*self._workers])
            raise

    def __enter__(self) -> 'FrameWorkers':
        return self

    def __exit__(self, *exception: object) -> None:
        self._end([*self._workers])

    def results(
        self, frames: Iterable[tuple[Tag, Frame]]
    ) -> Generator[tuple[Tag, FrameDepth | LostFrame], None, None]:
        """
        Yield the depth of frames, or why one is lost, each with its tag, as they are finished.

        :raises BackendError: if processes die whatever the frame is
        """
        self._deaths = 0
        while len(self._workers) < self._count:
            self._start()
        try:
            yield from self._results(iter(frames))
        finally:  # what is still at work was given up, and must not answer another caller
            self._end([worker for worker in self._workers if worker.task is not None])
            self._again.clear()

    def _results(
        self, frames: Iterator[tuple[Tag, Frame]]
    ) -> Iterator[tuple[Tag, FrameDepth | LostFrame]]:
        upcoming, finished = next(frames, None), list[tuple[Tag, FrameDepth | LostFrame]]()
        while True:
            for worker in self._workers:
                if not worker.ready or worker.task is not None:
                    continue
                if self._again:
                    _give(worker, self._again.popleft())
                elif upcoming is not None:
                    _give(worker, _Task(*upcoming))
                    upcoming = next(frames, None)
            yield from finished  # now, so that no process waits for what the caller does with it
            at_work = any(worker.task is not None for worker in self._workers)
            if not at_work and not self._again and upcoming is None:
                return
            finished = self._collect()

    def _start(self) -> None:
        context = multiprocessing.get_context('spawn')
        ours, theirs = context.Pipe()
        arguments = theirs, *self._options, os.getpid()
        process = context.Process(target=_work, args=arguments, daemon=True)
        with _blocked_interrupts():  # Ctrl-C is for this process, which ends the others
            process.start()
        theirs.close()
        self._workers.append(_Worker(process, ours))

    def _end(self, workers: list[_Worker]) -> None:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            self._remove(worker)

    def _collect(self) -> list[tuple[Any, FrameDepth | LostFrame]]:
        """Wait for processes to say something, and return the results among it."""
        results = list[tuple[Any, FrameDepth | LostFrame]]()
        spoke = wait([worker.connection for worker in self._workers])
        for worker in [worker for worker in self._workers if worker.connection in spoke]:
            try:
                said = worker.connection.recv()
            except (EOFError, OSError):
                results += self._bury(worker)
                continue
            if isinstance(said, FrameDepth | LostFrame):
                assert worker.task is not None, 'a result is one of a task'
                results.append((worker.task.tag, said))
                self._deaths, worker.task = 0, None
            elif isinstance(said, _Ready):
                self._welcome(worker, said)
            elif isinstance(said, DepthRefinerError):
                self._failed(worker, said)
            elif said not in self._said:
                self._said.add(said)
                note(said)
        return results

    def _welcome(self, worker: _Worker, said: _Ready) -> None:
        settings = self._options[0]
        if said.carries_over:
            scale = f' and scale_prior = {settings.scale_prior}'
            raise SettingsError(
                f'with prior = {settings.prior}{scale if settings.scale_prior != "none" else ""} '
                'depth depends on the frames before, so that processes cannot share the frames; '
                'leave out --workers'
            )
        worker.ready, self.networks = True, said.networks

    def _failed(self, worker: _Worker, error: DepthRefinerError) -> None:
        """Go on without a process that cannot do what others may, such as for lack of memory."""
        if len(self._workers) == 1:
            raise error
        self._remove(worker)
        if worker.task is not None:
            self._again.append(worker.task)
        note(f'a worker process gives up: {error}; {self._with_fewer()}')

    def _bury(self, worker: _Worker) -> list[tuple[Any, LostFrame]]:
        """Take a dead process away, replace it if it pays; return its frame if that is lost."""
        self._remove(worker)
        self._deaths += 1
        code, task = worker.process.exitcode or 0, worker.task
        how = f'a worker process ended with {ending(code)}'
        if self._workers and (code == -signal.SIGKILL or not worker.ready):
            # Systems end processes thus when memory is short: another would be the next.
            note(f'{how}, maybe for lack of memory; {self._with_fewer()}')
        elif worker.ready and self._deaths < MOST_DEATHS:
            note(f'{how}; another takes its place')
            self._start()
        else:
            before = f', as {self._deaths - 1} before it,' if worker.ready else ''
            raise BackendError(
                f'{how}{before} without refining one frame; free some memory, or leave out '
                '--workers to see why'
            )
        if task is None:
            return []
        if task.tries < MOST_TRIES:
            self._again.append(task)
            return []
        name = task.frame.name
        detail = f'{name}: {how}, and so did one before it; leave out --workers to see why'
        return [(task.tag, LostFrame(name=name, reason=DIED, detail=detail))]

    def _remove(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()

    def _with_fewer(self) -> str:
        self._count = len(self._workers)
        return f'going on with {counted(len(self._workers), "process", "processes")}'


def _give(worker: _Worker, task: _Task[Any]) -> None:
    worker.task = task
    task.tries += 1
    with suppress(OSError):  # it has died, which is found when it is listened to
        worker.connection.send(task.frame)


@contextmanager
def _blocked_interrupts() -> Iterator[None]:
    """Hold SIGINT back; processes that are started meanwhile never get it."""
    resource_tracker.ensure_running()  # which would let it through when it starts with the first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(
    connection: Connection, settings: ModelSettings, published: PublishedSettings, parent: int
) -> None:
    """Refine frames until there are no more."""
    die_with_parent(parent)
    import cv2

    cv2.setNumThreads(settings.threads)
    try:
        refiner = FrameRefiner(settings, published, connection.send)
        connection.send(_Ready(refiner.networks, refiner.carries_over))
        while True:
            connection.send(refiner(connection.recv()))
    except DepthRefinerError as error:
        connection.send(error)
    except EOFError:  # the parent has ended
        return
