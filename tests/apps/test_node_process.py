# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands that are one node: how they end."""

from contextlib import contextmanager
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest

ROOT = Path(__file__).resolve().parents[2]


def children_of(pid):
    text = Path(f'/proc/{pid}/task/{pid}/children').read_text()
    return [int(child) for child in text.split()]


def wait_for(condition, limit_s=120.0):
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, 'waited in vain'
        time.sleep(0.05)


def is_alive(pid):
    """Whether a process runs; one whose parent was killed may stay as a zombie for a while."""
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != 'Z'


@contextmanager
def started(folder, *words):
    with subprocess.Popen(
        [sys.executable, '-m', 'depth_refiner_ros.cli.main', *words],
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            yield program
        finally:
            program.kill()


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=lambda item: item.name)
@pytest.mark.parametrize('words', [('play', 'sim:900000:2000'), ('record',)], ids=' '.join)
def test_a_signal_to_the_command_alone_ends_its_node_too(tmp_path, words, number):
    with started(tmp_path, *words) as program:
        wait_for(lambda: children_of(program.pid))
        (node,) = children_of(program.pid)
        time.sleep(2.0)
        program.send_signal(number)
        program.wait(60)
        assert program.returncode == 0
        assert 'Traceback' not in program.stderr.read()
    wait_for(lambda: not is_alive(node), 10.0)


@pytest.mark.slow
def test_a_killed_command_takes_its_node_along(tmp_path):
    with started(tmp_path, 'play', 'sim:900000:2000') as program:
        wait_for(lambda: children_of(program.pid))
        (node,) = children_of(program.pid)
        program.kill()
    wait_for(lambda: not is_alive(node), 10.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('words', 'line'),
    [
        (('nowhere',), "depth-refiner: 'nowhere' does not exist; a source is sim:SEED"),
        (('sim:1:2', '--image-topic', '/x'), 'depth-refiner: sim:1:2 is not a bag, so --image-t'),
        (
            ('sim:1:2', '--lock-step', 'tsdf', '--wait-for-subscribers-s', '0'),
            'depth-refiner: lock-step: refiner and tsdf not in the graph; start it, or set --lock',
        ),
    ],
)
def test_a_mistake_is_one_line_in_the_style_of_a_command(tmp_path, words, line):
    with started(tmp_path, 'play', *words) as program:
        _, errors = program.communicate(timeout=120)
    assert program.returncode == 2
    first, *more = errors.splitlines()
    assert first.startswith(line)
    assert [line.rpartition(' of ')[0] for line in more] in ([], ['sent 0 frames'])
