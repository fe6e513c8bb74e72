# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the programs of nodes say of a package that is missing, and of Ctrl-C meanwhile."""

from pathlib import Path
import signal
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = """
import sys
class Missing:
    def find_spec(self, name, *rest):
        if name == {missing!r}: raise ModuleNotFoundError('no', name=name)
sys.meta_path.insert(0, Missing())
from depth_refiner_ros.nodes.program import started
sys.exit(started({name!r}, {words!r}))
"""


def ended(name, missing, *parameters):
    words = ['--ros-args', *(word for value in parameters for word in ('-p', value))]
    return subprocess.run(
        [sys.executable, '-c', START.format(name=name, missing=missing, words=words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    ('name', 'missing', 'parameters', 'line'),
    [
        ('tsdf_node', 'open3d', (), 'the package open3d-cpu is missing; run: pip install open3d-'),
        ('refiner_node', 'cv2', (), 'opencv-python-headless is missing; run: pip install opencv'),
        ('refiner_node', 'diffusers', (), 'the package diffusers is missing; run: pip install di'),
        ('player_node', 'rclpy', (), 'rclpy of ROS 2 cannot be imported; source a ROS 2 setup.b'),
        (
            'player_node',
            'rosbags',
            ('source:=a.mcap',),
            'the package rosbags is missing; run: pip',
        ),
    ],
)
def test_a_missing_package_is_one_line_and_exit_code_2(tmp_path, name, missing, parameters, line):
    (tmp_path / 'a.mcap').write_bytes(b'')
    given = (word.replace('a.mcap', f'{tmp_path}/a.mcap') for word in parameters)
    done = ended(name, missing, *given)
    assert done.returncode == 2, done.stderr
    # Before it, a node may say that it freed memory which an earlier one left.
    assert line in done.stderr.splitlines()[-1]
    assert 'Traceback' not in done.stderr


def test_a_module_that_no_package_has_keeps_its_traceback():
    done = ended('player_node', 'depth_refiner_ros.nodes.outputs.player_topics')
    assert done.returncode == 1
    assert 'Traceback' in done.stderr


CTRL_C_WHILE_IMPORTING = """
import os, signal, sys
class Interrupted:
    def find_spec(self, name, *rest):
        if name == 'open3d': os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupted())
from depth_refiner_ros.nodes.program import started
sys.exit(started('tsdf_node', []))
"""


def test_ctrl_c_while_packages_are_imported_is_no_traceback():
    command = [sys.executable, '-c', CTRL_C_WHILE_IMPORTING]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ''
