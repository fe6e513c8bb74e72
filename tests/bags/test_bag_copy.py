# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Storage files with messages added, byte for byte."""

from collections import Counter
from contextlib import closing, ExitStack
from pathlib import Path
import shutil
import sqlite3

from depth_refiner_ros.bags.additions import AddedTopic, Additions
from depth_refiner_ros.bags.bag_copy import BagCopy
from depth_refiner_ros.bags.mcap_copy import CHUNK_BYTES
from depth_refiner_ros.bags.progress import Progress
from depth_refiner_ros.core.errors import OutputError, SourceError
from depth_refiner_ros.sources.ros import mcap_records as mcap
import pytest

from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE, START, STEP_NS

ADDED = mixed_bags.state(5, 'added')
PAYLOAD = bytes(mixed_bags.STORE.serialize_cdr(ADDED, ADDED.__msgtype__))
NOTE = AddedTopic(
    name='/c/note',
    kind='std_msgs/msg/Other',
    definition='int32 number\nstring words\n',
    digest='RIHS01_0',
    image=IMAGE,
)
AGAIN = AddedTopic(
    name='/c/again', kind='robot_msgs/msg/State', definition='', digest='RIHS01_1', image=IMAGE
)


@pytest.fixture
def additions(tmp_path):
    """Return a function that makes additions to some images, by their time of recording."""
    with ExitStack() as files:

        def make(times=range(4), payload=PAYLOAD, packed=False):
            path = tmp_path / f'progress{len(list(tmp_path.glob("progress*")))}'
            progress = files.enter_context(closing(Progress(path, {})))
            seen = Counter()
            for index in times:
                log_ns = START + index * STEP_NS
                progress.add((0, log_ns, seen[index]), {}, [payload, payload])
                seen[index] += 1
            return Additions([NOTE, AGAIN], [IMAGE], progress, packed=packed)

        yield make


@pytest.mark.parametrize(
    ('plugin', 'compressed'), [('mcap', ''), ('mcap', 'storage'), ('sqlite3', '')]
)
def test_a_copy_holds_its_bag_and_messages_behind_their_image(
    additions, tmp_path, plugin, compressed
):
    source = mixed_bags.write(tmp_path / 'bag', plugin, compressed=compressed)
    out = tmp_path / f'out{source.suffix}'
    BagCopy(source, out).write(additions([0, 2, 3]), {'about': 'a test'})
    links, found = mixed_bags.added(out, source)
    assert [(topic, ns) for topic, ns, _ in found] == [
        (topic, START + index * STEP_NS)
        for index in (0, 2, 3)
        for topic in ('/c/note', '/c/again')
    ]
    assert {data for _, _, data in found} == {PAYLOAD}
    kind, definition, _, ext, count = links['/c/note']
    assert (kind, definition.data, count) == (NOTE.kind, NOTE.definition, 3)
    assert ext.offered_qos_profiles == [mixed_bags.QOS], 'that of its image'
    assert links['/c/again'][1] == mixed_bags.read(source)[0]['/robot/state'][1], (
        'as defined there'
    )
    _, whole = mixed_bags.read(out)
    names = [topic for topic, _, _ in whole]
    assert names.index('/c/note') > names.index(IMAGE)


