# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json
import os
import time

from depth_refiner_ros.backends.engine_cache import (
    default_folder,
    EngineCache,
    MANIFEST,
    UNUSED_DAYS,
)
from depth_refiner_ros.core.errors import BackendError
import pytest

FACTS = {'model': 'abc', 'shapes': ((1, 3, 8, 8),), 'version': '10.3'}


class Build:
    def __init__(self, content=b'engine'):
        self.calls, self.content = 0, content

    def __call__(self, folder):
        self.calls += 1
        (folder / 'a.engine').write_bytes(self.content)


@pytest.fixture
def told():
    return []


@pytest.fixture
def cache(tmp_path, told):
    return EngineCache(tmp_path / 'cache', told.append)


def test_an_entry_is_built_once(cache, told):
    build = Build()
    first, second = cache.entry('unet', FACTS, build), cache.entry('unet', FACTS, build)
    assert first == second
    assert (first / 'a.engine').read_bytes() == b'engine'
    assert (build.calls, cache.rebuilt, told) == (1, 0, [])


@pytest.mark.parametrize(
    'change',
    [{'model': 'abd'}, {'shapes': ((1, 3, 8, 16),)}, {'version': '10.14'}, {'gpu': 'Orin'}],
)
def test_any_other_fact_is_another_entry(cache, change):
    build = Build()
    assert cache.entry('unet', FACTS, build) != cache.entry('unet', {**FACTS, **change}, build)
    assert build.calls == 2


def break_file(place):
    (place / 'a.engine').write_bytes(b'engin')


def lose_file(place):
    (place / 'a.engine').unlink()


def break_manifest(place):
    (place / 'entry.json').write_text('{"facts"')


def swap_facts(place):
    manifest = json.loads((place / 'entry.json').read_text())
    manifest['facts']['version'] = '9.9'
    (place / 'entry.json').write_text(json.dumps(manifest))


def odd_manifest(place):
    (place / 'entry.json').write_text('[]')


@pytest.mark.parametrize(
    ('harm', 'reason'),
    [
        (break_file, 'differs from its hash'),
        (lose_file, 'incomplete'),
        (break_manifest, 'incomplete'),
        (swap_facts, 'built for something else'),
        (odd_manifest, 'incomplete'),
    ],
)
def test_what_does_not_match_is_built_again_and_said(cache, told, harm, reason):
    build = Build()
    harm(cache.entry('unet', FACTS, build))
    again = cache.entry('unet', FACTS, build)
    assert (again / 'a.engine').read_bytes() == b'engine'
    assert (build.calls, cache.rebuilt) == (2, 1)
    assert len(told) == 1
    assert reason in told[0]


def test_a_failed_build_leaves_nothing(cache):
    def fail(folder):
        (folder / 'half').write_bytes(b'x')
        raise BackendError('no')

    with pytest.raises(BackendError, match=r'^no$'):
        cache.entry('unet', FACTS, fail)
    assert list(cache.folder.iterdir()) == []
    assert cache.entry('unet', FACTS, Build()).is_dir()


def test_who_builds_at_the_same_time_shares(cache):
    def slow(folder):
        (folder / 'a.engine').write_bytes(b'mine')
        EngineCache(cache.folder).entry('unet', FACTS, Build(b'theirs'))

    place = cache.entry('unet', FACTS, slow)
    assert (place / 'a.engine').read_bytes() == b'theirs'


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(BackendError, match=r'engine cache: cannot make the folder .*engine_cache'):
        EngineCache(tmp_path / 'file' / 'cache').entry('unet', FACTS, Build())


def test_loose_files_are_replaced_whole(cache):
    cache.entry('unet', FACTS, Build())
    assert cache.read('timings') == b''
    cache.write('timings', b'1')
    cache.write('timings', b'22')
    assert cache.read('timings') == b'22'
    assert sum(path.is_file() for path in cache.folder.iterdir()) == 1


def aged(place, days):
    then_s = time.time() - days * 86400
    os.utime(place / MANIFEST, (then_s, then_s))


def test_what_nobody_used_for_long_is_removed_when_something_is_built(cache, told):
    facts = [{**FACTS, 'number': number} for number in range(4)]
    old, used, recent = (cache.entry('unet', one, Build()) for one in facts[:3])
    aged(old, UNUSED_DAYS + 1)
    aged(used, UNUSED_DAYS + 1)
    aged(recent, UNUSED_DAYS - 1)
    (cache.folder / 'of-somebody-else').mkdir()
    cache.write('timings', b'1')
    lines = []
    later = EngineCache(cache.folder, lines.append)
    assert later.entry('unet', facts[1], Build()) == used
    assert old.exists(), 'a start that builds nothing removes nothing'
    new = later.entry('unet', facts[3], Build())
    left = {path.name for path in cache.folder.iterdir()}
    assert left == {used.name, recent.name, new.name, 'of-somebody-else', 'timings'}
    assert lines == [f'{old} is removed: unused for {UNUSED_DAYS} days']


def test_the_default_is_the_cache_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert default_folder() == tmp_path / 'depth_refiner_ros'
    assert EngineCache().folder == default_folder()
