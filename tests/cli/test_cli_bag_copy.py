# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine`` into a copy of a bag: what is added, interrupted runs, full disks, refusals."""

import json

from depth_refiner_ros.sources.ros import image as ros_image
from depth_refiner_ros.sources.ros.bag_files import ZSTD_START
import numpy as np
import pytest

from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE, K, SECOND, STEP_NS, STORE
from tests.cli.conftest import PROGRAM
from tests.cli.recordings import PLAIN
from tests.full_disk import full_disk
from tests.sources.ros import bags

OF_ONE = (*PLAIN, 'sensor', '--image-topic', IMAGE)
DEPTH, INFO, CLOUD = (
    f'/c/color/refined/{name}' for name in ('depth/image', 'depth/camera_info', 'points')
)


def messages_of(copy, original):
    """Check that a copy holds its bag, and return what it has besides, read, by topic."""
    links, found = mixed_bags.added(copy, original)
    read = {topic: [] for topic in links}
    for topic, bag_ns, data in found:
        read[topic].append((bag_ns, STORE.deserialize_cdr(data, links[topic][0])))
    return read


@pytest.mark.parametrize(('plugin', 'compressed'), [('mcap', 'storage'), ('sqlite3', '')])
def test_depth_camera_and_cloud_are_those_of_the_image(
    depth_refiner, tmp_path, plugin, compressed
):
    source = mixed_bags.write(tmp_path / 'drive', plugin, compressed=compressed)
    out = tmp_path / f'refined{source.suffix}'
    ended = depth_refiner('refine', source, *OF_ONE, '--out', out, '--json', 'result.json')
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f'4 depth maps in {out}, a copy of {source}\n'
    added = messages_of(out, source)
    assert list(added) == [DEPTH, INFO, CLOUD]
    images = {ns: data for topic, ns, data in mixed_bags.read(source)[1] if topic == IMAGE}
    for topic in added:
        assert [ns for ns, _ in added[topic]] == list(images)
    for (bag_ns, depth), (_, info), (_, cloud) in zip(*added.values()):
        image = STORE.deserialize_cdr(images[bag_ns], 'sensor_msgs/msg/Image')
        assert depth.header == info.header == cloud.header == image.header
        assert (depth.encoding, depth.width, depth.height) == ('32FC1', 64, 48)
        np.testing.assert_array_equal(ros_image.depth_from_message(depth), 2.0)
        assert (info.width, info.height, tuple(info.k[[0, 4, 2, 5]])) == (64, 48, K)
        assert not info.d.any()
        points = cloud.data.view(np.float32).reshape(48, 64, 4)
        np.testing.assert_array_equal(points[..., 2], 2.0)
        columns = (np.arange(64) - K[2]) / K[0]
        np.testing.assert_allclose(points[7, :, 0], 2.0 * columns, rtol=1e-6)
        rgb = ros_image.rgb_from_message(image)
        np.testing.assert_array_equal(points.view(np.uint8)[..., 14:11:-1], rgb)
    summary = json.loads((tmp_path / 'result.json').read_text())
    assert summary['frames'] == 4
    assert [topic['messages'] for topic in summary['topics']] == [4, 4, 4]
    assert not list(tmp_path.glob('.*')), 'nothing else is left'


def test_range_layout_names_and_flags_are_the_users(depth_refiner, tmp_path):
    source = mixed_bags.write(tmp_path / 'drive', 'sqlite3')
    flags = ('--max-range-m', '1', '--namespace', '/sharp', '--no-clouds', '--frames', '2')
    ended = depth_refiner('refine', 'drive', *OF_ONE, '--bag', '--out', 'out', *flags)
    assert ended.returncode == 0, ended.stderr
    added = messages_of(tmp_path / 'out', tmp_path / 'drive')
    assert list(added) == ['/sharp/depth/image', '/sharp/depth/camera_info']
    assert len(added['/sharp/depth/image']) == 2
    for _, depth in added['/sharp/depth/image']:
        assert (depth.data.view(np.float32) == np.inf).all(), 'REP-117'
    flags = ('--points-stride', '4', '--points-layout', 'pcl32')
    ended = depth_refiner('refine', source, *OF_ONE, '--out', 'out.db3', *flags)
    assert ended.returncode == 0, ended.stderr
    (_, cloud), *_ = messages_of(tmp_path / 'out.db3', source)[CLOUD]
    assert (cloud.width, cloud.height, cloud.point_step) == (16, 12, 32)


def test_all_cameras_get_their_topics_in_one_run(depth_refiner, tmp_path):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap')
    flags = (*PLAIN, 'bundled', '--all-cameras', '--no-clouds')
    ended = depth_refiner('refine', source, *flags, '--out', 'out.mcap')
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith('8 depth maps in')
    assert f'cameras: {IMAGE}, {SECOND}' in ended.stderr
    added = messages_of(tmp_path / 'out.mcap', source)
    assert list(added) == [
        f'{camera}/refined/depth/{name}'
        for camera in ('/c/color', '/r')
        for name in ('image', 'camera_info')
    ]
    assert {len(found) for found in added.values()} == {4}
    first, second = (added[f'{camera}/refined/depth/image'] for camera in ('/c/color', '/r'))
    assert [ns for ns, _ in second] == [ns + 9 for ns, _ in first]
    np.testing.assert_array_equal(first[2][1].data, second[2][1].data)


