# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM during the imports of a command, and during its work."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    'moment',
    [
        'typer',
        'numpy._core._multiarray_umath',  # interrupted here, numpy raises RuntimeError instead
    ],
)
def test_ctrl_c_during_imports_is_one_line(tmp_path, moment):
    """-X importtime prints a line for each module that has been imported."""
    process = subprocess.Popen(
        [sys.executable, '-X', 'importtime', '-m', 'depth_refiner_ros.cli.main', 'fuse', 'sim:1'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.rstrip().endswith(f' {moment}'):
            break
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    told = [line for line in errors.splitlines() if not line.startswith('import time:')]
    assert told == ['depth-refiner: interrupted']
    assert output == ''
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('number', 'word', 'code'),
    [(signal.SIGINT, 'interrupted', 130), (signal.SIGTERM, 'terminated', 143)],
)
def test_a_signal_at_work_is_one_line_and_leaves_nothing_unfinished(tmp_path, number, word, code):
    process = subprocess.Popen(
        [
            sys.executable,
            '-m',
            'depth_refiner_ros.cli.main',
            'refine',
            'sim:1:500',
            '--prior',
            'sensor',
            '--refiner',
            'none',  # networks load for seconds, and are not what is interrupted
        ],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(tmp_path.glob('refined/sim_1_500/*.npy')):
        time.sleep(0.02)
    process.send_signal(number)
    errors = process.communicate(timeout=120)[1]
    assert errors.splitlines()[-1] == f'depth-refiner: {word}'
    assert 'Traceback' not in errors
    assert process.returncode == code
    assert list(tmp_path.rglob('*.lock')) == []
    assert {path.name for path in tmp_path.rglob('.*')} == {'.depth-refiner.files'}


IGNORING = """
import os, signal, sys
from depth_refiner_ros.cli import commands, main
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.argv[1:] = ['--version']
run = commands.app
commands.app = lambda **_: (os.kill(os.getpid(), signal.SIGINT), run())
main.main()
"""


def test_a_background_job_of_a_shell_goes_on(tmp_path):
    """Shells make background jobs ignore Ctrl-C."""
    done = subprocess.run(
        [sys.executable, '-c', IGNORING],
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0
    assert done.stdout.startswith('depth-refiner ')