@pytest.mark.parametrize('plugin', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('compressed', ['', 'message'])
def test_a_folder_keeps_its_description_and_compression(additions, tmp_path, plugin, compressed):
    mixed_bags.write(tmp_path / 'bag', plugin, compressed=compressed)
    copy = BagCopy(tmp_path / 'bag', tmp_path / 'out')
    assert copy.packed is (compressed == 'message')
    copy.write(additions(packed=copy.packed), {})
    links, found = mixed_bags.added(tmp_path / 'out', tmp_path / 'bag')
    assert len(found) == 8
    assert [link[4] for link in links.values()] == [4, 4]
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == sorted(
        path.name for path in (tmp_path / 'bag').iterdir()
    )


def test_every_record_of_an_mcap_file_is_copied_as_it_is(additions, tmp_path):
    source = mixed_bags.write(tmp_path / 'bag', 'mcap', compressed='storage', frames=8)
    out = tmp_path / 'out.mcap'
    BagCopy(source, out).write(additions(range(8), payload=bytes(CHUNK_BYTES)), {})
    kinds = (mcap.HEADER, mcap.SCHEMA, mcap.CHANNEL, mcap.CHUNK, mcap.MESSAGE_INDEX)
    records = {path: _data_records(path) for path in (source, out)}
    for kind in kinds:
        kept = iter([content for k, content in records[out] if k == kind])
        assert all(content in kept for k, content in records[source] if k == kind), kind
    chunks = [content for kind, content in records[out] if kind == mcap.CHUNK]
    assert len(chunks) == 8 + sum(kind == mcap.CHUNK for kind, _ in records[source])
    assert {mcap.text_at(chunk, mcap.CHUNK_HEAD.size)[0] for chunk in chunks} == {'zstd'}


def _data_records(path):
    with path.open('rb') as file:
        file.seek(len(mcap.MAGIC))
        found = []
        for kind, content in mcap.records_from(file, whole=True):
            if kind == mcap.DATA_END:
                return found
            found.append((kind, content))
    raise AssertionError('no end')


def _places(path):
    """Return the starts of the records of a file, with their kinds."""
    start, found = len(mcap.MAGIC), []
    for kind, content in _data_records(path):
        found.append((start, kind))
        start += mcap.RECORD_HEAD.size + len(content)
    return found


def _with(source, place, data):
    """Return a copy of a file with bytes replaced."""
    whole = bytearray(source.read_bytes())
    whole[place : place + len(data)] = data
    spoilt = source.with_name('spoilt.mcap')
    spoilt.write_bytes(whole)
    return spoilt


@pytest.mark.parametrize(
    ('offset', 'data', 'told'),
    [
        (5, b'\x40', 'there is no record at byte {place}'),
        (0, bytes(16), 'there is no record at byte {place}'),
        (1, b'\1', 'there is no record at byte '),
    ],
    ids=['too long', 'zeros', 'too short'],
)
@pytest.mark.parametrize('chunks', [True, False])
def test_a_file_with_a_damaged_record_is_refused(additions, tmp_path, chunks, offset, data, told):
    source = mixed_bags.write(tmp_path / 'bag', 'mcap', frames=8)
    if not chunks:
        source = _without_chunks(source, tmp_path / 'bare.mcap')
    kind = mcap.CHUNK if chunks else mcap.MESSAGE
    place = [place for place, found in _places(source) if found == kind][-1]
    spoilt = _with(source, place + offset, data)
    out = tmp_path / 'out.mcap'
    with pytest.raises(SourceError) as caught:
        BagCopy(spoilt, out).write(additions(range(8)), {})
    assert told.format(place=place) in str(caught.value)
    assert 'try: mcap recover' in str(caught.value)
    assert not out.exists()


def test_messages_that_are_counted_and_not_found_are_told(additions, tmp_path):
    """Here the kind of a chunk is damaged; records of other kinds are copied as they are."""
    source = mixed_bags.write(tmp_path / 'bag', 'mcap', frames=8)
    chunk = next(place for place, kind in _places(source) if kind == mcap.CHUNK)
    spoilt = _with(source, chunk, b'\x86')
    with pytest.raises(SourceError, match=r'spoilt\.mcap cannot be read: \d+ of its 64 messages'):
        BagCopy(spoilt, tmp_path / 'out.mcap').write(additions(range(8)), {})


def test_a_record_of_any_length_is_copied(additions, tmp_path, monkeypatch):
    bare = _without_chunks(mixed_bags.write(tmp_path / 'bag', 'mcap'), tmp_path / 'bare.mcap')
    content = bytes(16) + mcap.text('map.bin') + mcap.text('') + bytes(8 + 5000 + 4)
    attachment = mcap.record(mcap.ATTACHMENT, content)
    (place, _), *_ = [found for found in _places(bare) if found[1] == mcap.MESSAGE]
    whole = bare.read_bytes()
    bare.write_bytes(whole[:place] + attachment + whole[place:])
    monkeypatch.setattr(mcap, 'LONGEST', 4000)
    BagCopy(bare, tmp_path / 'out.mcap').write(additions(), {})
    assert (mcap.ATTACHMENT, content) in _data_records(tmp_path / 'out.mcap')
    assert len(mixed_bags.added(tmp_path / 'out.mcap', bare)[1]) == 8


def test_an_mcap_file_without_chunks_stays_in_order_of_time(additions, tmp_path):
    source = _without_chunks(mixed_bags.write(tmp_path / 'bag', 'mcap'), tmp_path / 'bare.mcap')
    out = tmp_path / 'out.mcap'
    BagCopy(source, out).write(additions(), {})
    _, found = mixed_bags.added(out, source)
    assert len(found) == 8
    assert mcap.CHUNK not in {kind for kind, _ in _data_records(out)}


def _without_chunks(source, target):
    """Write the records of a file with its chunks unpacked, and without an index."""
    with target.open('wb') as file:
        file.write(mcap.MAGIC)
        for kind, content in _data_records(source):
            if kind == mcap.CHUNK:
                file.write(mcap.inflated(content))
            elif kind != mcap.MESSAGE_INDEX:
                file.write(mcap.record(kind, content))
        file.write(mcap.record(mcap.DATA_END, bytes(4)))
        file.write(mcap.record(mcap.FOOTER, bytes(20)) + mcap.MAGIC)
    return target


def test_images_of_one_time_keep_their_own_messages(additions, tmp_path):
    twice = list(mixed_bags.messages(1)) * 2
    source = mixed_bags.write(tmp_path / 'bag', 'sqlite3', recorded=twice)
    BagCopy(source, tmp_path / 'out.db3').write(additions([0, 0]), {})
    assert len(mixed_bags.added(tmp_path / 'out.db3', source)[1]) == 4


@pytest.mark.parametrize('plugin', ['mcap', 'sqlite3'])
def test_a_bag_that_changed_is_refused_and_nothing_written(additions, tmp_path, plugin):
    source = mixed_bags.write(tmp_path / 'bag', plugin, frames=2)
    out = tmp_path / f'out{source.suffix}'
    with pytest.raises(SourceError, match='2 of its images were not found again'):
        BagCopy(source, out).write(additions(), {})
    assert not out.exists()


def test_messages_in_the_log_of_a_killed_recorder_are_copied(additions, tmp_path):
    source = mixed_bags.write(tmp_path / 'bag', 'sqlite3')
    whole = mixed_bags.read(source)
    writing = sqlite3.connect(source)
    writing.execute('PRAGMA journal_mode=WAL')
    rows = writing.execute('SELECT * FROM messages').fetchall()
    writing.execute('DELETE FROM messages')
    writing.commit()
    writing.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    writing.executemany('INSERT INTO messages VALUES(?, ?, ?, ?)', rows)
    writing.commit()
    killed = tmp_path / 'killed.db3'
    for suffix in ('', '-wal'):
        shutil.copyfile(f'{source}{suffix}', f'{killed}{suffix}')
    writing.close()
    BagCopy(killed, tmp_path / 'out.db3').write(additions(), {})
    links, found = mixed_bags.read(tmp_path / 'out.db3')
    assert [message for message in found if message[0] in whole[0]] == whole[1]
    assert len(links) == len(whole[0]) + 2
    assert not list(tmp_path.glob('*.part*')) + list(tmp_path.glob('.depth*')), 'nothing is left'


def test_places_and_bags_that_are_refused(additions, tmp_path, subtests):
    source = mixed_bags.write(tmp_path / 'bag', 'mcap')
    mixed_bags.write(tmp_path / 'db', 'sqlite3')
    (tmp_path / 'notes.mcap').write_text('precious')
    (tmp_path / 'album').mkdir()
    (tmp_path / 'album' / 'a.jpg').write_text('precious')
    cut = tmp_path / 'cut.mcap'
    cut.write_bytes(source.read_bytes()[:-100])
    split = tmp_path / 'split'
    shutil.copytree(tmp_path / 'bag', split)
    shutil.copyfile(source, split / 'second.mcap')
    bare = tmp_path / 'bare'
    bare.mkdir()
    shutil.copyfile(source, bare / 'a.mcap')
    packed = tmp_path / 'packed'
    mixed_bags.write(packed, 'mcap', compressed='message')
    cases = [
        (source, source, OutputError, 'would lie in the bag'),
        (tmp_path / 'bag', tmp_path / 'bag' / 'out', OutputError, 'would lie in the bag'),
        (tmp_path / 'bag', tmp_path / 'bag', OutputError, 'would lie in the bag'),
        (tmp_path / 'bag', tmp_path, OutputError, 'would lie in the bag'),
        (source, tmp_path / 'notes.mcap', OutputError, 'is no copy that was made here'),
        (tmp_path / 'bag', tmp_path / 'album', OutputError, 'is no copy that was made here'),
        (source, tmp_path / 'album.mcap' / '..' / 'album', OutputError, 'is one file'),
        (source, tmp_path / 'out.db3', OutputError, 'is stored as .mcap'),
        (source, tmp_path / 'out', OutputError, 'is one file'),
        (split, tmp_path / 'out.mcap', OutputError, 'has 2 storage files'),
        (bare, tmp_path / 'out', SourceError, 'has no metadata.yaml'),
        (packed, tmp_path / 'out.mcap', OutputError, 'are compressed'),
        (cut, tmp_path / 'out.mcap', SourceError, 'mcap recover'),
        (source, cut, OutputError, 'is no copy that was made here'),
    ]
    for bag, out, kind, words in cases:
        with subtests.test(bag=bag.name, out=out.name), pytest.raises(kind, match=words):
            BagCopy(bag, out)
    assert (tmp_path / 'notes.mcap').read_text() == 'precious'


@pytest.mark.parametrize('plugin', ['mcap', 'sqlite3'])
def test_a_copy_is_replaced_by_a_new_one(additions, tmp_path, plugin):
    source = mixed_bags.write(tmp_path / 'bag', plugin)
    out = tmp_path / f'out{source.suffix}'
    BagCopy(source, out).write(additions([0]), {})
    BagCopy(source, out).write(additions([0, 1]), {})
    assert len(mixed_bags.added(out, source)[1]) == 4
    for _ in range(2):
        BagCopy(tmp_path / 'bag', tmp_path / 'folder').write(additions(), {})
    assert len(mixed_bags.added(Path(tmp_path / 'folder'), tmp_path / 'bag')[1]) == 8
