"""Commands that are one node: how they end."""

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


@pytest.mark.slow
def test_a_player_that_is_told_to_end_takes_its_node_along(tmp_path):
    program = subprocess.Popen(
        [sys.executable, '-m', 'depth_refiner_ros.cli.main', 'play', 'sim:900000:2000'],
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with program:
        wait_for(lambda: children_of(program.pid))
        (node,) = children_of(program.pid)
        time.sleep(2.0)  # it has loaded and waits for a listener
        program.send_signal(signal.SIGTERM)
        program.wait(60)
    wait_for(lambda: not Path(f'/proc/{node}').exists(), 10.0)
