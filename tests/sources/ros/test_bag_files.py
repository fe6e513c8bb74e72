# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags as recorders leave them: split, compressed, killed, cut, damaged, or no bag at all."""

import shutil
import sqlite3

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.ros import mcap_records as mcap
from depth_refiner_ros.sources.ros.bag import RosbagSource
from depth_refiner_ros.sources.ros.bag_files import BROKEN, ZSTD_START
from depth_refiner_ros.sources.ros.mcap_records import (
    CHUNK_HEAD,
    DAMAGED_CHUNK,
    deflated,
    inflated,
)
import numpy as np
import pytest

from tests.sources.ros import bags
from tests.sources.ros.test_bag import check_walk, START, STEP, walk

PLUGINS = ('sqlite3', 'mcap')


def storage_of(bag):
    (storage,) = (file for file in bag.iterdir() if file.suffix in ('.db3', '.mcap', '.zstd'))
    return storage


def read(path, lines=None, **options):
    log = pytest.fail if lines is None else lines.append
    return list(open_source(str(path), recording={'max_gap_s': 0.06, **options}, log=log))


def outcome(path):
    """Return the frames of a bag and '', or none and the reason why it cannot be read."""
    try:
        return read(path, []), ''
    except SourceError as error:
        return [], str(error)


@pytest.mark.parametrize('plugin', PLUGINS)
def test_folders_and_single_files(tmp_path, plugin):
    bag = bags.write_bag(tmp_path / 'bag', walk(), plugin=plugin)
    check_walk(read(bag))
    check_walk(read(storage_of(bag)))


@pytest.mark.parametrize(
    ('plugin', 'compressed'),
    [('sqlite3', 'message'), ('sqlite3', 'file'), ('mcap', 'message'), ('mcap', 'storage')],
)
@pytest.mark.parametrize('metadata', [True, False])
def test_compressed_bags_with_and_without_metadata(tmp_path, plugin, compressed, metadata):
    bag = bags.write_bag(tmp_path / 'bag', walk(), plugin=plugin, compressed=compressed)
    if not metadata:
        (bag / 'metadata.yaml').unlink()
    lines = []
    check_walk(read(bag, lines))
    assert ['no metadata.yaml' in line for line in lines] == [True] * (not metadata)


@pytest.mark.parametrize('plugin', PLUGINS)
def test_a_bag_whose_recorder_was_killed_is_read_and_said(tmp_path, plugin):
    bag = bags.write_bag(tmp_path / 'bag', walk(), plugin=plugin)
    (bag / 'metadata.yaml').unlink()
    lines = []
    check_walk(read(bag, lines))
    (line,) = lines
    assert 'no metadata.yaml, as if its recorder was killed (ros2 bag reindex writes it)' in line


@pytest.mark.parametrize('plugin', PLUGINS)
def test_split_bags_without_metadata(tmp_path, plugin):
    """The tenth part comes after the ninth, and a topic goes on from part to part."""
    whole = tmp_path / 'whole'
    whole.mkdir()
    messages = walk(12)
    for part in range(12):
        start = START + part * STEP
        chosen = [message for message in messages if start <= message[1] < start + STEP]
        made = bags.write_bag(tmp_path / f'part{part}', chosen, plugin=plugin)
        storage = storage_of(made)
        shutil.copy(storage, whole / f'whole_{part}{storage.suffix}')
    lines = []
    frames = read(whole, lines)
    check_walk(frames[:-1], 11)  # the last pose is in no part
    assert len(frames) == 12


@pytest.mark.parametrize('text', ['a: [', '', 'rosbag2_bagfile_information: {version: 99}'])
def test_broken_metadata_does_not_matter(tmp_path, text):
    bag = bags.write_bag(tmp_path / 'bag', walk())
    (bag / 'metadata.yaml').write_text(text)
    lines = []
    check_walk(read(bag, lines))
    assert len(lines) == 1
    assert 'reading its storage files directly' in lines[0]
    if text == 'a: [':
        assert 'metadata.yaml, line 1: this is not YAML' in lines[0]
        assert '<unicode string>' not in lines[0]


def test_metadata_that_counts_no_message_does_not_matter(tmp_path):
    bag = bags.write_bag(tmp_path / 'bag', walk())
    empty = bags.write_bag(tmp_path / 'empty', [])
    text = (empty / 'metadata.yaml').read_text().replace('empty.db3', 'bag.db3')
    (bag / 'metadata.yaml').write_text(text)
    check_walk(read(bag, []))


def test_messages_still_in_the_write_ahead_log_are_read(tmp_path):
    """A killed recorder leaves its last messages, here all of them, in the log of SQLite."""
    bag = bags.write_bag(tmp_path / 'bag', walk())
    (bag / 'metadata.yaml').unlink()
    killed = tmp_path / 'killed'
    killed.mkdir()
    source = sqlite3.connect(bag / 'bag.db3')
    live = sqlite3.connect(tmp_path / 'live.db3')
    live.execute('PRAGMA journal_mode=WAL')
    live.execute('PRAGMA wal_autocheckpoint=0')
    source.backup(live)
    live.commit()
    for suffix in ('', '-wal'):
        shutil.copy(tmp_path / f'live.db3{suffix}', killed / f'killed_0.db3{suffix}')
    live.close()
    source.close()
    before = {file.name: file.read_bytes() for file in killed.iterdir()}
    assert len(before['killed_0.db3-wal']) > len(before['killed_0.db3'])
    lines = []
    check_walk(read(killed, lines))
    assert {file.name: file.read_bytes() for file in killed.iterdir()} == before


