# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What users are told about clusters, machines and tasks of Ray; none of it needs Ray."""

from dataclasses import replace
from pathlib import Path
import socket
from types import SimpleNamespace

from depth_refiner_ros import __version__
from depth_refiner_ros.apps import ray_bags, ray_cluster
from depth_refiner_ros.apps.ray_machines import Answer, faults_of, large_enough, Needs
from depth_refiner_ros.apps.refine_bag import Copied
from depth_refiner_ros.apps.refine_bags import BagJob
from depth_refiner_ros.core.errors import BackendError, SettingsError, SourceError
from depth_refiner_ros.sources.lost_frames import LostFrames
import pytest

FINE = {'version': __version__, 'torch': '2'}
BAGS = ('/drives/a.mcap', '/drives/b.mcap')
MARK = '/copies/.ray-1'


def test_an_address_that_is_none_is_refused_before_ray_tries_it(subtests, monkeypatch):
    for address in ('LOCAL', 'head', 'head:', ':6379', 'head:port', 'ray://head:10001'):
        with subtests.test(address=address):
            with pytest.raises(SettingsError, match='give HOST:PORT, auto or local') as refused:
                ray_cluster._check(address)
            assert f'--ray {address} ' in str(refused.value)
    monkeypatch.setenv('RAY_ADDRESS', 'http://head:8265')
    with pytest.raises(SettingsError, match=r'http://head:8265'):
        ray_cluster._check('auto')


def test_an_address_where_nothing_listens_is_refused_at_once(monkeypatch):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{free.getsockname()[1]}'
        with pytest.raises(BackendError, match=f'no Ray cluster at --ray {address}: .*refused'):
            ray_cluster._check(address)
        free.listen()
        ray_cluster._check(address)
        monkeypatch.delenv('RAY_ADDRESS', raising=False)
        for known in ('auto', 'local'):
            ray_cluster._check(known)
    with pytest.raises(BackendError, match=r'--ray machine\.invalid:6379: '):
        ray_cluster._check('machine.invalid:6379')


def test_what_ray_raises_while_it_starts_names_the_fix(subtests):
    hidden = ConnectionError('Failed to connect to Ray cluster')
    hidden.__cause__ = RuntimeError('ray.exceptions.AuthenticationError: InvalidAuthToken')
    versions = 'Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n'
    cases = [
        ('local', Exception('The current node timed out'), 'try again when the machine is less'),
        ('h:1', RuntimeError(versions), 'install the Ray and the Python of the cluster here'),
        ('h:1', hidden, 'set RAY_AUTH_MODE=token'),
        ('auto', ConnectionError('Could not find any'), 'start one with ray start --head'),
    ]
    for address, error, fix in cases:
        with subtests.test(fix=fix):
            said = str(ray_cluster.refused(address, error))
            assert fix in said
            assert '\n' not in said
            assert f'--ray {address}' in said


def test_machines_that_cannot_copy_the_bags_are_told_from_bags_at_fault(subtests):
    paths = [*BAGS, MARK]
    cases = [
        (Answer(**FINE), ''),
        (Answer(**FINE, unseen=BAGS[:1]), 'cannot read /drives/a.mcap; put it where all'),
        (Answer(**FINE, unseen=BAGS), 'cannot read /drives/a.mcap and 1 more; put it'),
        (Answer(**FINE, unseen=[MARK]), 'does not see /copies; put it where all machines'),
        (Answer(gone='the machine went away'), 'does not answer: the machine went away; look'),
        (Answer(version='0.0.9'), f'has depth_refiner_ros 0.0.9, and this one {__version__};'),
        (Answer(error="No module named 'torch'"), 'cannot run depth_refiner_ros (No module named'),
    ]
    for answer, fault in cases:
        with subtests.test(fault=fault):
            found = faults_of({'one': Answer(**FINE), 'two': answer}, paths)
            assert list(found) == (['two'] if fault else [])
            assert found.get('two', '').startswith(fault)
    nowhere = Answer(**FINE, unseen=BAGS[:1])
    assert faults_of({'one': nowhere, 'two': nowhere}, paths) == {}


def node(name, cores, gpus, *, alive=True):
    resources = {'CPU': float(cores), 'GPU': float(gpus)}
    about = {'NodeID': name, 'NodeManagerHostname': name, 'NodeManagerAddress': '10.0.0.1'}
    return {**about, 'Alive': alive, 'Resources': resources}


