# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which machines of a Ray cluster can copy bags, and why the others cannot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros import __version__
from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.ray_cluster import how_it_died
from depth_refiner_ros.core.errors import BackendError, SettingsError
from depth_refiner_ros.core.messages import counted, printable

PATIENCE_S = 300.0
"""With a machine that imports this package."""
SHARE = 'put it where all machines of the cluster see it under the same path'


@dataclass(frozen=True, kw_only=True)
class Needs:
    """
    What a bag takes of its machine.

    :param gpus: 0 or 1
    """

    cores: int
    gpus: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """
    What a machine tells.

    :param gone: why it tells nothing; '' if it does
    :param error: why it cannot import this package; '' if it can
    :param unseen: of the paths, those it cannot read
    """

    gone: str = ''
    error: str = ''
    version: str = ''
    torch: str = ''
    unseen: Sequence[str] = ()


def large_enough(ray: Any, needs: Needs) -> dict[str, str]:
    """
    Return the machines that are alive and have what a bag takes: their ids and names.

    :raises SettingsError: if there are none
    """
    alive = [node for node in ray.nodes() if node['Alive']]
    fit = {
        node['NodeID']: f'{node["NodeManagerHostname"]} ({node["NodeManagerAddress"]})'
        for node in alive
        if _has(node, 'CPU') >= needs.cores and _has(node, 'GPU') >= needs.gpus
    }
    if not fit:
        largest = ', '.join(
            f'{counted(_has(node, "CPU"), "core")} and {counted(_has(node, "GPU"), "GPU")}'
            for node in sorted(alive, key=lambda node: -_has(node, 'CPU'))[:1]
        )
        gpu = ' and a GPU (--device)' if needs.gpus else ''
        raise SettingsError(
            f'a bag takes {counted(needs.cores, "core")} (--workers times --threads){gpu}, and no '
            f'machine of the cluster has that: the largest of {len(alive)} has {largest or "none"}'
            '; use fewer --workers, or start Ray there with more'
        )
    return fit


def _has(node: Mapping[str, Any], what: str) -> int:
    return int(node['Resources'].get(what, 0))


def unfit_machines(
    ray: Any, machines: Mapping[str, str], bags: Sequence[Path], mark: Path
) -> list[str]:
    """
    Return the ids of the machines that must take no bags; each is named in a line.

    :param machines: their ids and names
    :param mark: a file in the folder of the copies
    :raises BackendError: if no machine is left
    """
    paths = [*map(str, bags), str(mark)]
    answers = _ask(ray, machines, paths)
    faults = faults_of(answers, paths)
    if len(faults) == len(machines):
        some, fault = next(iter(faults.items()))
        raise BackendError(
            f'no machine of the cluster can take bags: the machine {machines[some]} {fault}'
        )
    for machine, fault in faults.items():
        note(f'the machine {machines[machine]} {fault}; it takes no bags')
    fit = {machine: answer for machine, answer in answers.items() if machine not in faults}
    if len({answer.torch for answer in fit.values()}) > 1:
        found = ', '.join(f'{answer.torch} on {machines[name]}' for name, answer in fit.items())
        note(f'the machines have several versions of torch, so depth may differ a bit: {found}')
    return list(faults)


def faults_of(answers: Mapping[str, Answer], paths: Sequence[str]) -> dict[str, str]:
    """
    Return what is wrong with machines, of those where something is.

    :param paths: the bags, then a file in the folder of the copies
    """
    seen = {path for answer in answers.values() for path in paths if path not in answer.unseen}
    faults = {}
    for machine, answer in answers.items():
        missing = [path for path in answer.unseen if path in seen]  # else the bag is at fault
        if answer.gone:
            faults[machine] = f'does not answer: {answer.gone}; look at its load and its Ray'
        elif answer.error:
            faults[machine] = (
                f'cannot run depth_refiner_ros ({printable(answer.error)}); install version '
                f'{__version__} there, for the Python that runs ray start'
            )
        elif answer.version != __version__:
            faults[machine] = (
                f'has depth_refiner_ros {answer.version}, and this one {__version__}; install '
                'the same on both'
            )
        elif paths[-1] in answer.unseen:
            faults[machine] = f'does not see {Path(paths[-1]).parent}; {SHARE}'
        elif missing:
            more = f' and {len(missing) - 1} more' if missing[1:] else ''
            faults[machine] = f'cannot read {missing[0]}{more}; {SHARE}'
    return faults


def _ask(ray: Any, machines: Mapping[str, str], paths: Sequence[str]) -> dict[str, Answer]:
    look = ray.remote(num_cpus=0, max_retries=0)(_looker())
    place = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    asked = {
        look.options(scheduling_strategy=place(machine, soft=False)).remote(paths): machine
        for machine in machines
    }
    ray.wait(list(asked), num_returns=len(asked), timeout=PATIENCE_S)
    answers = {}
    for ref, machine in asked.items():
        try:
            answers[machine] = Answer(**ray.get(ref, timeout=0))
        except ray.exceptions.GetTimeoutError:
            answers[machine] = Answer(gone=f'not within {PATIENCE_S:g} s')
        except ray.exceptions.RayError as error:
            answers[machine] = Answer(gone=how_it_died(error))
    return answers


def _looker() -> Callable[[list[str]], dict[str, Any]]:
    """Return a function that runs on a machine without this package: Ray sends its code along."""

    def look(paths: list[str]) -> dict[str, Any]:
        import os

        try:
            from depth_refiner_ros import __version__ as version
            from depth_refiner_ros.apps import ray_bags  # noqa: F401 - what the task of a bag runs
            import torch
        except (ImportError, OSError) as error:  # OSError: a library of the system is missing
            return {'error': str(error)}
        unseen = [path for path in paths[:-1] if not os.access(path, os.R_OK)]
        unseen += [path for path in paths[-1:] if not os.path.exists(path)]
        return {'version': version, 'torch': torch.__version__, 'unseen': unseen}

    return look