def wide_walk(frames):
    """Return images so large that an MCAP file holds several chunks."""
    rng = np.random.default_rng(0)
    for step in range(frames):
        now = START + step * STEP
        pixels = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
        yield '/image', now, bags.image(now, pixels, 'rgb8')
        yield '/pose', now, bags.pose(now, float(step))


@pytest.mark.parametrize('compressed', ['', 'storage'])
def test_an_mcap_file_that_breaks_off_is_read_up_to_there(tmp_path, compressed):
    bag = bags.write_bag(tmp_path / 'bag', wide_walk(30), plugin='mcap', compressed=compressed)
    storage = storage_of(bag)
    data = storage.read_bytes()
    storage.write_bytes(data[: int(len(data) * 0.7)])
    lines = []
    frames = read(bag, lines)
    assert 12 <= len(frames) <= 21
    assert [frame.map_from_camera[0, 3] for frame in frames] == list(range(len(frames)))
    assert ['is incomplete; ' in line for line in lines] == [True, False]
    assert 'of its messages can be read' in lines[0]


@pytest.mark.parametrize('compressed', ['', 'storage'])
@pytest.mark.parametrize('end', [b'\0', b'\xff'])
def test_an_mcap_file_with_a_spoilt_end_is_read_up_to_there(tmp_path, compressed, end):
    """As a power cut leaves it: the file has its length, but its end was not written yet."""
    bag = bags.write_bag(tmp_path / 'bag', wide_walk(30), plugin='mcap', compressed=compressed)
    storage = storage_of(bag)
    data = storage.read_bytes()
    whole = int(len(data) * 0.7)
    storage.write_bytes(data[:whole] + end * (len(data) - whole))
    poses = [frame.map_from_camera for frame in read(bag, [])]
    places = [pose[0, 3] for pose in poses if pose is not None]  # the last may be cut off
    assert 12 <= len(places) <= 21
    assert places == list(range(len(places)))


def test_a_cut_mcap_file_may_have_several_channels_of_a_topic(tmp_path):
    """As of two publishers of a topic, or of files that were merged."""
    kind = 'sensor_msgs/msg/Image'
    data = mcap.MAGIC + mcap.record(mcap.HEADER, mcap.text('ros2') + mcap.text(''))
    data += mcap.record(mcap.SCHEMA, mcap.schema_content(1, kind, ''))
    for channel in (1, 2):
        data += mcap.record(mcap.CHANNEL, mcap.channel_content(channel, 1, '/image', {}))
    for step in range(6):
        now = START + step * STEP
        head = mcap.MESSAGE_HEAD.pack(1 + step % 2, 0, now, now)
        image = bags.image(now, np.full((4, 6, 3), step, np.uint8), 'rgb8')
        data += mcap.record(mcap.MESSAGE, head + bytes(bags.STORE.serialize_cdr(image, kind)))
    (tmp_path / 'cut.mcap').write_bytes(data)
    lines = []
    frames = read(tmp_path / 'cut.mcap', lines)
    assert 'cut.mcap is incomplete; 6 of its messages can be read' in lines[0]
    assert [frame.rgb_HW3[0, 0, 0] for frame in frames] == list(range(6))


def test_of_a_topic_with_two_types_in_a_cut_mcap_file_one_is_read(tmp_path):
    kinds = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CameraInfo')
    data = mcap.MAGIC + mcap.record(mcap.HEADER, mcap.text('ros2') + mcap.text(''))
    for channel, kind in enumerate(kinds):
        data += mcap.record(mcap.SCHEMA, mcap.schema_content(channel + 1, kind, ''))
        content = mcap.channel_content(channel, channel + 1, '/image', {})
        data += mcap.record(mcap.CHANNEL, content)
    for step in range(6):
        now, channel = START + step * STEP, int(step == 2)
        image = bags.image(now, np.full((4, 6, 3), step, np.uint8), 'rgb8')
        message = (image, bags.camera_info(now, 6, 4, (5.0, 5.0, 2.0, 1.0)))[channel]
        head = mcap.MESSAGE_HEAD.pack(channel, 0, now, now)
        content = bytes(bags.STORE.serialize_cdr(message, kinds[channel]))
        data += mcap.record(mcap.MESSAGE, head + content)
    (tmp_path / 'cut.mcap').write_bytes(data)
    lines = []
    frames = read(tmp_path / 'cut.mcap', lines)
    assert [frame.rgb_HW3[0, 0, 0] for frame in frames] == [0, 1, 3, 4, 5]
    assert f'/image has messages of two types: {kinds[0]} is read, {kinds[1]} is not' in lines


