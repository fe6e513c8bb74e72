# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two processes on one output."""

import os
import re

from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.output_lock import locked_file, locked_folder
import pytest

from tests.full_disk import full_disk
from tests.processes import python

HOLDER = """
import sys
from pathlib import Path
from depth_refiner_ros.core import output_lock
with getattr(output_lock, sys.argv[1])(Path(sys.argv[2])):
    print(flush=True)
    sys.stdin.read()
"""
LOCKS = {'locked_folder': locked_folder, 'locked_file': locked_file}


@pytest.mark.parametrize('kind', LOCKS)
def test_the_second_process_is_told_of_the_first(tmp_path, kind):
    output = tmp_path / 'made' / 'out'
    with python(HOLDER, kind, output) as first:
        told = rf'{re.escape(str(output))} is being written by process {first.pid} \(-c {kind} '
        with pytest.raises(OutputError, match=told), LOCKS[kind](output):
            pass
    with LOCKS[kind](output):  # a killed holder's lock is free
        pass
    assert [path.name for path in tmp_path.rglob('*') if path.is_file()] == []


def test_the_lock_ends_with_its_block_whatever_ends_it(tmp_path):
    with pytest.raises(ZeroDivisionError), locked_folder(tmp_path / 'out'):
        1 / len(os.listdir(tmp_path / 'out')[1:])
    assert os.listdir(tmp_path) == []


def test_other_outputs_are_free(tmp_path):
    with locked_folder(tmp_path), locked_file(tmp_path / 'a'), locked_file(tmp_path / 'b'):
        pass
    assert os.listdir(tmp_path) == []


def test_a_full_disk_only_costs_the_name(tmp_path):
    with (
        full_disk(0),
        locked_folder(tmp_path),
        pytest.raises(OutputError, match='by another process; wait'),
        locked_folder(tmp_path),
    ):
        pass


def test_a_place_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(OutputError, match=r'cannot make the folder .*file'),
        locked_folder(tmp_path / 'file' / 'out'),
    ):
        pass


def test_a_long_command_is_cut_and_stays_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr('sys.argv', ['/usr/bin/depth-refiner', 'refine', 'a\nb', 200 * 'x'])
    with locked_folder(tmp_path), pytest.raises(OutputError) as caught, locked_folder(tmp_path):
        pass
    assert re.search(r'process \d+ \(depth-refiner refine a b x+\.\.\.\); wait', str(caught.value))
    assert '\n' not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_folder_that_nothing_was_written_to_goes(tmp_path):
    with pytest.raises(ValueError, match='unreadable'), locked_folder(tmp_path / 'out'):
        raise ValueError('unreadable')
    assert list(tmp_path.iterdir()) == []
    (tmp_path / 'there').mkdir()
    with locked_folder(tmp_path / 'there'):
        pass
    with locked_folder(tmp_path / 'full'):
        (tmp_path / 'full/result').touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['full', 'there']


def test_a_file_name_that_is_not_utf_8_is_no_obstacle(tmp_path, monkeypatch):
    monkeypatch.setattr('sys.argv', ['depth-refiner', 'refine', os.fsdecode(b'caf\xe9')])
    with locked_folder(tmp_path), pytest.raises(OutputError, match='caf'), locked_folder(tmp_path):
        pass
