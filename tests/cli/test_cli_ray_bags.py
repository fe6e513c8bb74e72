# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine --ray``: bags as tasks of a Ray cluster on this machine."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time

from depth_refiner_ros.apps.ray_bags import copied_there
from depth_refiner_ros.apps.refine_bag import CopyOptions, PROGRESS
from depth_refiner_ros.apps.refine_bags import BagJob
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
import pytest

from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE
from tests.cli.conftest import PROGRAM, ROOT
from tests.cli.recordings import PLAIN

HAS_RAY = importlib.util.find_spec('ray') is not None
FLAGS = (*PLAIN, 'bundled', '--image-topic', IMAGE, '--no-clouds', '--bag')


def test_without_ray_the_message_says_how_to_get_it(depth_refiner, tmp_path, monkeypatch):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', frames=1)
    monkeypatch.setitem(sys.modules, 'ray', None)
    ended = depth_refiner('refine', source, *FLAGS, '--out', 'out.mcap', '--ray', 'auto')
    assert ended.returncode == 2
    assert 'install it with: pip install ray' in ended.stderr.splitlines()[-1]


def test_a_machine_without_the_bag_or_the_folder_is_named(tmp_path):
    bag = mixed_bags.write(tmp_path / 'drive', 'mcap', frames=1)
    mark = tmp_path / 'mark'
    options = CopyOptions(
        model=ModelSettings(), recording=RecordingSettings(), bag=BagCopySettings()
    )
    for source, words in ((tmp_path / 'other.mcap', 'cannot read'), (bag, 'does not see')):
        job = BagJob(source, tmp_path / 'out.mcap')
        why = str(copied_there(job, options, 0, mark, 'robot (10.0.0.1)'))
        place = source if words == 'cannot read' else tmp_path
        assert why.startswith(f'the machine robot (10.0.0.1) {words} {place}; put it where')


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason='Ray is not installed')
def test_tasks_make_the_copies_that_this_process_makes(program, depth_refiner, tmp_path):
    paths = [mixed_bags.write(tmp_path / name, 'mcap', frames=2) for name in ('a', 'b', 'c')]
    paths[1].write_bytes(paths[1].read_bytes()[:-100])
    ended = program('refine', *paths, *FLAGS, '--out', 'spread', '--ray', 'local')
    assert ended.returncode == 2, ended.stderr
    assert 'Ray does not start' not in ended.stderr
    assert 'failed:' in ended.stdout.splitlines()[2]
    assert ended.stdout.endswith('2 of 3 bags copied\n')
    assert f'{paths[0]} copied on {socket.gethostname()} (' in ended.stderr
    here = depth_refiner('refine', *paths, *FLAGS, '--out', 'here', '--threads', '1')
    assert here.returncode == 2, here.stderr
    for name in ('a.mcap', 'c.mcap'):
        copies = [(tmp_path / folder / name).read_bytes() for folder in ('spread', 'here')]
        assert copies[0] == copies[1]
    assert [path.name for path in (tmp_path / 'spread').iterdir()] == ['a.mcap', 'c.mcap']


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason='Ray is not installed')
def test_a_killed_task_goes_on_and_so_does_the_next_run_after_a_terminated_one(
    depth_refiner, tmp_path, monkeypatch
):
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', frames=40)
    command = ['refine', source, *FLAGS, '--out', 'out.mcap']
    running = started(tmp_path, *command, '--ray', 'local')
    os.kill(process_of(running, tmp_path, bytes_done=30_000), signal.SIGKILL)
    process_of(running, tmp_path, bytes_done=90_000)
    running.terminate()
    _, err = running.communicate(timeout=100)
    assert running.returncode == 128 + signal.SIGTERM
    said = 'its process was killed, maybe for lack of memory; trying again, with the finished'
    assert f'{source}: {said} frames\n' in err
    assert err.splitlines()[-1] == 'depth-refiner: terminated'
    ended = depth_refiner(*command, '--threads', '1')
    assert ended.returncode == 0, ended.stderr
    assert 'frames of an interrupted run are kept' in ended.stderr
    whole = depth_refiner(*command[:-1], 'whole.mcap', '--threads', '1')
    assert whole.returncode == 0
    assert (tmp_path / 'out.mcap').read_bytes() == (tmp_path / 'whole.mcap').read_bytes()
    assert not list(tmp_path.glob('.*'))


def started(folder, *arguments):
    command = [sys.executable, '-c', PROGRAM, *map(str, arguments)]
    pipes = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True}
    return subprocess.Popen(command, cwd=folder, **pipes)


def process_of(running, folder, bytes_done):
    """Return the process that copies a bag, as soon as some of its frames are finished."""
    progress = folder / PROGRESS.format('out.mcap')
    while not progress.exists() or progress.stat().st_size < bytes_done:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    return int((folder / '.out.mcap.depth-refiner.lock').read_text().split()[1])
