# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import importlib.util
from types import SimpleNamespace

from depth_refiner_ros.nodes.inputs import message_sync
from depth_refiner_ros.nodes.inputs.frame_sync import FrameSync, QUEUE
from depth_refiner_ros.nodes.inputs.stamp_join import StampJoin
import pytest
from rclpy.time import Time
from std_msgs.msg import Header

MS = 1_000_000
FILTERS = [message_sync]
if importlib.util.find_spec('message_filters'):
    import message_filters

    FILTERS.append(message_filters)


@pytest.fixture(params=FILTERS, ids=lambda module: module.__name__.split('.')[-1])
def filters(request):
    return request.param


def at(ms, name=''):
    """Return a message with only a header, which is all that synchronisers read."""
    stamp = Time(nanoseconds=round(ms * MS)).to_msg()
    return SimpleNamespace(header=Header(stamp=stamp, frame_id=f'{name}{ms:g}'), name=name)


def label(message):
    return message.header.frame_id


class Joined:
    """Joins streams a and b and stores the results."""

    def __init__(self, filters, names=('a', 'b'), tolerance_ms=0.0, queue=5):
        self.sets, self.dropped, self.far = [], [], []
        self._join = StampJoin(
            names,
            tolerance_ms=tolerance_ms,
            queue=queue,
            filters=filters,
            on_set=lambda *messages: self.sets.append(tuple(map(label, messages))),
            on_drop=lambda header: self.dropped.append(header.frame_id),
            on_far=self.far.append,
        )

    def feed(self, *named):
        for name, ms in named:
            self._join.add(name, at(ms, name))
        return self


def test_equal_stamps_meet_in_any_order(filters):
    joined = Joined(filters).feed(('a', 1), ('b', 1), ('b', 2), ('a', 2))
    assert joined.sets == [('a1', 'b1'), ('a2', 'b2')]
    assert joined.dropped == []


def test_tolerance_includes_its_bound(filters):
    joined = Joined(filters, tolerance_ms=5.0).feed(('a', 10), ('b', 15), ('a', 30), ('b', 35.001))
    assert joined.sets == [('a10', 'b15')]


def test_the_nearest_partner_is_taken(filters):
    joined = Joined(filters, tolerance_ms=5.0).feed(('a', 0), ('a', 4), ('b', 5))
    assert joined.sets == [('a4', 'b5')]


def test_the_leading_stream_is_accounted_for(filters):
    joined = Joined(filters).feed(('b', 1), ('b', 2), ('a', 3), ('b', 3))
    assert joined.sets == [('a3', 'b3')]
    assert joined.dropped == ['b1', 'b2']


def test_waiting_is_bounded(filters):
    joined = Joined(filters, queue=3).feed(*(('b', ms) for ms in range(1, 7)))
    assert joined.dropped == ['b1', 'b2', 'b3']
    joined.feed(('a', 6))
    assert joined.sets == [('a6', 'b6')]


def test_time_may_jump_back(filters):
    joined = Joined(filters).feed(('a', 100), ('b', 100), ('b', 101))
    joined.feed(('a', 1), ('b', 1), ('a', 2), ('b', 2))
    # The second stream jumps after the first one: one frame pays for it at most.
    assert joined.sets[0] == ('a100', 'b100')
    assert joined.sets[-1] == ('a2', 'b2')
    assert 'b101' in joined.dropped
    for ms in range(3, 30):
        joined.feed(('a', ms), ('b', ms))
    assert len(joined.sets) >= 28


def test_a_tolerance_in_which_one_lost_message_shifts_all_others_is_told_once(filters):
    period_ms = 33
    joined = Joined(filters, tolerance_ms=40.0)
    for number in range(20):
        stream = [('b', number * period_ms)] if number != 2 else []
        joined.feed(*stream, ('a', number * period_ms))
    assert len(joined.far) == 1
    assert joined.far[0].startswith('a is 33.0 ms away from the b it is joined with, which comes ')
    assert joined.far[0].endswith('every 33.0 ms; set sync_tolerance_ms below half of that')


def test_messages_that_are_near_enough_are_not_told_of(filters):
    joined = Joined(filters, tolerance_ms=40.0)
    for number in range(20):
        joined.feed(('a', number * 33), ('b', number * 33 + 16))
    assert len(joined.sets) == 20
    assert joined.far == []


def test_three_streams(filters):
    joined = Joined(filters, names=('info', 'color', 'depth'), tolerance_ms=1.0)
    joined.feed(('depth', 5), ('info', 5), ('color', 5.5), ('info', 9), ('depth', 9), ('color', 9))
    assert joined.sets == [('info5', 'color5.5', 'depth5'), ('info9', 'color9', 'depth9')]


def test_a_callback_that_raises_does_not_block_the_next():
    """The hazard of message_filters that our own synchroniser does not share."""
    source = message_sync.SimpleFilter()
    seen = []

    def callback(message):
        seen.append(label(message))
        raise RuntimeError('bug in a callback')

    message_sync.TimeSynchronizer([source], 5).registerCallback(callback)
    for ms in (1, 2):
        with pytest.raises(RuntimeError, match='bug'):
            source.signalMessage(at(ms))
    assert seen == ['1', '2']


