# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json
import os
from pathlib import Path
import random
import subprocess
import sys
import time

from depth_refiner_ros.core import atomic
from depth_refiner_ros.core.atomic import (
    check_writable,
    make_folder,
    staged_file,
    staged_folder,
    write_atomic,
    write_text,
)
from depth_refiner_ros.core.errors import OutputError
import pytest

from tests.full_disk import full_disk
from tests.processes import python


class Stop(BaseException):
    """Not an Exception, like KeyboardInterrupt."""


def write_folder(path, text, files=3):
    with staged_folder(path) as staging:
        for name in range(files):
            (staging / str(name)).write_text(text)


def content(path):
    return {file.name: file.read_text() for file in path.iterdir()}


def test_writes_all_chunks_and_leaves_nothing_else(tmp_path):
    write_atomic(tmp_path / 'a' / 'b.bin', [b'one', b'two'])
    assert (tmp_path / 'a' / 'b.bin').read_bytes() == b'onetwo'
    assert os.listdir(tmp_path / 'a') == ['b.bin']


def test_full_disk_keeps_the_old_file(tmp_path):
    target = tmp_path / 'mesh.ply'
    target.write_bytes(b'old')
    with full_disk(1000), pytest.raises(OutputError, match=r'mesh\.ply.*free some space'):
        write_atomic(target, [b'x' * 600, b'x' * 600])
    assert target.read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['mesh.ply']


def test_an_error_of_the_content_keeps_the_old_file(tmp_path):
    def chunks():
        yield b'new'
        raise ZeroDivisionError

    (tmp_path / 'f').write_bytes(b'old')
    with pytest.raises(ZeroDivisionError):
        write_atomic(tmp_path / 'f', chunks())
    assert (tmp_path / 'f').read_bytes() == b'old'
    assert os.listdir(tmp_path) == ['f']


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    with pytest.raises(OutputError, match=r'folder .*file'):
        write_atomic(tmp_path / 'file' / 'x', [b''])
    with pytest.raises(OutputError, match='choose another place'):
        make_folder(tmp_path / 'file')


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    (tmp_path / 'x').mkdir()
    with pytest.raises(OutputError, match=r'cannot write .*x'):
        write_atomic(tmp_path / 'x', [b''])
    assert os.listdir(tmp_path) == ['x']


def test_an_error_about_a_file_elsewhere_keeps_its_own_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'missing\.png'), staged_file(tmp_path / 'out'):
        Path('/nowhere/missing.png').read_bytes()
    assert os.listdir(tmp_path) == []


def test_a_link_keeps_pointing_where_it_does(tmp_path):
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'disk' / 'real').write_text('old')
    (tmp_path / 'link').symlink_to('disk/real')
    write_text(tmp_path / 'link', 'new')
    assert (tmp_path / 'link').is_symlink()
    assert (tmp_path / 'disk' / 'real').read_text() == 'new'
    assert os.listdir(tmp_path / 'disk') == ['real']


def test_what_cannot_be_replaced_is_written_directly(tmp_path):
    code = (
        'from pathlib import Path\n'
        'from depth_refiner_ros.core.atomic import write_text\n'
        'write_text(Path("/dev/stdout"), "text"); write_text(Path("/dev/null"), "text")'
    )
    piped = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, check=True)
    assert piped.stdout == b'text'
    with open(tmp_path / 'redirected', 'wb') as file:
        subprocess.run([sys.executable, '-c', code], stdout=file, check=True)
    assert (tmp_path / 'redirected').read_text() == 'text'
    assert not os.path.isfile('/dev/null')
    with (
        pytest.raises(OutputError, match='/dev/null is not a regular file'),
        staged_file(Path('/dev/null')),
    ):
        pass


def test_a_folder_appears_and_is_replaced_as_a_whole(tmp_path):
    write_folder(tmp_path / 'new' / 'f', 'old', files=4)
    write_folder(tmp_path / 'new' / 'f', 'new')
    assert content(tmp_path / 'new' / 'f') == {'0': 'new', '1': 'new', '2': 'new'}
    assert os.listdir(tmp_path / 'new') == ['f']


