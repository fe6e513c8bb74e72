# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine --ray`` on a cluster of several machines, of which some are at fault or lose power."""

import importlib.util
import os
from pathlib import Path
import subprocess
import sys
import time

import depth_refiner_ros
from depth_refiner_ros.apps.refine_bag import PROGRESS
import pytest

from tests import machines
from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE
from tests.cli.conftest import PROGRAM, ROOT
from tests.cli.recordings import PLAIN

RAY = importlib.util.find_spec('ray')
PORT = 6379
FLAGS = (*PLAIN, 'bundled', '--image-topic', IMAGE, '--no-clouds', '--bag', '--out')
OF_RAY = ('--disable-usage-stats', '--object-store-memory', '100000000')
PACKAGE = Path(depth_refiner_ros.__file__).parent
ANSWER_S = 500
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(RAY is None, reason='Ray is not installed'),
    pytest.mark.skipif(bool(RAY and machines.why_not()), reason=machines.why_not()),
]


class Cluster:
    """Two machines of one core, a head without, and one that has not joined; all have one disk."""

    def __init__(self, network, folder):
        self.network, self.folder = network, folder
        self.env = {
            **os.environ,
            'HOME': str(folder),  # where Ray looks for its token
            'PYTHONPATH': str(ROOT),
            'RAY_AUTH_MODE': 'token',
            'RAY_worker_niceness': '0',
        }
        (folder / '.ray').mkdir()
        (folder / '.ray/auth_token').write_text('0' * 32)
        self.address = f'{network.address["head"]}:{PORT}'
        os.chdir(folder)
        self._ray('head', '--head', '--port', PORT, '--num-cpus', 0, '--include-dashboard=false')
        for name in ('one', 'two'):
            self._ray(name, '--address', self.address, '--num-cpus', 1)

    def _ray(self, name, *arguments):
        start = 'from ray.scripts.scripts import main; main()'
        at = '--node-ip-address', self.network.address[name]
        started = subprocess.run(
            self.network.command(
                name, sys.executable, '-c', start, 'start', *arguments, *at, *OF_RAY
            ),
            env=self.env,
            capture_output=True,
            text=True,
        )
        assert started.returncode == 0, started.stderr

    def start(self, *arguments, on='head', **env):
        """Start ``depth-refiner refine`` on a machine."""
        command = [sys.executable, '-c', PROGRAM, 'refine', *arguments]
        return subprocess.Popen(
            self.network.command(on, *command) if on else list(map(str, command)),
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def refine(self, *arguments, **options):
        """Run it, and return exit code, standard output and the lines of standard error."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=ANSWER_S)
        print(f'$ depth-refiner refine {" ".join(map(str, arguments))}\n{out}{err}')
        assert 'Traceback' not in err
        return process.returncode, out, err.splitlines()


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    """Return a cluster of Ray."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp('disk')
    with machines.Machines('head', 'one', 'two', 'far') as network:
        yield Cluster(network, folder)
        os.chdir(before)


@pytest.fixture(scope='module')
def bags(cluster):
    """Return four small bags, of which the machines make the same copies as this process."""
    for name in 'abcd':
        mixed_bags.write(cluster.folder / name, 'mcap', frames=2)
    paths = [Path(name) / f'{name}.mcap' for name in 'abcd']
    code, _, err = cluster.refine(*paths, *FLAGS, 'here', '--threads', 1, on='')
    assert code == 0, err
    return paths


def same(paths, out):
    return [
        (Path('here') / path.name).read_bytes() == (Path(out) / path.name).read_bytes()
        for path in paths
    ]


def test_bags_spread_over_the_machines_and_are_made_once(cluster, bags):
    code, out, err = cluster.refine(*bags, *FLAGS, 'out', '--ray', 'auto')
    assert code == 0, err
    for name in ('one', 'two'):
        assert any(
            line.endswith(f' copied on {name} ({cluster.network.address[name]})') for line in err
        )
    assert same(bags, 'out') == [True] * 4
    code, out, _ = cluster.refine(*bags, *FLAGS, 'out', '--ray', cluster.address)
    assert (code, out.count(', made before\n')) == (0, 4)
    assert sorted(path.name for path in Path('out').iterdir()) == [path.name for path in bags]


def mounted(fault, folder):
    """Return the place and the options of a mount that makes a machine unfit."""
    if fault == 'bag':
        return folder / 'b', ('-t', 'tmpfs', 'none')
    if fault == 'package':
        return PACKAGE, ('-t', 'tmpfs', 'none')
    other = folder / 'other.py'
    text = (PACKAGE / '__init__.py').read_text()
    other.write_text(text.replace(depth_refiner_ros.__version__, '0.0.9'))
    return PACKAGE / '__init__.py', ('--bind', other)


@pytest.mark.parametrize(
    ('fault', 'words'),
    [
        ('bag', 'cannot read {folder}/b/b.mcap; put it where all machines'),
        ('package', 'cannot run depth_refiner_ros (cannot import name'),
        ('version', 'has depth_refiner_ros 0.0.9, and this one'),
    ],
)
def test_a_machine_at_fault_is_named_and_takes_no_bags(cluster, bags, fault, words):
    place, how = mounted(fault, cluster.folder)
    cluster.network.run('two', 'mount', *how, place)
    try:
        code, _, err = cluster.refine(*bags[:2], *FLAGS, f'out_{fault}', '--ray', 'auto')
    finally:
        cluster.network.run('two', 'umount', place)
    assert code == 0, err
    two = f'the machine two ({cluster.network.address["two"]})'
    assert err[0].startswith(f'{two} {words.format(folder=cluster.folder)}')
    assert err[0].endswith('; it takes no bags')
    assert sum(' copied on one (' in line for line in err) == 2
    assert same(bags[:2], f'out_{fault}') == [True] * 2


def test_who_cannot_join_is_told_why(cluster, bags, subtests):
    command = (bags[0], *FLAGS, 'refused', '--ray', cluster.address)
    version = Path(RAY.origin).parent / '_version.py'
    other = cluster.folder / 'version.py'
    other.write_text('version = "2.0.0"\ncommit = "none"\n')
    cluster.network.run('two', 'mount', '--bind', other, version)
    cases = [
        ('one', 'disabled', 'asks for its token: set RAY_AUTH_MODE=token'),
        ('two', 'token', 'Ray: 2.0.0'),
    ]
    for name, mode, words in cases:
        with subtests.test(words=words):
            code, _, err = cluster.refine(*command, on=name, RAY_AUTH_MODE=mode)
            assert code == 2
            assert words in err[-1]
    cluster.network.run('two', 'umount', version)
    with subtests.test(words='not joined'):
        code, _, err = cluster.refine(*command, on='far')
        assert code == 2
        assert 'join it on this machine with ray start --address' in err[-1]
    assert not Path('refused').exists()


def test_a_machine_that_loses_power_costs_nothing(cluster):
    for name in 'ef':
        mixed_bags.write(cluster.folder / name, 'mcap', frames=60)
    paths = [Path('e/e.mcap'), Path('f/f.mcap')]
    code, _, err = cluster.refine(*paths, *FLAGS, 'here', '--threads', 1, on='')
    assert code == 0, err
    running = cluster.start(*paths, *FLAGS, 'cut', '--ray', 'auto')
    progress = [Path('cut') / PROGRESS.format(path.name) for path in paths]
    while running.poll() is None and not all(
        path.exists() and path.stat().st_size > 50_000 for path in progress
    ):
        time.sleep(0.1)
    assert running.poll() is None
    cluster.network.end('two')
    out, err = running.communicate(timeout=ANSWER_S)
    print(out, err)
    assert running.returncode == 0
    address = cluster.network.address['two']
    assert f': the machine {address} went away; trying again, with the finished frames\n' in err
    assert err.count(' copied on one (') == 2
    assert same(paths, 'cut') == [True] * 2
