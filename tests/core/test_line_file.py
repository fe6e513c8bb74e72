# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import os

from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.line_file import LineFile
import pytest

from tests.full_disk import full_disk
from tests.processes import python

WRITER = """
import sys
from pathlib import Path
from depth_refiner_ros.core.line_file import LineFile
file = LineFile(Path(sys.argv[1]), 'head\\n')
for number in range(1000):
    file.add(f'line {number}')
print(flush=True)
sys.stdin.read()
"""


def test_lines_are_there_at_once_and_survive_a_kill(tmp_path):
    with python(WRITER, tmp_path / 'log'):
        pass
    lines = (tmp_path / 'log').read_text().splitlines()
    assert lines == ['head', *(f'line {number}' for number in range(1000))]


def test_a_line_that_does_not_fit_is_left_out_as_a_whole(tmp_path):
    file = LineFile(tmp_path / 'log', 'head\n')
    with full_disk(12), pytest.raises(OutputError, match=r'cannot write .*log'):
        file.add(20 * 'x')
    file.add('next')
    file.sync()
    file.close()
    assert (tmp_path / 'log').read_text() == 'head\nnext\n'
    assert os.listdir(tmp_path) == ['log']


def test_a_line_can_be_taken_back(tmp_path):
    file = LineFile(tmp_path / 'log')
    file.add('one')
    size = file.size
    file.add('two')
    file.drop_after(size)
    file.add('three')
    file.close()
    assert (tmp_path / 'log').read_text() == 'one\nthree\n'
