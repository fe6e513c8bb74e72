# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Finished frames that survive their process."""

from contextlib import closing, ExitStack

from depth_refiner_ros.bags.progress import Kept, Progress
from depth_refiner_ros.core.errors import OutputError
import pytest

from tests.full_disk import full_disk

RUN = {'options': {'prior': 'bundled'}, 'files': [['a.mcap', 5, 6]]}


@pytest.fixture
def opened():
    """Return a function that opens a file of frames until the test ends."""
    with ExitStack() as files:
        yield lambda path, run=RUN: files.enter_context(closing(Progress(path, run)))


@pytest.fixture
def written(opened, tmp_path):
    """Return a file with two frames, one of them lost."""
    progress = opened(tmp_path / 'progress')
    progress.add((0, 10, 0), {'ms': 1.5}, [b'depth', b'', b'cloud'])
    progress.add((1, 10, 0), {'lost': {'name': 'x'}})
    return tmp_path / 'progress'


def test_frames_come_back(opened, written):
    progress = opened(written)
    assert list(progress.kept) == [(0, 10, 0), (1, 10, 0)]
    kept = progress.kept[0, 10, 0]
    assert kept == Kept(info={'ms': 1.5}, start=kept.start, sizes=(5, 0, 5))
    assert progress.messages(kept) == [b'depth', b'', b'cloud']
    assert progress.kept[1, 10, 0].info == {'lost': {'name': 'x'}}
    progress.add((0, 11, 0), {}, [b'more'])
    assert progress.messages(progress.kept[0, 10, 0]) == [b'depth', b'', b'cloud']
    assert progress.messages(progress.kept[0, 11, 0]) == [b'more']


def test_what_a_cut_or_a_damage_left_is_dropped(opened, written, subtests):
    whole = written.read_bytes()
    progress = opened(written)
    first_end = progress.kept[0, 10, 0].start + 10
    for size in range(first_end, len(whole)):
        written.write_bytes(whole[:size])
        assert list(opened(written).kept) == [(0, 10, 0)], size
        assert written.stat().st_size == first_end
    for place in range(first_end - 10, first_end):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        written.write_bytes(damaged)
        assert opened(written).kept == {}, place
    written.write_bytes(b'something else')
    assert opened(written).kept == {}
    assert opened(written).dropped_run is None


def test_frames_of_another_run_are_dropped_and_told(opened, written):
    progress = opened(written, {**RUN, 'files': []})
    assert progress.kept == {}
    assert progress.dropped_run == RUN
    assert opened(written, {**RUN, 'files': []}).dropped_run is None


def test_a_full_disk_keeps_the_frames_before(opened, written):
    size = written.stat().st_size
    progress = opened(written)
    with full_disk(size + 50), pytest.raises(OutputError, match=r'cannot write .*free some space'):
        progress.add((0, 12, 0), {}, [bytes(1000)])
    assert written.stat().st_size == size
    assert list(progress.kept) == [(0, 10, 0), (1, 10, 0)]
    progress.add((0, 12, 0), {}, [bytes(1000)])
    assert len(opened(written).kept) == 3
