# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What users are told about clusters, machines and tasks of Ray; none of it needs Ray."""

import socket
from types import SimpleNamespace

from depth_refiner_ros import __version__
from depth_refiner_ros.apps import ray_cluster
from depth_refiner_ros.apps.ray_machines import Answer, faults_of, large_enough, Needs
from depth_refiner_ros.core.errors import BackendError, SettingsError
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
