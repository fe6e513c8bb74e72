# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Copy bags on the machines of a Ray cluster, each bag as one task of Ray Data."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import logging
import os
from pathlib import Path
import pickle
import socket
import tempfile
from typing import Any

from depth_refiner_ros.apps.console import note
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

STORE_BYTES = 10**8
"""Of a cluster of this machine alone; the bags themselves never pass through its store."""
BLOCK_BYTES = 2**20
"""More than what a task tells of its bag."""
SHARE = 'put it where all machines of the cluster see it under the same path'


def copied_by_ray(
    jobs: Sequence[BagJob], options: CopyOptions, workers: int, address: str
) -> dict[BagJob, Outcome]:
    """
    Copy bags on a cluster; a task whose machine or process dies is tried again on another.

    :param workers: processes that refine the frames of a bag; 0 refines in the task's own
    :param address: host:port, ``auto`` or ``local``
    :raises SettingsError: if Ray Data is not installed, or no machine has enough cores
    :raises BackendError: if the cluster cannot be reached
    """
    rows = [
        {'index': index, 'source': str(job.source.absolute()), 'out': str(job.out.absolute())}
        for index, job in enumerate(jobs)
    ]
    outcomes: dict[BagJob, Outcome] = {}
    with _connected(address) as ray, _mark(jobs[0].out.parent) as mark:
        needs = _needs(ray, options, workers)
        given = {'options': options, 'workers': workers, 'mark': mark}
        copied = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _copied, fn_kwargs=given, **needs
        )
        for row in copied.iter_rows():
            job, outcome = jobs[row['index']], pickle.loads(row['outcome'])
            outcomes[job] = outcome
            ended = 'failed' if isinstance(outcome, DepthRefinerError) else 'copied'
            note(f'{job.source} {ended} on {row["machine"]}')
            for line in () if isinstance(outcome, DepthRefinerError) else outcome.lost.lines:
                note(f'{job.source}: {line}')
    died = BackendError('its task died on the cluster whenever it was tried; see the log of Ray')
    return {job: outcomes.get(job, died) for job in jobs}


def _copied(row: dict[str, Any], options: CopyOptions, workers: int, mark: Path) -> dict[str, Any]:
    """Copy a bag on the machine that this task runs on."""
    machine = socket.gethostname()
    try:
        source, out = Path(row['source']), Path(row['out'])
        if not os.access(source, os.R_OK):
            raise SourceError(f'the machine {machine} cannot read {source}; {SHARE}')
        if not mark.is_file():
            raise OutputError(f'the machine {machine} does not see {mark.parent}; {SHARE}')
        plan = plan_copy(source, out, options)
        with refiner_of(options, workers) as refiner:
            outcome: Outcome = copy_bag(plan, refiner, options)
    except DepthRefinerError as error:
        outcome = DepthRefinerError(str(error))  # without the frames of its traceback
    return {'index': row['index'], 'machine': machine, 'outcome': pickle.dumps(outcome)}


def _needs(ray: Any, options: CopyOptions, workers: int) -> dict[str, Any]:
    """
    Return what the task of a bag needs of its machine.

    :raises SettingsError: if none has enough cores
    """
    cores = max(workers, 1) * options.model.threads
    most = max(int(node['Resources'].get('CPU', 0)) for node in ray.nodes() if node['Alive'])
    if cores > most:
        raise SettingsError(
            f'a bag takes {cores} cores (--workers times --threads), and the largest machine of '
            f'the cluster has {most}; use fewer --workers'
        )
    gpu = options.model.device == 'cuda' or (
        options.model.device == 'auto' and ray.cluster_resources().get('GPU', 0) > 0
    )
    return {'num_cpus': cores, 'num_gpus': 1 if gpu else 0}


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Yield the module ``ray`` while it is connected to a cluster."""
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SettingsError(
            f"--ray needs Ray Data ({error}); install it with: pip install 'ray[data]'"
        ) from error
    options = {'object_store_memory': STORE_BYTES} if address == 'local' else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level='ERROR', **options)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise BackendError(
            f'no Ray cluster at --ray {address}: {error}; start one with ray start --head, or '
            'use --ray local'
        ) from error
    logging.getLogger('ray.data').setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.target_max_block_size = BLOCK_BYTES  # else it waits for room in the store
    context.max_errored_blocks = -1  # a task that dies does not end the others
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _mark(folder: Path) -> Iterator[Path]:
    """Yield a file for a while, by which other machines know the folder."""
    make_folder(folder)
    with output_errors(folder):
        file = tempfile.NamedTemporaryFile(prefix='.ray-', dir=folder)  # noqa: SIM115
    with file:
        yield Path(file.name).absolute()
