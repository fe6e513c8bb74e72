# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""rosbag2's descriptions of a copied bag, of one storage file or several."""

from contextlib import closing, ExitStack
import sqlite3

from depth_refiner_ros.bags.additions import AddedTopic, Additions
from depth_refiner_ros.bags.bag_copy import BagCopy
from depth_refiner_ros.bags.progress import Progress
from depth_refiner_ros.sources.ros import mcap_records as mcap
import pytest
import yaml

from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE, START, STEP_NS

ROOT = 'rosbag2_bagfile_information'
NOTE = AddedTopic(
    name='/c/note', kind='robot_msgs/msg/State', definition='', digest='RIHS01_5', image=IMAGE
)


@pytest.fixture
def copied(tmp_path):
    """Return a function that copies a folder, with a message added to each of some images."""
    with ExitStack() as files:

        def copy(images):
            progress = files.enter_context(closing(Progress(tmp_path / 'progress', {})))
            for index in images:
                progress.add((0, START + index * STEP_NS, 0), {}, [b'0123'])
            additions = Additions([NOTE], [IMAGE], progress)
            BagCopy(tmp_path / 'bag', tmp_path / 'out').write(additions, {})
            return described(tmp_path / 'out')

        yield copy


def described(folder):
    return yaml.safe_load((folder / 'metadata.yaml').read_text())


def embedded(storage):
    """Return the description within a storage file."""
    if storage.suffix == '.db3':
        with closing(sqlite3.connect(storage)) as database:
            return database.execute('SELECT metadata FROM metadata').fetchone()[0]
    with storage.open('rb') as file:
        file.seek(len(mcap.MAGIC))
        for kind, content in mcap.records_from(file):
            if kind == mcap.METADATA and mcap.text_at(content, 0)[0] == 'rosbag2':
                return mcap.texts_at(content, mcap.text_at(content, 0)[1])['serialized_metadata']
    raise AssertionError('none')


@pytest.mark.parametrize('plugin', ['mcap', 'sqlite3'])
def test_what_was_added_is_described_and_the_rest_stays(copied, tmp_path, plugin):
    storage = mixed_bags.write(tmp_path / 'bag', plugin)
    before = described(tmp_path / 'bag')[ROOT]
    after = copied(range(3))[ROOT]
    within = yaml.safe_load(embedded(tmp_path / 'out' / storage.name))
    assert after['message_count'] == before['message_count'] + 3
    assert after['files'][0]['message_count'] == before['files'][0]['message_count'] + 3
    *others, note = after['topics_with_message_count']
    assert others == before['topics_with_message_count']
    like = next(entry for entry in others if entry['topic_metadata']['name'] == IMAGE)
    assert note['message_count'] == 3
    assert note['topic_metadata'] == like['topic_metadata'] | {
        'name': '/c/note',
        'type': NOTE.kind,
        'type_description_hash': NOTE.digest,
    }
    changed = ('message_count', 'files', 'topics_with_message_count')
    assert {name: value for name, value in after.items() if name not in changed} == {
        name: value for name, value in before.items() if name not in changed
    }
    assert within['topics_with_message_count'][-1] == note


def test_each_file_of_a_split_bag_gets_what_belongs_to_its_images(copied, tmp_path):
    mixed_bags.write(tmp_path / 'bag', 'mcap', frames=2)
    later = list(mixed_bags.messages(5))[16:]
    second = mixed_bags.write(tmp_path / 'more', 'mcap', recorded=later)
    second.rename(tmp_path / 'bag' / second.name)
    whole, rest = described(tmp_path / 'bag'), described(tmp_path / 'more')[ROOT]
    info = whole[ROOT]
    for name in ('relative_file_paths', 'files'):
        info[name] += rest[name]
    info['message_count'] += rest['message_count']
    for ours, theirs in zip(info['topics_with_message_count'], rest['topics_with_message_count']):
        ours['message_count'] += theirs['message_count']
    (tmp_path / 'bag' / 'metadata.yaml').write_text(yaml.safe_dump(whole))
    files = copied([1, 2, 4])[ROOT]['files']
    assert [file['message_count'] for file in files] == [16 + 1, 24 + 2]
    _, found = mixed_bags.added(tmp_path / 'out', tmp_path / 'bag')
    assert [ns for _, ns, _ in found] == [START + index * STEP_NS for index in (1, 2, 4)]