def test_a_lost_frame_keeps_its_messages_and_is_counted(depth_refiner, tmp_path):
    recorded = list(mixed_bags.messages())
    recorded[3][2].encoding = 'unknown'
    recorded[10][2].data = recorded[10][2].data[:0]
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', recorded=recorded)
    ended = depth_refiner('refine', source, *OF_ONE, '--out', 'out.mcap', '--strict')
    assert ended.returncode == 1
    assert 'frame lost (unreadable image)' in ended.stderr
    assert '2 of 4 frames lost: 1 unreadable image, 1 unreadable depth' in ended.stdout
    times = [ns for ns, _ in messages_of(tmp_path / 'out.mcap', source)[DEPTH]]
    assert times == [mixed_bags.START + index * STEP_NS for index in (2, 3)]


def test_a_damaged_bag_is_copied_as_it_is_up_to_where_it_breaks_off(depth_refiner, tmp_path):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', compressed='storage', frames=12)
    data = bytearray(source.read_bytes())
    chunks = [place for place in range(len(data)) if data[place : place + 4] == ZSTD_START]
    assert len(chunks) == 3
    data[chunks[1] + 4 : chunks[1] + 20] = b'\xff' * 16
    source.write_bytes(data)
    ended = depth_refiner('refine', source, *OF_ONE, '--out', 'out.mcap')
    assert ended.returncode == 0, ended.stderr
    assert 'frame lost (recording breaks off)' in ended.stderr
    copy = (tmp_path / 'out.mcap').read_bytes()
    for start, end in zip(chunks, (*chunks[1:], len(data) - 3000)):
        assert data[start : start + (end - start) // 2] in copy


KILLED_WHILE_WRITING = """
import os
from depth_refiner_ros.bags.progress import Progress
append = Progress._append
def killed(self, info, messages):
    if len(self.kept) == 2:
        self._file.write(b'DRP1' + bytes(messages[0][:1000]))
        os.kill(os.getpid(), 9)
    return append(self, info, messages)
Progress._append = killed
"""
KILLED_WHILE_COPYING = """
import os
from depth_refiner_ros.bags.additions import Additions
of = Additions.of
def killed(self, image, log_ns):
    if self.handed_out > 3:
        os.kill(os.getpid(), 9)
    return of(self, image, log_ns)
Additions.of = killed
"""


@pytest.mark.parametrize(('plugin', 'compressed'), [('mcap', 'storage'), ('sqlite3', '')])
def test_a_killed_run_continues_and_equals_an_unbroken_one(
    depth_refiner, program, tmp_path, plugin, compressed
):
    source = mixed_bags.write(tmp_path / 'drive', plugin, compressed=compressed)
    names = [f'{name}{source.suffix}' for name in ('out', 'whole')]
    one = ('--threads', 1)  # depth differs in its last bits between numbers of threads
    command = ('refine', source, *PLAIN, 'bundled', *one, '--image-topic', IMAGE, '--out')
    for code, kept in ((KILLED_WHILE_WRITING, 2), (KILLED_WHILE_COPYING, 4)):
        ended = program(*command, names[0], code=code + PROGRAM)
        assert ended.returncode == -9, ended.stderr
        assert not (tmp_path / names[0]).exists(), 'whole or not at all'
        if kept == 4:
            assert '2 frames of an interrupted run are kept' in ended.stderr
    ended = depth_refiner(*command, names[0])
    assert ended.returncode == 0, ended.stderr
    assert '4 frames of an interrupted run are kept' in ended.stderr
    assert depth_refiner(*command, names[1]).returncode == 0
    out, whole = (tmp_path / name for name in names)
    assert out.read_bytes() == whole.read_bytes()
    assert len(messages_of(out, source)[DEPTH]) == 4
    assert not list(tmp_path.glob('.*')), 'what a killed run left is gone'


@pytest.mark.parametrize('plugin', ['mcap', 'sqlite3'])
def test_a_full_disk_keeps_what_was_there_and_says_what_is_left(depth_refiner, tmp_path, plugin):
    source = mixed_bags.write(tmp_path / 'drive', plugin)
    out = tmp_path / f'out{source.suffix}'
    command = ('refine', source, *OF_ONE, '--out', out)
    assert depth_refiner(*command, '--no-clouds').returncode == 0
    before = out.read_bytes()
    for room, kept in ((150_000, 2), (source.stat().st_size + 70_000, 4)):
        with full_disk(room):
            ended = depth_refiner(*command)
        assert ended.returncode == 2
        last = ended.stderr.splitlines()[-1]
        assert 'free some space' in last
        assert f'{kept} of 4 frames are kept in {tmp_path}/.{out.name}' in last
        assert 'the same command continues with them' in last
        assert out.read_bytes() == before
    ended = depth_refiner(*command)
    assert ended.returncode == 0, ended.stderr
    assert '4 frames of an interrupted run are kept' in ended.stderr
    assert len(messages_of(out, source)[CLOUD]) == 4


def test_frames_of_other_options_are_not_taken(depth_refiner, tmp_path):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap')
    command = ('refine', source, *OF_ONE, '--out', 'out.mcap')
    with full_disk(150_000):
        assert depth_refiner(*command).returncode == 2
    ended = depth_refiner(*command, '--max-range-m', '1')
    assert ended.returncode == 0, ended.stderr
    assert 'had other options; starting over' in ended.stderr
    depths = [depth for _, depth in messages_of(tmp_path / 'out.mcap', source)[DEPTH]]
    assert all((depth.data.view(np.float32) == np.inf).all() for depth in depths)


def test_refusals_take_one_line(depth_refiner, tmp_path, subtests):
    drive = mixed_bags.write(tmp_path / 'drive', 'mcap')
    only = [item for item in mixed_bags.messages() if item[0] in (IMAGE, '/robot/state')]
    mixed_bags.write(tmp_path / 'no_camera', 'mcap', recorded=only)
    states = [item for item in only if item[0] != IMAGE]
    mixed_bags.write(tmp_path / 'no_image', 'mcap', recorded=states)
    (tmp_path / 'foreign.mcap').write_text('precious')
    (tmp_path / 'photos').mkdir()
    out = ('--out', 'out.mcap')
    cases = [
        (('drive/drive.mcap', '--out', 'foreign.mcap'), 'is no copy that was made here'),
        (('drive/drive.mcap', '--out', 'drive/drive.mcap'), 'would lie in the bag'),
        (('no_camera', *out, '--prior', 'bundled'), 'has no camera_info that fits'),
        (('no_image', *out), 'has no color image'),
        (('photos', *out), 'is no bag'),
        (('nowhere.mcap', *out), 'does not exist'),
        (('drive', *out, '--panels', '8'), '--panels has no effect on a copy of a bag'),
        (('drive', 'no_camera', *out), 'the copies of 2 bags go into a folder'),
        (('drive', '--out', 'out', '--max-range-m', '9'), '--max-range-m 9.0 has no effect'),
        (('drive', *out, '--namespace', 'a b'), 'no name of ROS'),
        (('drive', *out, '--min-range-m', '90'), 'must be below'),
        (('drive', *out, '--all-cameras', '--image-topic', IMAGE), 'leave out one of them'),
        (('drive', *out, '--all-cameras', '--namespace', '/a'), 'leave out its first /'),
        (('no_camera', *out, '--all-cameras'), 'no image with a camera_info beside it'),
    ]
    for (*arguments,), words in cases:
        with subtests.test(words=words):
            ended = depth_refiner('refine', *arguments, '--refiner', 'none')
            assert ended.returncode == 2, ended.stderr
            assert words in ended.stderr.splitlines()[-1]
            assert not (tmp_path / 'out.mcap').exists()
    assert (tmp_path / 'foreign.mcap').read_text() == 'precious'
    ended = depth_refiner('refine', drive, *OF_ONE, *out)
    assert ended.returncode == 0
    ended = depth_refiner('refine', 'out.mcap', *OF_ONE, '--out', 'again.mcap')
    assert f'has {DEPTH} already; choose another namespace' in ended.stderr


def test_an_assumed_camera_is_taken_only_if_the_user_says_so(depth_refiner, tmp_path):
    only = [item for item in mixed_bags.messages(2) if item[0] == IMAGE]
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', recorded=only)
    command = ('refine', source, *PLAIN, 'bundled', '--out', 'out.mcap', '--assume-fov-deg', '60')
    ended = depth_refiner(*command)
    assert ended.returncode == 0, ended.stderr
    (_, info), _ = messages_of(tmp_path / 'out.mcap', source)[INFO]
    assert info.k[0] == pytest.approx(32 / np.tan(np.radians(30)))


def test_an_undistorted_image_gets_the_camera_that_it_has_then(depth_refiner, tmp_path):
    recorded = list(mixed_bags.messages(1))
    bent = bags.camera_info(mixed_bags.START, 64, 48, K, d=(-0.1, 0.01, 0.0, 0.0, 0.0))
    recorded[1] = (*recorded[1][:2], bent)
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', recorded=recorded)
    ended = depth_refiner('refine', source, *OF_ONE, '--out', 'out.mcap')
    assert ended.returncode == 0, ended.stderr
    assert 'undistorting them' in ended.stderr
    ((_, info),) = messages_of(tmp_path / 'out.mcap', source)[INFO]
    assert not info.d.any()
