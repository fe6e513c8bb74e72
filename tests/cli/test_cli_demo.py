# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The demo over DDS: real processes, few frames."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
import urllib.request

import cv2
from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.trajectory import read_tum
import pytest

pytest.importorskip('rclpy')
pytestmark = [pytest.mark.slow, pytest.mark.ros]

NO_NETWORK = ('--prior', 'sensor', '--refiner', 'none')
SUMMARY_KEYS = {
    'frames_in',
    'frames_out',
    'dropped',
    'fps',
    'latency_ms',
    'stage_ms',
    'depth',
    'depth_spread',
    'temporal_error_percent',
    'mesh',
    'trajectory',
}


def nodes_of(folder):
    """List the processes that run with parameters of this folder."""
    found = []
    for entry in Path('/proc').iterdir():
        try:
            command = (entry / 'cmdline').read_bytes() if entry.name.isdigit() else b''
        except OSError:
            continue
        if str(folder).encode() in command and b'_node' in command:
            found.append(command)
    return found


def wait_for(condition, patience_s=240.0):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.05)


def test_lock_step_loses_nothing(program, tmp_path):
    ended = program('demo', *NO_NETWORK, '--frames', '3', '--out', tmp_path / 'out')
    assert ended.returncode == 0, ended.stderr
    out = tmp_path / 'out'
    summary = json.loads((out / 'summary.json').read_text())
    assert set(summary) == SUMMARY_KEYS
    assert (summary['frames_in'], summary['frames_out'], summary['dropped']) == (3, 3, {})
    assert summary['depth']['refined']['abs_rel'] < 1e-4, 'true depth went in and must come out'
    assert summary['mesh']['accuracy_mm'] < 5.0
    assert summary['mesh']['compared_with'] == 'the exact surface of the simulated room'
    assert summary['latency_ms']['p50'] > 0
    assert set(summary['stage_ms']) >= {'refine', 'publish'}
    assert len(read_ply(out / 'mesh.ply').triangles_M3) == summary['mesh']['triangles'] > 1000
    assert len(read_tum(out / 'trajectory.txt')) == 3
    assert cv2.imread(str(out / 'panel.png')) is not None
    assert 'No frame was dropped' in (out / 'report.html').read_text()
    assert {path.stem for path in (out / 'logs').iterdir()} == {
        'collector',
        'player',
        'refiner',
        'tsdf',
    }
    assert nodes_of(out) == []


def test_live_adds_up(depth_refiner, tmp_path):
    ended = depth_refiner(
        'demo', *NO_NETWORK, '--frames', '6', '--live', '--rate', '30', '--out', tmp_path / 'out'
    )
    assert ended.returncode == 0, ended.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert summary['frames_in'] == 6
    assert summary['frames_out'] + sum(summary['dropped'].values()) == 6
    fused = (tmp_path / 'out' / 'mesh.ply').exists()
    assert fused is (summary['mesh']['triangles'] > 0)
    report = (tmp_path / 'out' / 'report.html').read_text()
    assert fused is ('No frame was fused' not in report)


def test_failing_node_is_told_in_one_line_with_its_log(program, tmp_path):
    ended = program(
        'demo',
        '--prior-weights',
        tmp_path / 'nowhere',
        '--refiner',
        'none',
        '--frames',
        '2',
        '--out',
        tmp_path / 'out',
    )
    assert ended.returncode == 2
    line = next(line for line in ended.stderr.splitlines() if line.startswith('depth-refiner: '))
    assert 'refiner ended with exit code 2' in line
    assert str(tmp_path / 'out' / 'logs' / 'refiner.log') in line
    assert 'has no bundle.json' in ended.stderr
    assert 'Traceback' not in ended.stderr
    assert nodes_of(tmp_path) == []


def test_interrupted_demo_leaves_no_process_and_no_result_of_another_run(tmp_path):
    for name in ('report.html', 'summary.json', 'trajectory.txt'):
        (tmp_path / name).write_text('of an earlier run')
    root = Path(__file__).resolve().parents[2]
    program = subprocess.Popen(
        [
            sys.executable,
            '-m',
            'depth_refiner_ros.cli.main',
            'demo',
            *NO_NETWORK,
            '--show',
            '--frames',
            '500',
            '--out',
            str(tmp_path),
        ],
        env={**os.environ, 'PYTHONPATH': str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with program:
        try:
            address = program.stdout.readline().split()[-1]
            wait_for(lambda: len(nodes_of(tmp_path)) == 4)
            with urllib.request.urlopen(address + 'stream', timeout=240) as stream:
                parts = (line for line in stream if line.startswith(b'--picture'))
                for _ in range(4):  # a surface must be seen twice to be kept
                    next(parts)
            program.send_signal(signal.SIGINT)
            assert program.wait(120) != 0
        finally:
            program.kill()
    wait_for(lambda: nodes_of(tmp_path) == [], 10.0)
    names = {path.name for path in tmp_path.iterdir()}
    assert names <= {'logs', 'params', 'mesh.ply', '.depth-refiner.files'}
    assert (tmp_path / 'logs' / 'refiner.log').is_file()
    assert (tmp_path / 'mesh.ply').is_file(), 'what was fused so far is kept'
