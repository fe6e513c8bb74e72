# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine --workers``: frames of a bag shared by processes, which may die."""

import json
import os
from pathlib import Path
import signal
import time

from depth_refiner_ros.apps import frame_workers
import pytest

from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE, START, STEP_NS
from tests.cli.conftest import PROGRAM
from tests.cli.recordings import PLAIN

OF_ONE = (*PLAIN, 'bundled', '--image-topic', IMAGE, '--no-clouds')
ALONE = ('--threads', '1')
DEPTH = '/c/color/refined/depth/image'


def depth_times(copy, original):
    """Check that a copy holds its bag, and return the indices of the images that have depth."""
    _, found = mixed_bags.added(copy, original)
    return [(ns - START) // STEP_NS for topic, ns, _ in found if topic == DEPTH]


@pytest.fixture
def kill(monkeypatch):
    """Return a function that kills processes when they are given an image, so many times."""
    give = frame_workers._give

    def kill(times):
        left = {START + index * STEP_NS - 3_000_000: count for index, count in times.items()}

        def give_and_kill(worker, task):
            if left.get(task.frame.stamp_ns, 0):
                left[task.frame.stamp_ns] -= 1
                os.kill(worker.process.pid, signal.SIGKILL)
                worker.process.join()
            give(worker, task)

        monkeypatch.setattr(frame_workers, '_give', give_and_kill)

    return kill


def test_processes_give_the_copy_of_one_in_the_order_of_the_recording(depth_refiner, tmp_path):
    recorded = list(mixed_bags.messages())
    recorded[3][2].encoding = recorded[19][2].encoding = 'unknown'
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', compressed='storage', recorded=recorded)
    command = ('refine', source, *PLAIN, 'bundled', '--all-cameras', '--out')
    alone = depth_refiner(*command, 'alone.mcap', *ALONE, '--json', 'alone.json')
    shared = depth_refiner(*command, 'shared.mcap', '--workers', '2', '--json', 'shared.json')
    assert alone.returncode == shared.returncode == 0, shared.stderr
    alone_bytes, shared_bytes = (
        (tmp_path / name).read_bytes() for name in ('alone.mcap', 'shared.mcap')
    )
    assert alone_bytes == shared_bytes
    first, second = (
        [line for line in ended.stderr.splitlines() if line.startswith('frame lost')]
        for ended in (alone, shared)
    )
    assert first == second
    assert len(first) == 2
    summaries = [
        json.loads((tmp_path / name).read_text()) for name in ('alone.json', 'shared.json')
    ]
    assert all(summary.pop('median_ms') > 0 for summary in summaries)
    assert summaries[0] == summaries[1]
    assert not list(tmp_path.glob('.*'))


def test_a_process_that_dies_costs_nothing_and_twice_costs_its_frame(
    depth_refiner, tmp_path, kill
):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap')
    command = ('refine', source, *OF_ONE, '--out')
    kill({1: 1, 2: 2})
    ended = depth_refiner(*command, 'out.mcap', '--workers', '2')
    assert ended.returncode == 0, ended.stderr
    said = 'a worker process ended with signal SIGKILL'
    assert f'{said}, maybe for lack of memory; going on with 1 process\n' in ended.stderr
    assert ended.stderr.count(f'{said}; another takes its place\n') == 2
    assert ended.stderr.count(f'frame lost ({frame_workers.DIED})') == 1
    assert '1 of 4 frames lost' in ended.stdout
    out, alone = tmp_path / 'out.mcap', tmp_path / 'alone.mcap'
    assert depth_times(out, source) == [0, 1, 3]
    for name in ('alone.mcap', 'out.mcap'):
        assert depth_refiner(*command, name, *ALONE).returncode == 0
    assert out.read_bytes() == alone.read_bytes(), 'what died is tried again by the next run'


KILLED = """
import multiprocessing, os
from depth_refiner_ros.bags.progress import Progress
add = Progress.add
def killed(self, key, info, messages=()):
    add(self, key, info, messages)
    if len(self.kept) == 2:
        for child in multiprocessing.active_children():
            status = open(f'/proc/{child.pid}/status').read()
            print(child.pid, status.partition('SigBlk:')[2].split()[0], flush=True)
        os.kill(os.getpid(), 9)
Progress.add = killed
"""


def test_a_killed_run_takes_its_processes_along_and_any_number_continues(
    depth_refiner, program, tmp_path
):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap')
    command = ('refine', source, *OF_ONE, '--out')
    ended = program(*command, 'out.mcap', '--workers', '2', code=KILLED + PROGRAM)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    workers = [int(line.split()[0]) for line in ended.stdout.splitlines()]
    assert len(workers) == 2
    masks = [int(line.split()[1], 16) for line in ended.stdout.splitlines()]
    assert all(mask & 1 << signal.SIGINT - 1 for mask in masks), 'Ctrl-C is for the command alone'
    deadline = time.monotonic() + 60
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline, 'they outlive the run'
        time.sleep(0.05)
    ended = depth_refiner(*command, 'out.mcap', *ALONE)
    assert ended.returncode == 0, ended.stderr
    assert '2 frames of an interrupted run are kept' in ended.stderr
    assert depth_refiner(*command, 'whole.mcap', *ALONE).returncode == 0
    assert (tmp_path / 'out.mcap').read_bytes() == (tmp_path / 'whole.mcap').read_bytes()
    assert not list(tmp_path.glob('.*'))


def is_running(pid):
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def test_what_processes_cannot_share_is_refused(depth_refiner, tmp_path):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap')
    flags = ('--scale-prior', 'sensor', '--workers', '1', '--out', 'out.mcap')
    ended = depth_refiner('refine', source, *OF_ONE, *flags)
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.splitlines()[-1] == (
        'depth-refiner: with --prior bundled and --scale-prior sensor depth depends on the frames '
        'before, so that processes cannot share the frames; leave out --workers'
    )
    ended = depth_refiner('refine', source, *OF_ONE[:4], '--workers', '2')
    assert ended.returncode == 2
    assert '--workers has no effect on a folder of depth maps' in ended.stderr