def test_extra_arguments_reach_the_callback():
    source, seen = message_sync.SimpleFilter(), []
    source.registerCallback(lambda message, extra: seen.append((label(message), extra)), 'more')
    source.signalMessage(at(3))
    assert seen == [('3', 'more')]


class Frames:
    """A FrameSync that stores its results."""

    def __init__(self, mode, filters, tolerance_ms=5.0, *, with_depth=False):
        self.frames, self.dropped = [], []
        self._sync = FrameSync(
            mode,
            tolerance_ms,
            with_depth=with_depth,
            filters=filters,
            on_frame=self._keep,
            on_drop=lambda header: self.dropped.append(header.frame_id),
        )

    def _keep(self, frame):
        assert frame.header is frame.image.header
        labels = [label(frame.image), label(frame.info)]
        self.frames.append(tuple(labels + ([label(frame.depth)] if frame.depth else [])))

    def feed(self, *named):
        add = {
            'image': self._sync.add_image,
            'info': self._sync.add_info,
            'depth': self._sync.add_depth,
        }
        for name, ms in named:
            add[name](at(ms, name))
        return self


def test_exact_takes_equal_stamps_only(filters):
    frames = Frames('exact', filters).feed(('info', 1), ('image', 2), ('info', 3), ('image', 3))
    assert frames.frames == [('image3', 'info3')]
    assert frames.dropped == ['image2']


def test_exact_with_depth_is_exact_in_camera_info_and_tolerant_in_depth(filters):
    frames = Frames('exact', filters, with_depth=True)
    frames.feed(('info', 100), ('depth', 102), ('image', 100))
    frames.feed(('info', 201), ('depth', 200), ('image', 200))
    assert frames.frames == [('image100', 'info100', 'depth102')]
    assert frames.dropped == ['image200']


def test_approx_takes_what_is_near(filters):
    frames = Frames('approx', filters).feed(('info', 1), ('image', 4), ('image', 50), ('info', 52))
    assert frames.frames == [('image4', 'info1'), ('image50', 'info52')]


def test_cached_takes_the_latest_and_drops_what_came_before_the_first(filters):
    frames = Frames('cached', filters).feed(
        ('image', 1), ('info', 2), ('image', 300), ('image', 400)
    )
    assert frames.dropped == ['image1']
    assert frames.frames == [('image300', 'info2'), ('image400', 'info2')]


def test_exact_then_cached_waits_for_infos_that_keep_coming(filters):
    frames = Frames('exact_then_cached', filters)
    frames.feed(('info', 1), ('image', 1), ('image', 2))
    assert frames.frames == [('image1', 'info1')]
    frames.feed(('info', 2))
    assert frames.frames[1:] == [('image2', 'info2')]


def test_exact_then_cached_goes_on_when_one_info_is_lost(filters):
    frames = Frames('exact_then_cached', filters)
    frames.feed(('info', 1), ('image', 1), ('image', 2), ('image', 3), ('image', 4))
    assert frames.frames == [
        ('image1', 'info1'),
        ('image2', 'info1'),
        ('image3', 'info1'),
        ('image4', 'info1'),
    ]


def test_exact_then_cached_serves_a_camera_info_that_came_once(filters):
    frames = Frames('exact_then_cached', filters)
    frames.feed(('image', 1), ('info', 0), ('image', 2), ('image', 3))
    assert frames.frames == [('image1', 'info0'), ('image2', 'info0'), ('image3', 'info0')]


def test_exact_then_cached_learns_that_infos_follow_images(filters):
    frames = Frames('exact_then_cached', filters)
    frames.feed(('image', 1), ('info', 1), ('image', 2), ('info', 2), ('image', 3), ('info', 3))
    assert frames.frames == [('image1', 'info1'), ('image2', 'info2'), ('image3', 'info3')]


def test_no_info_ever_drops_all_but_the_waiting_one(filters):
    frames = Frames('exact_then_cached', filters).feed(('image', 1), ('image', 2), ('image', 3))
    assert frames.frames == []
    assert frames.dropped == ['image1', 'image2']


@pytest.mark.parametrize('mode', ['exact', 'approx', 'cached', 'exact_then_cached'])
@pytest.mark.parametrize('with_depth', [False, True])
def test_a_looped_recording_goes_on(filters, mode, with_depth):
    frames = Frames(mode, filters, with_depth=with_depth)
    depth = ['depth'] * with_depth
    for _ in range(2):
        for ms in range(0, 3300, 33):
            frames.feed(*((name, ms) for name in ('info', *depth, 'image')))
    assert len(frames.frames) >= 199 - with_depth
    assert all(
        frame[0].removeprefix('image') == frame[1].removeprefix('info') for frame in frames.frames
    )


def test_images_that_wait_for_depth_are_bounded(filters):
    frames = Frames('cached', filters, with_depth=True).feed(('info', 0))
    frames.feed(*(('image', ms) for ms in range(0, 1000, 33)))
    assert frames.frames == []
    assert len(frames.dropped) == 31 - QUEUE
