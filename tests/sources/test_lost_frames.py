# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.sources.lost_frames import (
    frame_or_lost,
    FrameError,
    LostFrame,
    LostFrames,
    NAMED,
)
import pytest


def lost(name, reason='no depth'):
    return LostFrame(name=name, reason=reason, detail=f'{name} is blank')


def test_only_a_frame_error_makes_a_lost_frame():
    def broken():
        raise FrameError('no depth', 'b is blank')

    assert frame_or_lost('a', lambda: 7) == 7
    assert frame_or_lost('b', broken) == lost('b')
    with pytest.raises(ZeroDivisionError):
        frame_or_lost('c', lambda: 1 // 0)


def test_usable_frames_pass_and_lost_ones_are_counted_by_reason():
    lines = []
    counter = LostFrames(lines.append)
    frames = [1, lost('a', 'no pose'), 2, lost('b'), lost('c'), 3]
    assert list(counter.usable(frames)) == [1, 2, 3]
    assert len(counter) == 3
    assert counter.by_reason == {'no pose': 1, 'no depth': 2}
    assert counter.counts() == '2 no depth, 1 no pose'
    assert counter.first_detail() == 'a is blank'
    assert lines[0] == 'frame lost (no pose): a is blank'


def test_the_first_few_of_each_reason_are_named():
    lines = []
    counter = LostFrames(lines.append)
    for index in range(NAMED + 10):
        counter.add(lost(str(index)))
    counter.add(lost('z', 'no pose'))
    assert [line.split(': ')[-1] for line in lines[:NAMED]] == [
        '0 is blank',
        *(f'{index}, likewise' for index in range(1, NAMED)),
    ]
    assert lines[NAMED:] == [
        'further frames lost (no depth) are only counted',
        'frame lost (no pose): z is blank',
    ]
    assert len(counter) == NAMED + 11


def test_a_camera_that_all_frames_lack_is_said_once():
    lines = []
    counter = LostFrames(lines.append)
    for index in range(8):
        counter.add(lost(str(index), 'no intrinsics'))
    assert lines == [
        'frame lost (no intrinsics): 0 is blank',
        'further frames lost (no intrinsics) are only counted',
    ]
    assert counter.counts() == '8 no intrinsics'


def test_frames_lost_in_other_words_are_told_in_full():
    lines = []
    counter = LostFrames(lines.append)
    for detail in ('a.png is cut short', 'a.png is empty', 'no name'):
        counter.add(LostFrame(name='a', reason='unreadable image', detail=detail))
    assert [line.split(': ')[1] for line in lines] == [
        'a.png is cut short',
        'a.png is empty',
        'no name',
    ]
