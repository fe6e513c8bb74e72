from contextlib import contextmanager
import os
import resource

from depth_refiner_ros.core.atomic import make_folder, write_atomic
from depth_refiner_ros.core.errors import MappingError
import pytest


@contextmanager
def full_disk(after_bytes: int):
    """Let every file end at some size, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_writes_all_chunks_and_leaves_nothing_else(tmp_path):
    write_atomic(tmp_path / 'a' / 'b.bin', [b'one', b'two'])
    assert (tmp_path / 'a' / 'b.bin').read_bytes() == b'onetwo'
    assert os.listdir(tmp_path / 'a') == ['b.bin']


def test_full_disk_keeps_the_old_file(tmp_path):
    target = tmp_path / 'mesh.ply'
    target.write_bytes(b'old')
    with full_disk(1000), pytest.raises(MappingError, match=r'mesh\.ply.*free some space'):
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
    with pytest.raises(MappingError, match=r'folder .*file'):
        write_atomic(tmp_path / 'file' / 'x', [b''])
    with pytest.raises(MappingError, match='choose another place'):
        make_folder(tmp_path / 'file')


def test_a_folder_in_place_of_the_file_is_named(tmp_path):
    (tmp_path / 'x').mkdir()
    with pytest.raises(MappingError, match=r'cannot write .*x'):
        write_atomic(tmp_path / 'x', [b''])
    assert os.listdir(tmp_path) == ['x']