@pytest.mark.parametrize('compression', ['zstd', 'lz4'])
def test_a_damaged_chunk_raises_what_is_caught(compression):
    records = np.random.default_rng(0).integers(0, 4, 5000, np.uint8).tobytes()
    data = bytearray(deflated(records, compression))
    data[len(data) // 2 :] = bytes(len(data) - len(data) // 2)
    name = compression.encode()
    head = CHUNK_HEAD.pack(0, 1, len(records), 0) + len(name).to_bytes(4, 'little') + name
    with pytest.raises(DAMAGED_CHUNK) as caught:
        inflated(head + len(data).to_bytes(8, 'little') + bytes(data))
    assert isinstance(caught.value, BROKEN)


@pytest.mark.parametrize('plugin', PLUGINS)
@pytest.mark.parametrize('share', [0.0, 0.02, 0.3, 0.7, 0.98])
def test_truncated_bags_give_frames_or_one_clear_error(tmp_path, plugin, share):
    bag = bags.write_bag(tmp_path / 'bag', walk(), plugin=plugin)
    storage = storage_of(bag)
    data = storage.read_bytes()
    storage.write_bytes(data[: int(len(data) * share)])
    frames, error = outcome(bag)
    if error:
        assert 'bag' in error
        assert '\n' not in error
    else:
        assert share >= 0.3
        assert len(frames) <= 5


@pytest.mark.parametrize('plugin', PLUGINS)
def test_damaged_bags_give_frames_or_one_clear_error(tmp_path, plugin):
    bag = bags.write_bag(tmp_path / 'bag', walk(2), plugin=plugin)
    storage = storage_of(bag)
    data = np.frombuffer(storage.read_bytes(), dtype=np.uint8)
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(12):
        damaged = data.copy()
        damaged[rng.integers(0, len(data), 200)] = rng.integers(0, 256, 200)
        storage.write_bytes(damaged.tobytes())
        frames, error = outcome(bag)
        failed += bool(error) or any(isinstance(frame, LostFrame) for frame in frames)
        assert '\n' not in error
    assert failed


@pytest.mark.parametrize(
    ('word', 'told'),
    [
        (b'uint8 is_bigendian', 'sensor_msgs/msg/Image lacks is_bigendian'),
        (b'string frame_id', 'std_msgs/msg/Header lacks frame_id'),
        (b'float64 w', 'geometry_msgs/msg/Quaternion lacks w'),
    ],
)
def test_a_damaged_definition_of_a_message_is_named(tmp_path, word, told):
    bag = bags.write_bag(tmp_path / 'bag', walk(), plugin='mcap')
    content = storage_of(bag).read_bytes()
    assert word in content
    storage_of(bag).write_bytes(content.replace(word, word[:-1] + b'q'))
    lines = []
    try:
        frames = read(bag, lines)
    except SourceError as error:
        lines.append(str(error))
    else:
        assert all(frame.depth_m_HW is not None for frame in frames)
        assert all(frame.map_from_camera is None for frame in frames)
    assert any(f'{told}, so such messages cannot be read; copy it' in line for line in lines)


@pytest.mark.parametrize('compressed', ['', 'message'])
def test_a_value_of_another_type_in_a_database_does_no_harm(tmp_path, compressed):
    bag = bags.write_bag(tmp_path / 'bag', walk(), compressed=compressed)
    with sqlite3.connect(storage_of(bag)) as database:
        database.execute('UPDATE messages SET data = 7 WHERE id = 9')
    frames, reason = outcome(bag)
    assert reason == ''
    assert [isinstance(frame, LostFrame) for frame in frames].count(False) >= 2


def test_a_bag_that_breaks_off_in_the_middle_gives_what_came_before(tmp_path):
    """A damaged chunk deep in the file is detected only when its messages are read."""
    bag = bags.write_bag(tmp_path / 'bag', wide_walk(30), plugin='mcap', compressed='storage')
    storage = storage_of(bag)
    data = bytearray(storage.read_bytes())
    assert len(read(bag)) == 30
    chunk = data.index(ZSTD_START, len(data) // 2)
    data[chunk : chunk + len(ZSTD_START)] = bytes(len(ZSTD_START))
    storage.write_bytes(bytes(data))
    frames = read(bag, [])
    assert 1 < len(frames) < 30
    assert isinstance(frames[-1], LostFrame)
    assert frames[-1].reason == 'recording breaks off'
    assert 'cannot be read: ' in frames[-1].detail


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(SourceError, match=r'no bag .*none'):
        RosbagSource(tmp_path / 'none')
    (tmp_path / 'x.mcap').write_text('no bag')
    with pytest.raises(SourceError, match=r'x\.mcap'):
        RosbagSource(tmp_path / 'x.mcap')
    (tmp_path / 'x.db3').write_text('no bag')
    with pytest.raises(SourceError, match=r'x\.db3'):
        RosbagSource(tmp_path / 'x.db3')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder' / 'metadata.yaml').write_text('a: [')
    with pytest.raises(SourceError, match='folder'):
        RosbagSource(tmp_path / 'folder')
