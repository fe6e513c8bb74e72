# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pickle

from depth_refiner_ros.core.errors import OutputError, WeightsError
from depth_refiner_ros.models import bundle as module
from depth_refiner_ros.models.bundle import MANIFEST, open_bundle, write_bundle
import pytest
import torch

from tests.full_disk import full_disk

WEIGHTS = 'net/weights.safetensors'


def write(path, value=1.0, kind='prior'):
    state = {'a': torch.full((2, 3), value), 'b': torch.arange(4)}
    return write_bundle(
        path,
        kind=kind,
        name='tiny',
        licence='MIT',
        manifest={'method': 'test'},
        tensors={WEIGHTS: state},
        configs={'net/config.json': {'size': 3}},
    )


@pytest.fixture
def path(tmp_path):
    write(tmp_path / 'tiny')
    return tmp_path / 'tiny'


def refused(path, message, kind='prior'):
    with pytest.raises(WeightsError, match=message) as caught:
        open_bundle(path, kind)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def edit_manifest(path, **changes):
    tree = json.loads((path / MANIFEST).read_text())
    tree.update(changes)
    (path / MANIFEST).write_text(
        json.dumps({key: value for key, value in tree.items() if value is not None})
    )


def test_what_is_written_is_read(path):
    bundle = open_bundle(path, 'prior')
    state = bundle.tensors(WEIGHTS)
    assert torch.equal(state['a'], torch.ones(2, 3))
    assert torch.equal(state['b'], torch.arange(4))
    assert bundle.json('net/config.json') == {'size': 3}
    assert bundle.manifest['method'] == 'test'
    assert bundle.size_bytes == sum(
        (path / name).stat().st_size for name in (WEIGHTS, 'net/config.json')
    )
    assert bundle.describe() == f'prior tiny: MIT, 0.0 MB, {path}'


@pytest.mark.parametrize('umask', [0o022, 0o002, 0o077])
def test_others_may_read_a_bundle_where_they_may_read_files(tmp_path, umask):
    before = os.umask(umask)
    try:
        write(tmp_path / 'b')
    finally:
        os.umask(before)
    files = [file for file in (tmp_path / 'b').rglob('*') if file.is_file()]
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {oct(0o666 & ~umask)}


def test_documents_may_lie_beside(path):
    (path / 'README.md').write_text('# Card')
    open_bundle(path, 'prior')


def test_texts_are_part_of_the_bundle(tmp_path):
    texts = {'LICENSE.other': 'Copyright (c) 2020\n'}
    content = {'kind': 'prior', 'name': 'tiny', 'licence': 'MIT', 'manifest': {}}
    write_bundle(tmp_path / 'b', **content, tensors={}, configs={}, texts=texts)
    assert (tmp_path / 'b/LICENSE.other').read_text() == 'Copyright (c) 2020\n'
    (tmp_path / 'b/LICENSE.other').unlink()
    with pytest.raises(WeightsError, match=r'LICENSE\.other is missing'):
        open_bundle(tmp_path / 'b', 'prior')


def test_truncated_weights(path):
    file = path / WEIGHTS
    file.write_bytes(file.read_bytes()[:-1])
    refused(path, r'weights\.safetensors differs from its sha256')


def test_one_changed_bit(path):
    file = path / WEIGHTS
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    refused(path, r'weights\.safetensors differs from its sha256')


def test_changed_configuration(path):
    (path / 'net/config.json').write_text('{"size": 4}')
    refused(path, r'config\.json differs from its sha256')


def test_missing_file(path):
    (path / WEIGHTS).unlink()
    refused(path, r'weights\.safetensors is missing')


@pytest.mark.parametrize('name', ['model.bin', 'net/extra.pt', 'deep/er/model.CKPT', 'x.pkl'])
def test_a_pickle_is_refused_even_if_listed(path, name):
    file = path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps({'a': 1}))
    hashes = json.loads((path / MANIFEST).read_text())['sha256']
    edit_manifest(path, sha256={**hashes, name: module.sha256(file)})
    refused(path, f'{name} is a pickle')


def test_weights_that_are_not_listed(path):
    (path / 'extra.safetensors').write_bytes((path / WEIGHTS).read_bytes())
    refused(path, r'extra\.safetensors is not listed')


def test_another_kind(path):
    refused(path, "is a 'prior' bundle; a 'refiner' is needed", kind='refiner')


@pytest.mark.parametrize('number', [2, '1', None])
def test_another_format(path, number):
    edit_manifest(path, format=number)
    refused(path, r'bundle\.json: format .* is not 1; a newer bundle needs a newer version')