def test_a_folder_that_another_process_made_meanwhile_may_stay(tmp_path):
    with staged_folder(tmp_path / 'f', replace=False) as staging:
        (staging / '0').write_text('mine')
        write_folder(tmp_path / 'f', 'theirs', files=1)
    assert content(tmp_path / 'f') == {'0': 'theirs'}
    assert os.listdir(tmp_path) == ['f']


@pytest.mark.parametrize('error', [Stop, OSError, ZeroDivisionError])
def test_an_interrupted_folder_leaves_the_old_one(tmp_path, error):
    write_folder(tmp_path / 'f', 'old')

    def interrupted():
        with staged_folder(tmp_path / 'f') as staging:
            (staging / '0').write_text('new')
            raise error('broken')

    with pytest.raises(OutputError if error is OSError else error, match='broken'):
        interrupted()
    assert content(tmp_path / 'f') == {'0': 'old', '1': 'old', '2': 'old'}
    assert os.listdir(tmp_path) == ['f']


def test_full_disk_keeps_the_old_folder(tmp_path):
    write_folder(tmp_path / 'f', 'old')
    with full_disk(1000), pytest.raises(OutputError, match=r'cannot write .*f: File too large'):
        write_folder(tmp_path / 'f', 'x' * 2000)
    assert content(tmp_path / 'f') == {'0': 'old', '1': 'old', '2': 'old'}
    assert os.listdir(tmp_path) == ['f']


def test_a_folder_is_never_missing_while_it_is_replaced(tmp_path, monkeypatch):
    for name in ('one', 'two'):
        (tmp_path / name).mkdir()
    if not atomic._swapped(tmp_path / 'one', tmp_path / 'two'):
        pytest.skip('this file system cannot swap two names in one step')
    write_folder(tmp_path / 'f', 'old')

    def renamed(self, target):
        raise AssertionError(f'{self} was renamed: a kill before the next step would lose it')

    monkeypatch.setattr(type(tmp_path), 'rename', renamed)
    write_folder(tmp_path / 'f', 'new')
    assert content(tmp_path / 'f')['0'] == 'new'


def test_without_a_swap_in_one_step_folders_are_renamed(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, '_swapped', lambda *_: False)
    write_folder(tmp_path / 'f', 'old')
    write_folder(tmp_path / 'f', 'new')
    assert content(tmp_path / 'f')['0'] == 'new'
    rename = type(tmp_path).rename

    def fails_for_the_new(self, target):
        if self.name.endswith('.part'):
            raise OSError('no space')
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), 'rename', fails_for_the_new)
        with pytest.raises(OutputError, match='no space'):
            write_folder(tmp_path / 'f', 'newer')
    assert content(tmp_path / 'f')['0'] == 'new'
    assert os.listdir(tmp_path) == ['f']


REWRITER = """
import itertools, sys
from pathlib import Path
from depth_refiner_ros.core.atomic import staged_folder, write_text
folder = Path(sys.argv[1])
for number in itertools.count():
    write_text(folder / 'file', 10000 * str(number % 10))
    with staged_folder(folder / 'folder') as staging:
        for name in range(5):
            (staging / str(name)).write_text(str(number))
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_whole_files_and_folders_and_its_parts_are_swept(tmp_path):
    seed = random.Random(0)
    for _ in range(15):
        with python(REWRITER, tmp_path):
            time.sleep(seed.uniform(0.0, 0.05))
        text = (tmp_path / 'file').read_text()
        assert len(text) == 10000
        assert len(set(text)) == 1
        assert sorted(os.listdir(tmp_path / 'folder')) == ['0', '1', '2', '3', '4']
        assert len(set(content(tmp_path / 'folder').values())) == 1
        # What the one before left was removed when this one began.
        assert len(list(tmp_path.glob('.*'))) <= 1


def test_a_file_name_that_is_not_utf_8_comes_back_from_json(tmp_path):
    name = os.fsdecode(b'caf\xe9')
    write_text(tmp_path / 'names.json', json.dumps(name, ensure_ascii=False))
    assert json.loads((tmp_path / 'names.json').read_text(encoding='utf-8')) == name


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(OutputError, match='is a folder; name a file'):
        check_writable(tmp_path)
    check_writable(tmp_path / 'file')
