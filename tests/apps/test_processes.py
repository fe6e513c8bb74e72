# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Child processes, tested with small real ones."""

import os
import signal
import subprocess
import sys
import time

from depth_refiner_ros.apps.processes import ChildError, Children
from depth_refiner_ros.core.errors import DepthRefinerError
import pytest

SLEEPER = 'import time; print("ready", flush=True); time.sleep(600)'
STUBBORN = (
    'import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); '
    'print("ready", flush=True); time.sleep(600)'
)
POLITE = (
    'import time\nprint("ready", flush=True)\ntry:\n    time.sleep(600)\n'
    'except KeyboardInterrupt:\n    print("saved", flush=True)'
)


@pytest.fixture
def children(tmp_path):
    with Children(tmp_path / 'logs', os.environ) as group:
        yield group


def wait_for(condition, patience_s=60.0):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.01)


def started(children, name, code):
    child = children.start(name, ['-c', code])
    wait_for(lambda: 'ready' in child.log.read_text())
    return child


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return stat.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_output_and_environment_reach_the_log(tmp_path):
    with Children(tmp_path, {**os.environ, 'WORD': 'hello'}) as children:
        child = children.start(
            'one',
            ['-c', 'import os, sys; print(os.environ["WORD"]); print("bad", file=sys.stderr)'],
        )
        wait_for(lambda: not child.running)
        children.check()
    assert (tmp_path / 'one.log').read_text().split() == ['hello', 'bad']


def test_leaving_ends_all_children(tmp_path):
    with Children(tmp_path, os.environ) as children:
        pids = [started(children, str(i), SLEEPER).process.pid for i in range(2)]
        assert all(map(is_alive, pids))
    assert not any(map(is_alive, pids))


def test_children_end_when_the_work_fails(tmp_path):
    def work():
        with Children(tmp_path, os.environ) as children:
            pids.append(started(children, 'one', SLEEPER).process.pid)
            raise KeyboardInterrupt

    pids = []
    with pytest.raises(KeyboardInterrupt):
        work()
    assert not is_alive(pids[0])


def test_child_is_asked_politely_and_may_save(children):
    child = started(children, 'one', POLITE)
    assert children.stop('one') == 0
    assert 'saved' in child.log.read_text()


def test_child_of_a_command_in_the_background_is_asked_politely_too(children):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for ``command &``
    try:
        child = started(children, 'one', POLITE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert children.stop('one') == 0
    assert 'saved' in child.log.read_text()


def test_child_that_will_not_end_is_made_to(children, monkeypatch):
    monkeypatch.setattr(
        'depth_refiner_ros.apps.processes.STOP_SIGNALS',
        ((signal.SIGINT, 0.2), (signal.SIGTERM, 30.0)),
    )
    started(children, 'one', STUBBORN)
    assert children.stop('one') == -signal.SIGTERM


def test_child_that_ends_by_our_request_has_not_failed(children):
    started(children, 'one', SLEEPER)
    started(
        children, 'two', 'import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)\n' + SLEEPER
    )
    assert children.stop('two') == -signal.SIGINT
    children.check()
    os.kill(children.start('three', ['-c', SLEEPER]).process.pid, signal.SIGINT)
    wait_for(lambda: not children.running('three'))
    with pytest.raises(ChildError, match='three ended with signal SIGINT'):
        children.check()


def test_grandchildren_are_asked_too(children):
    child = started(
        children,
        'one',
        f'import subprocess, sys; subprocess.run([sys.executable, "-c", {SLEEPER!r}])',
    )
    children_file = f'/proc/{child.process.pid}/task/{child.process.pid}/children'
    with open(children_file) as file:
        grandchild = int(file.read().split()[0])
    children.stop('one')
    wait_for(lambda: not is_alive(grandchild))


def test_failure_is_one_line_and_the_end_of_the_log(children):
    talk = 'for i in range(40): print("line", i)'
    child = children.start('node', ['-c', f'{talk}\nraise SystemExit(3)'])
    wait_for(lambda: not child.running)
    with pytest.raises(ChildError) as caught:
        children.check()
    first, *tail = str(caught.value).splitlines()
    assert first == f'node ended with exit code 3; the end of {child.log}:'
    assert tail == [f'  line {i}' for i in range(28, 40)]
    assert caught.value.exit_code == 1
    assert isinstance(caught.value, DepthRefinerError)


def test_mistake_of_the_user_keeps_its_exit_code(children):
    child = children.start('node', ['-c', 'raise SystemExit(2)'])
    wait_for(lambda: not child.running)
    with pytest.raises(ChildError) as caught:
        children.check()
    assert caught.value.exit_code == 2


def test_crash_names_the_signal(children):
    child = children.start('node', ['-c', 'import os; os.abort()'])
    wait_for(lambda: not child.running)
    with pytest.raises(ChildError, match='signal SIGABRT'):
        children.check()


def test_running_and_ended_well_are_no_failures(children):
    started(children, 'one', SLEEPER)
    child = children.start('two', ['-c', 'pass'])
    wait_for(lambda: not child.running)
    children.check()
    assert children.running('one')
    assert not children.running('two')


PARENT = """
import os, sys, time
from pathlib import Path
from depth_refiner_ros.apps.processes import Children
with Children(Path(sys.argv[1]), os.environ) as children:
    print(children.start('one', ['-c', 'import time; time.sleep(600)']).process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize('request_to_end', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_their_parent(tmp_path, request_to_end):
    parent = subprocess.Popen(
        [sys.executable, '-c', PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with parent:
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.send_signal(request_to_end)
        parent.wait(60)
    wait_for(lambda: not is_alive(pid))