def test_a_bag_needs_a_machine_that_has_its_cores_and_its_gpu_at_once():
    nodes = [node('cpus', 8, 0), node('gpu', 2, 1), node('dead', 64, 8, alive=False)]
    ray = SimpleNamespace(nodes=lambda: nodes)
    for cores, gpus, fit in ((8, 0, ['cpus']), (2, 0, ['cpus', 'gpu']), (2, 1, ['gpu'])):
        assert list(large_enough(ray, Needs(cores=cores, gpus=gpus))) == fit
    assert large_enough(ray, Needs(cores=1, gpus=1)) == {'gpu': 'gpu (10.0.0.1)'}
    with pytest.raises(SettingsError) as refused:
        large_enough(ray, Needs(cores=4, gpus=1))
    assert str(refused.value).startswith(
        'a bag takes 4 cores (--workers times --threads) and a GPU (--device), and no machine of '
        'the cluster has that: the largest of 2 has 8 cores and 0 GPUs; use fewer'
    )


def test_the_death_of_a_task_is_told_in_words(subtests):
    cases = [
        ('NodeDiedError', 'Node IP: 10.0.0.3, node ID: 5f', 'the machine 10.0.0.3 went away'),
        ('NodeDiedError', 'it is unreachable', 'its machine went away'),
        ('OutOfMemoryError', '(IP: 10.0.0.3, ID: 5f)', 'as the machine 10.0.0.3 is short of'),
        ('WorkerCrashedError', 'The worker died', 'its process was killed, maybe for lack'),
        ('ObjectLostError', 'lost\nmore', 'Ray gave it up (ObjectLostError: lost)'),
    ]
    for kind, message, words in cases:
        with subtests.test(kind=kind, message=message):
            assert words in ray_cluster.how_it_died(type(kind, (Exception,), {})(message))


class RayError(Exception):
    """What Ray's own errors have in common."""


class NodeDiedError(RayError):
    """The machine of a task is gone."""


class RayTaskError(RayError):
    """A task raised an error."""


def cluster_of(said):
    """Return tasks of bags that end, one after the other, in what is said of each bag."""
    tasks = iter(range(100))

    def get(task):
        ending = said[job_of[task].source.stem].pop(0)
        if isinstance(ending, RayError):
            raise ending
        return 'robot (10.0.0.1)', ending

    def start(job):
        task = next(tasks)
        job_of[task] = job
        return task

    def wait(running, timeout):
        assert timeout == ray_bags.LOOK_S
        ended = [task for task in running if said[job_of[task].source.stem]][:1]
        return ended, [task for task in running if task not in ended]

    job_of = {}
    errors = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
    return ray_bags._Tasks(SimpleNamespace(exceptions=errors, get=get, wait=wait), start)


def test_a_task_that_dies_is_tried_again_a_few_times(capsys):
    died = NodeDiedError('Node IP: 10.0.0.3, node ID: 5f')
    a, b, c, d, e = jobs = [BagJob(Path(f'{name}.mcap'), Path('out', name)) for name in 'abcde']
    copied = Copied(out=Path('/far/out'), summary={}, lost=LostFrames(None))
    fails = SourceError('it is empty')
    endings = {'a': [died] * 3 + [copied], 'b': [died] * 9, 'c': [fails], 'd': []}
    tasks = cluster_of({**endings, 'e': [replace(copied, before=True)]})
    tasks.run(jobs, lambda: False)
    assert tasks.outcomes[a].out == a.out
    assert str(tasks.outcomes[b]).startswith('the machine 10.0.0.3 went away, and so it went 4 ')
    assert tasks.outcomes[c] is fails
    assert str(tasks.outcomes[d]).startswith('no machine of the cluster is left that can copy it')
    again = 'the machine 10.0.0.3 went away; trying again, with the finished frames'
    lines = capsys.readouterr().err.splitlines()
    assert lines.count(f'a.mcap: {again}') == lines.count(f'b.mcap: {again}') == 3
    assert 'a.mcap copied on robot (10.0.0.1)' in lines
    assert 'c.mcap failed on robot (10.0.0.1)' in lines
    assert tasks.outcomes[e].before
    assert not any(line.startswith('e.mcap') for line in lines), 'it was not copied now'


def test_a_bug_in_a_task_keeps_its_traceback():
    tasks = cluster_of({'a': [RayTaskError('ZeroDivisionError')]})
    with pytest.raises(RayTaskError):
        tasks.run([BagJob(Path('a.mcap'), Path('out'))], lambda: True)
