# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published pickles: named tensors are read, and no code is executed."""

import collections
import pickle

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.pickles import read_pickle
import pytest
import torch


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (self.target.touch, ())


def test_files_that_are_no_pickled_tensors(tmp_path, subtests):
    cases = [
        b'',
        b'\x80',
        b'PK\x03\x04',
        b'{"a": 1}',
        pickle.dumps([1, 2], 2),
        pickle.dumps({'a': 1}, 2),
    ]
    for content in cases:
        with subtests.test(content=content[:9]):
            (tmp_path / 'x.bin').write_bytes(content)
            with pytest.raises(WeightsError, match=r'x\.bin') as caught:
                read_pickle(tmp_path / 'x.bin')
            assert '\n' not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(WeightsError, match=r'missing\.pth is broken'):
        read_pickle(tmp_path / 'missing.pth')


def test_a_truncated_archive(tmp_path):
    torch.save({'a': torch.zeros(1000)}, tmp_path / 'x.bin')
    content = (tmp_path / 'x.bin').read_bytes()
    for kept in (10, 500, len(content) - 40):
        (tmp_path / 'x.bin').write_bytes(content[:kept])
        with pytest.raises(WeightsError, match=r'x\.bin is broken'):
            read_pickle(tmp_path / 'x.bin')


def test_trees_without_tensors_by_name(tmp_path, subtests):
    cases = [collections.Counter(a=1), {}, {'state_dict': {'a': 'text'}}, [torch.ones(2)]]
    for tree in cases:
        with subtests.test(tree=tree):
            torch.save(tree, tmp_path / 'x.pth')
            with pytest.raises(WeightsError, match='does not hold named tensors only'):
                read_pickle(tmp_path / 'x.pth')


def test_a_pickle_with_code_does_not_run(tmp_path):
    target = tmp_path / 'it_ran'
    torch.save({'a': Malicious(target)}, tmp_path / 'x.pth')
    with pytest.raises(WeightsError, match='holds more than tensors') as caught:
        read_pickle(tmp_path / 'x.pth')
    assert '\n' not in str(caught.value)
    assert 'Unsupported global: GLOBAL' in str(caught.value), 'what it holds'
    assert 'weights_only' not in str(caught.value), 'no advice to run it'
    assert not target.exists()
    pickle.loads(pickle.dumps(Malicious(target)))
    assert target.exists(), 'the attack would have worked'


@pytest.mark.parametrize(
    ('content', 'why'),
    [(b'x', 'Unsupported operand 120'), (b'', 'EOFError'), (b'PK\3\4', 'not a ZIP archive')],
)
def test_a_file_that_is_no_pickle_says_why_alone(tmp_path, content, why):
    (tmp_path / 'x.pth').write_bytes(content)
    with pytest.raises(WeightsError, match=why) as caught:
        read_pickle(tmp_path / 'x.pth')
    assert '. ' not in str(caught.value)


@pytest.mark.parametrize('key', ['model_state_dict', 'state_dict', 'model'])
def test_a_training_checkpoint_is_unwrapped(tmp_path, key):
    whole = torch.arange(6.0).view(2, 3)
    torch.save({key: {'module.a': whole.T}, 'epoch': 3}, tmp_path / 'x.ckpt')
    read = read_pickle(tmp_path / 'x.ckpt')
    assert list(read) == ['a']
    assert read['a'].is_contiguous()
    assert torch.equal(read['a'], whole.T)
