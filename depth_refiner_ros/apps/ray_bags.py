# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Copy bags on the machines of a Ray cluster, each bag as one task."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
import os
from pathlib import Path
import socket
import tempfile
from typing import Any

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.ray_cluster import connected, how_it_died
from depth_refiner_ros.apps.ray_machines import large_enough, Needs, SHARE, unfit_machines
from depth_refiner_ros.apps.refine_bag import copy_bag, CopyOptions, plan_copy
from depth_refiner_ros.apps.refine_bags import BagJob, Outcome, refiner_of
from depth_refiner_ros.core.atomic import make_folder, output_errors
from depth_refiner_ros.core.errors import (
    BackendError,
    DepthRefinerError,
    OutputError,
    SettingsError,
    SourceError,
)
from depth_refiner_ros.core.output_lock import remove_if_empty

MOST_TRIES = 4
LOOK_S = 20.0
"""Between looks at which machines are left, while no bag ends."""
CONTINUES = 'the same command continues with its finished frames'


def copied_by_ray(
    jobs: Sequence[BagJob], options: CopyOptions, workers: int, address: str
) -> dict[BagJob, Outcome]:
    """
    Copy bags on a cluster; a task whose machine or process dies is tried again on any machine.

    :param workers: processes that refine the frames of a bag; 0 refines in the task's own
    :param address: host:port, ``auto`` or ``local``
    :raises SettingsError: if Ray is not installed, or no machine has what a bag takes
    :raises BackendError: if there is no cluster, or none of its machines can copy bags
    """
    folder = Path(os.path.commonpath([job.out.parent.absolute() for job in jobs]))
    with connected(address) as ray, _mark(folder) as mark:
        needs = _needs(ray, options, workers)
        machines = large_enough(ray, needs)
        unfit = unfit_machines(ray, machines, [job.source.absolute() for job in jobs], mark)
        if ray.available_resources().get('CPU', 0) < needs.cores:
            note('all cores of the cluster are taken; bags wait for them')
        task = ray.remote(_on_a_machine).options(
            num_cpus=needs.cores,
            num_gpus=needs.gpus,
            max_retries=0,  # those of Ray are silent, and endless where memory is short
            scheduling_strategy='SPREAD',
            label_selector={'ray.io/node-id': f'!in({",".join(unfit)})'} if unfit else {},
        )
        given = options, workers, mark, Path.cwd()
        tasks = _Tasks(ray, lambda job: task.remote(_absolute(job), *given))
        tasks.run(jobs, lambda: _are_left(ray, needs, unfit))
    return {job: tasks.outcomes[job] for job in jobs}


class _Tasks:
    """
    Tasks of bags, and what became of them.

    :param start: begins the task of a bag
    """

    def __init__(self, ray: Any, start: Callable[[BagJob], Any]) -> None:
        self._ray, self._start = ray, start
        self._tries = Counter[BagJob]()
        self.outcomes: dict[BagJob, Outcome] = {}

    def run(self, jobs: Sequence[BagJob], are_left: Callable[[], bool]) -> None:
        """Run the tasks of some bags, as long as machines are left."""
        running = {self._start(job): job for job in jobs}
        while running:
            ended, _ = self._ray.wait(list(running), timeout=LOOK_S)
            for task in ended:
                job = running.pop(task)
                if self._is_to_try_again(job, task):
                    running[self._start(job)] = job
            if not ended and not are_left():
                lost = BackendError(
                    f'no machine of the cluster is left that can copy it; {CONTINUES}'
                )
                self.outcomes |= dict.fromkeys(running.values(), lost)
                return

    def _is_to_try_again(self, job: BagJob, task: Any) -> bool:
        """Keep the outcome of a task, unless it died and may be tried again."""
        try:
            machine, outcome = self._ray.get(task)
        except self._ray.exceptions.RayTaskError:
            raise  # a bug of this package
        except self._ray.exceptions.RayError as error:
            how = how_it_died(error)
            self._tries[job] += 1
            if self._tries[job] < MOST_TRIES:
                note(f'{job.source}: {how}; trying again, with the finished frames')
                return True
            self.outcomes[job] = BackendError(
                f'{how}, and so it went {MOST_TRIES} times; {CONTINUES}'
            )
            return False
        if isinstance(outcome, DepthRefinerError):
            self.outcomes[job] = outcome
            note(f'{job.source} failed on {machine}')
            return False
        self.outcomes[job] = replace(outcome, out=job.out)
        if not outcome.before:
            note(f'{job.source} copied on {machine}')
        for line in outcome.lost.lines:
            note(f'{job.source}: {line}')
        return False


def _absolute(job: BagJob) -> BagJob:
    return BagJob(source=job.source.absolute(), out=job.out.absolute())


def _are_left(ray: Any, needs: Needs, unfit: Sequence[str]) -> bool:
    try:
        return not set(large_enough(ray, needs)) <= set(unfit)
    except SettingsError:
        return False


def _on_a_machine(
    job: BagJob, options: CopyOptions, workers: int, mark: Path, folder: Path
) -> tuple[str, Outcome]:
    """Copy a bag as a task, and name the machine."""
    import ray

    with suppress(OSError):  # paths of weights may be relative to it
        os.chdir(folder)
    machine = f'{socket.gethostname()} ({ray.util.get_node_ip_address()})'
    return machine, copied_there(job, options, workers, mark, machine)


def copied_there(
    job: BagJob, options: CopyOptions, workers: int, mark: Path, machine: str
) -> Outcome:
    """
    Copy a bag on the machine that this runs on.

    :param mark: a file in the folder of the copies
    :param machine: its name
    """
    try:
        if not os.access(job.source, os.R_OK):
            raise SourceError(f'the machine {machine} cannot read {job.source}; {SHARE}')
        if not mark.is_file():
            raise OutputError(f'the machine {machine} does not see {mark.parent}; {SHARE}')
        plan = plan_copy(job.source, job.out, options)
        with refiner_of(options, workers) as refiner:
            return copy_bag(plan, refiner, options)
    except DepthRefinerError as error:
        return DepthRefinerError(str(error))  # without the frames of its traceback


def _needs(ray: Any, options: CopyOptions, workers: int) -> Needs:
    """Return what a bag takes: a GPU too, unless the cluster has none or it is not to be used."""
    gpu = options.model.device == 'cuda' or (
        options.model.device == 'auto' and ray.cluster_resources().get('GPU', 0) > 0
    )
    return Needs(cores=max(workers, 1) * options.model.threads, gpus=int(gpu))


@contextmanager
def _mark(folder: Path) -> Iterator[Path]:
    """Yield a file for a while, by which other machines know the folder."""
    make_folder(folder)
    try:
        with output_errors(folder):
            file = tempfile.NamedTemporaryFile(prefix='.ray-', dir=folder)  # noqa: SIM115
        with file:
            yield Path(file.name)
    finally:
        remove_if_empty(folder)
