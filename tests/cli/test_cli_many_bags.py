# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine`` of several bags: their copies, a summary, and one that cannot be copied."""

import json

import pytest

from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE
from tests.cli.recordings import PLAIN

FLAGS = (*PLAIN, 'sensor', '--image-topic', IMAGE, '--no-clouds', '--bag', '--out', 'out')


def bags_of(place):
    """Write two bags of one name and a third, and return them."""
    return [
        mixed_bags.write(place / 'one' / 'drive', 'mcap', frames=3),
        mixed_bags.write(place / 'two' / 'drive', 'mcap', frames=2),
        mixed_bags.write(place / 'walk', 'sqlite3', frames=2),
    ]


@pytest.fixture
def bags(tmp_path):
    """Return three bags whose second one is cut short, and the bytes that it had."""
    (tmp_path / 'one').mkdir()
    (tmp_path / 'two').mkdir()
    paths = bags_of(tmp_path)
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[:-100])
    return paths, whole


def test_one_bad_bag_does_not_end_the_others_and_the_next_run_tries_it_alone(
    depth_refiner, tmp_path, bags
):
    paths, whole = bags
    ended = depth_refiner('refine', *paths, *FLAGS, '--json', 'all.json')
    assert ended.returncode == 2, ended.stderr
    head, first, second, third, counts = ended.stdout.splitlines()
    assert head.split() == ['bag', 'depth', 'maps', 'lost']
    copies = [tmp_path / 'out' / path.relative_to(tmp_path) for path in paths]
    shown = [copy.relative_to(tmp_path) for copy in copies]
    assert first.split() == [str(paths[0]), '3', '0', str(shown[0])]
    assert second.split()[:4] == [str(paths[1]), '-', '-', 'failed:']
    assert 'mcap recover' in second
    assert third.split() == [str(paths[2]), '2', '0', str(shown[2])]
    assert counts == '2 of 3 bags copied'
    assert '1 of 3 bags failed' in ended.stderr.splitlines()[-1]
    found = json.loads((tmp_path / 'all.json').read_text())['bags']
    assert [found[str(path)].get('frames') for path in paths] == [3, None, 2]
    assert 'mcap recover' in found[str(paths[1])]['error']
    for path, copy in zip(paths[::2], copies[::2]):
        assert len(mixed_bags.added(copy, path)[0]) == 2
    assert not copies[1].exists()

    paths[1].write_bytes(whole)
    before = [copy.stat().st_mtime_ns for copy in copies[::2]]
    ended = depth_refiner('refine', *paths, *FLAGS)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count(', made before\n') == 2
    assert [copy.stat().st_mtime_ns for copy in copies[::2]] == before
    assert len(mixed_bags.added(copies[1], paths[1])[0]) == 2
    assert ended.stdout.endswith('3 of 3 bags copied\n')


def test_a_copy_is_made_anew_when_what_it_depends_on_changes(depth_refiner, tmp_path):
    source = mixed_bags.write(tmp_path / 'drive', 'sqlite3', frames=2)
    command = ('refine', source, *FLAGS[:-3], '--out', 'out.db3')
    for flags, again in (((), False), ((), True), (('--max-range-m', '1'), False)):
        ended = depth_refiner(*command, *flags)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.startswith('2 depth maps in ')
        assert ('is there already' in ended.stderr) is again
    source.touch()
    assert 'is there already' not in depth_refiner(*command, *flags).stderr


def test_mistakes_about_several_bags_take_one_line(depth_refiner, tmp_path, bags, subtests):
    (first, *_), _ = bags
    cases = [
        ((first, 'walk', '--out', 'out.mcap'), 'the copies of 2 bags go into a folder'),
        ((first, 'one/../one/drive/drive.mcap', '--bag'), 'is there twice'),
        ((first, 'nowhere.mcap', '--bag'), 'does not exist'),
    ]
    for arguments, words in cases:
        with subtests.test(words=words):
            ended = depth_refiner('refine', *arguments)
            assert ended.returncode == 2
            assert words in ended.stderr.splitlines()[-1]
            assert ended.stdout == ''
