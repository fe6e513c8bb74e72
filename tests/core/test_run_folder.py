# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder holds the files of one run."""

from contextlib import suppress
from pathlib import Path

from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.run_folder import LIST, run_folder
import pytest


def write(folder: Path, *names: str, text: str = 'new') -> None:
    with run_folder(folder, ['usual.txt']) as out:
        for name in names:
            out.file(name).write_text(text)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob('*') if path.name != LIST}


def test_a_run_replaces_all_that_the_run_before_it_wrote_and_nothing_else(tmp_path):
    folder = tmp_path / 'out'
    write(folder, 'a/1.png', 'a/2.png', 'b/1.png', 'report.html')
    (folder / 'b' / 'own.txt').write_text("the user's")
    (folder / 'usual.txt').write_text('of a version without a list')
    write(folder, 'a/1.png')
    assert files(folder) == {'a', 'a/1.png', 'b', 'b/own.txt'}


def test_a_run_that_is_interrupted_leaves_its_own_files_alone(tmp_path):
    write(tmp_path, 'mesh.ply', 'report.html', text='old')
    with suppress(KeyboardInterrupt), run_folder(tmp_path) as out:
        out.file('mesh.ply').write_text('half of the new run')
        raise KeyboardInterrupt
    assert files(tmp_path) == {'mesh.ply'}


def test_a_run_that_fails_before_it_writes_leaves_the_older_result(tmp_path):
    write(tmp_path, 'mesh.ply', 'report.html', text='old')
    with suppress(KeyboardInterrupt), run_folder(tmp_path):
        raise KeyboardInterrupt
    assert files(tmp_path) == {'mesh.ply', 'report.html'}


def test_a_folder_that_nothing_was_written_to_is_removed(tmp_path):
    with run_folder(tmp_path / 'out') as out:
        out.file('sub/never.txt')
    assert list(tmp_path.iterdir()) == []


def test_only_files_in_the_folder_are_removed(tmp_path):
    (tmp_path / 'kept.txt').write_text('elsewhere')
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'elsewhere' / 'kept.txt').write_text('elsewhere')
    folder = tmp_path / 'out'
    write(folder, 'one.txt')
    (folder / 'link').symlink_to(tmp_path / 'elsewhere')
    lines = f'../kept.txt\nlink/kept.txt\n{tmp_path}/kept.txt\none.txt\n\n'
    (folder / LIST).write_text(lines)
    write(folder, 'two.txt')
    assert (tmp_path / 'kept.txt').exists()
    assert (tmp_path / 'elsewhere' / 'kept.txt').exists()
    assert not (folder / 'one.txt').exists()


def test_a_file_in_place_of_a_folder_is_one_line(tmp_path):
    (tmp_path / 'a').write_text('a file')
    with pytest.raises(OutputError, match=r'cannot make the folder .*choose another place'):
        write(tmp_path, 'a/1.png')
