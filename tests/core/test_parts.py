# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Leftovers of killed writers: what is swept, and what is not."""

import os

from depth_refiner_ros.core import parts
from depth_refiner_ros.core.parts import claimed_part, sweep
import pytest

from tests.processes import python

WRITER = """
import sys
from pathlib import Path
from depth_refiner_ros.core.parts import claimed_part
with claimed_part(Path(sys.argv[1]), is_folder=bool(int(sys.argv[2]))) as part:
    target = part / 'inner' if part.is_dir() else part
    target.write_text('half')
    print(flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize('is_folder', [0, 1])
def test_a_killed_writers_part_is_removed_and_a_living_ones_stays(tmp_path, is_folder):
    with python(WRITER, tmp_path, is_folder):
        living = os.listdir(tmp_path)
        assert len(living) == 1
        sweep(tmp_path)
        assert os.listdir(tmp_path) == living
    assert os.listdir(tmp_path) == living
    sweep(tmp_path)
    assert os.listdir(tmp_path) == []


def test_only_our_own_names_are_swept(tmp_path):
    for name in (
        '.part',
        'a.part',
        '.mesh.ply.part',
        '.depth-refiner.lock',
        '.depth-refiner..part',
    ):
        (tmp_path / name).touch()
    before = sorted(os.listdir(tmp_path))
    sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == before


def test_the_first_write_to_a_folder_sweeps_it(tmp_path):
    with python(WRITER, tmp_path, 0):
        pass
    assert len(os.listdir(tmp_path)) == 1
    with claimed_part(tmp_path) as part:
        assert os.listdir(tmp_path) == [part.name]
    assert os.listdir(tmp_path) == []


def test_a_part_that_a_sweep_took_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock, taken = parts.try_lock, []

    def late(descriptor):
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        return lock(descriptor)

    monkeypatch.setattr(parts, 'try_lock', late)
    with claimed_part(tmp_path) as part:
        assert part.exists()
        assert part not in taken
