# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where results may not go: among the files of a source."""

from pathlib import Path

from depth_refiner_ros.apps.output_place import check_apart
from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.run_folder import run_folder
import pytest


@pytest.fixture
def photos(tmp_path) -> Path:
    (tmp_path / 'photos' / 'rgb').mkdir(parents=True)
    (tmp_path / 'photos' / 'rgb' / 'a.png').touch()
    return tmp_path / 'photos'


def test_the_source_itself_is_refused_however_it_is_written(photos, monkeypatch):
    monkeypatch.chdir(photos)
    for out in (photos, Path('.'), Path('rgb/..')):
        with pytest.raises(OutputError, match=rf'is the source {photos}; choose .*photos/refined'):
            check_apart(out, ['sim:1', str(photos)])


def test_a_folder_of_its_files_is_refused(photos):
    with pytest.raises(OutputError, match='rgb holds files of the source'):
        check_apart(photos / 'rgb', [str(photos)])


def test_an_earlier_run_among_files_of_the_source_does_not_make_them_its_own(photos):
    with run_folder(photos / 'rgb') as earlier:
        earlier.file('x/a.png').write_bytes(b'x')
    with pytest.raises(OutputError, match='rgb holds files of the source'):
        check_apart(photos / 'rgb', [str(photos)])


def test_new_folders_empty_ones_and_those_of_earlier_runs_are_allowed(photos):
    (photos / 'empty').mkdir()
    with run_folder(photos / 'refined') as earlier:
        earlier.file('x/a.png').write_bytes(b'x')
    for name in ('new', 'empty', 'refined', '../elsewhere'):
        check_apart(photos / name, [str(photos), str(photos / 'rgb' / 'a.png')])


def test_a_word_that_is_no_path_holds_nothing(photos):
    check_apart(photos, ['', 'a\0b', 'x' * 5000, 'sim:3'])