@pytest.mark.parametrize('name', ['../outside.json', '/etc/hostname', 'net/../../x'])
def test_a_file_outside_the_folder(path, name):
    edit_manifest(path, sha256={name: '0'})
    refused(path, 'outside its folder')


@pytest.mark.parametrize(
    ('key', 'value'), [('name', None), ('licence', 3), ('sha256', None), ('sha256', ['a'])]
)
def test_a_manifest_without_its_keys(path, key, value):
    edit_manifest(path, **{key: value})
    refused(path, f"bundle.json has no usable '{key}'")


def test_a_manifest_that_is_no_object(path, subtests):
    for text in [b'', b'{', b'\xff\xfe', b'[1]', b'[' * 100_000]:
        with subtests.test(text=text[:9]):
            (path / MANIFEST).write_bytes(text)
            refused(path, r'bundle\.json (is not readable JSON|must hold a JSON object)')


def test_no_bundle_at_all(tmp_path):
    refused(tmp_path, r'has no bundle\.json; give a bundle folder, or use bundled or quick')


def test_a_damaged_header_is_told(path):
    (path / WEIGHTS).write_bytes(b'\x00' * 64)
    edit_manifest(path, sha256={WEIGHTS: module.sha256(path / WEIGHTS)})
    bundle = open_bundle(path, 'prior')
    with pytest.raises(WeightsError, match=r'weights\.safetensors is not readable safetensors'):
        bundle.tensors(WEIGHTS)


@pytest.mark.parametrize('value', [float('nan'), float('inf'), -float('inf')])
def test_weights_that_are_not_finite_are_refused_by_tensor(tmp_path, value):
    bundle = write(tmp_path / 'tiny', value)
    with pytest.raises(WeightsError, match=r'weights\.safetensors: a holds NaN or infinite'):
        bundle.tensors(WEIGHTS)


@pytest.mark.parametrize('read', ['tensors', 'json'])
def test_a_part_that_is_not_listed(path, read):
    with pytest.raises(WeightsError, match=r'unet/x is not listed in bundle\.json'):
        getattr(open_bundle(path, 'prior'), read)('unet/x')


def test_writing_again_replaces_the_whole_folder(path):
    (path / 'README.md').write_text('# Of the old one')
    assert float(write(path, 2.0).tensors(WEIGHTS)['a'][0, 0]) == 2.0
    assert not (path / 'README.md').exists()
    assert [item.name for item in path.parent.iterdir()] == ['tiny']


class Stop(BaseException):
    """Not an Exception, like KeyboardInterrupt."""


@pytest.mark.parametrize('stage', ['save_file', 'sha256', 'open_bundle'])
@pytest.mark.parametrize('error', [Stop, OSError])
def test_an_interrupted_write_leaves_the_old_bundle(path, monkeypatch, stage, error):
    def interrupted(*_):
        raise error('disk full')

    with monkeypatch.context() as patch:
        patch.setattr(module, stage, interrupted)
        with pytest.raises((Stop, OutputError), match='disk full'):
            write(path, 2.0)
    assert float(open_bundle(path, 'prior').tensors(WEIGHTS)['a'][0, 0]) == 1.0
    assert [item.name for item in path.parent.iterdir()] == ['tiny']


def test_a_full_disk_is_one_line_and_leaves_the_old_bundle(path):
    with full_disk(100), pytest.raises(OutputError, match=r'cannot write .*tiny: .*free some'):
        write(path, 2.0)
    assert float(open_bundle(path, 'prior').tensors(WEIGHTS)['a'][0, 0]) == 1.0
    assert [item.name for item in path.parent.iterdir()] == ['tiny']


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / 'thesis').mkdir()
    (tmp_path / 'thesis' / 'chapter.tex').write_text('precious')
    with pytest.raises(WeightsError, match='thesis exists and is not a bundle'):
        write(tmp_path / 'thesis')
    assert (tmp_path / 'thesis' / 'chapter.tex').read_text() == 'precious'


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OutputError, match=r'file is no folder'):
        write(tmp_path / 'file' / 'bundle')


def test_quick_names_what_comes_with_the_package_or_says_that_nothing_does():
    assert module.bundle_folder('quick', 'prior') == module.bundle_folder('bundled', 'prior')
    assert module.bundle_folder('quick', 'refiner', 'apdepth').name == 'apdepth_quick'
    assert module.is_bundle('quick')
    with pytest.raises(WeightsError, match='there is no quick sharpdepth; use refiner:=apdepth'):
        module.bundle_folder('quick', 'refiner', 'sharpdepth')
