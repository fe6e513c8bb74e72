# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``models list`` and ``models import`` as a user calls them."""

import json
import shutil

from depth_refiner_ros.apps.models_list import _row, KINDS
from depth_refiner_ros.models.bundle import open_bundle, WEIGHTS, write_bundle
from depth_refiner_ros.models.catalogue import MODELS
from huggingface_hub import constants
import pytest
import torch

from tests.diffusion.releases import official_folders as official


@pytest.fixture(autouse=True)
def no_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    monkeypatch.setattr(constants, 'ENDPOINT', 'http://127.0.0.1:9')


def test_every_known_model_is_listed(depth_refiner):
    ended = depth_refiner('models', 'list')
    assert ended.returncode == 0, ended.stderr
    for model in MODELS:
        line = next(one for one in ended.stdout.splitlines() if one.split()[:1] == [model.id])
        assert model.licence in line
        assert ('(no commercial use)' in line) is model.non_commercial
    assert 'metric-small' in ended.stdout
    assert depth_refiner('models').stdout == ended.stdout


def test_a_release_beside_a_bundle_is_found(depth_refiner, tmp_path):
    official.apdepth(tmp_path / 'mine')
    ended = depth_refiner('models', 'list', 'mine', '--json', 'm.json')
    assert ended.returncode == 0, ended.stderr
    rows = {row['id']: row for row in json.loads((tmp_path / 'm.json').read_text())['models']}
    assert len(rows) == len(MODELS)
    assert rows['developy/ApDepth']['present']
    assert rows['developy/ApDepth']['path'].endswith('ApDepth')
    assert sum(row['present'] for row in rows.values()) == 1
    assert 'here: ' in ended.stdout


def test_import_writes_a_bundle_and_says_what_it_is(depth_refiner, tmp_path):
    official.pickled(official.apdepth(tmp_path))
    ended = depth_refiner('models', 'import', 'ApDepth', 'out', '--json', 'i.json')
    assert ended.returncode == 0, ended.stderr
    assert 'refiner ApDepth: Apache-2.0, ' in ended.stdout
    assert 'from a copy of developy/ApDepth' in ended.stdout
    assert 'left by its base model' in ended.stdout
    assert 'largest difference from the release: ' in ended.stdout
    assert 'use it with --refiner apdepth --refiner-weights out' in ended.stdout
    facts = json.loads((tmp_path / 'i.json').read_text())
    assert 0.0 < facts['difference'] <= facts['bound'] == 0.02
    assert open_bundle(tmp_path / 'out', 'refiner').manifest['spec'] == facts['spec']
    listed = depth_refiner('models', 'out')
    assert listed.returncode == 0, listed.stderr


def test_an_unknown_licence_is_told(depth_refiner, tmp_path):
    official.lotus_g(tmp_path, 'mine')
    ended = depth_refiner('models', 'import', 'mine', 'out')
    assert 'licence unknown' in ended.stdout
    ended = depth_refiner(
        'models', 'import', 'mine', 'out', '--licence', 'CC BY-NC 4.0', '--precision', 'fp32'
    )
    assert ended.returncode == 0, ended.stderr
    assert 'CC BY-NC 4.0 (no commercial use)' in ended.stdout
    assert 'range (bound 0.0001)' in ended.stdout


def test_import_refuses_in_one_line(depth_refiner, tmp_path, subtests):
    cases = [
        (
            ('developy/ApDepth', 'out'),
            'developy/ApDepth is not a local folder, and the Hugging Face hub',
        ),
        (('Qualcomm-AI-research/SharpDepth', 'out'), 'is not on the hub: GitHub release'),
        (('./nowhere', 'out'), 'neither a folder nor a hub id'),
        (('metric_depth_x.pth', 'out'), 'file metric_depth_x.pth does not exist'),
        (
            ('Ruicheng/moge-2-vits-normal', 'out'),
            'Ruicheng/moge-2-vits-normal is not a local folder, and the Hugging Face hub',
        ),
        (('mine', 'out'), 'import --method apdepth or marigold or e2e_ft'),
        (('mine', 'out', '--method', 'sharpdepth'), 'would silently ignore the task'),
        (('mine', 'mine', '--method', 'apdepth'), 'exists and is not a bundle'),
        (('notes.txt', 'out'), 'is not a known checkpoint by its name'),
        (('model.pt', 'out'), 'model.pt holds no model_config and model; give the model.pt'),
    ]
    official.apdepth(tmp_path, 'mine')
    (tmp_path / 'notes.txt').write_text('no weights')
    torch.save({'model': {'w': torch.ones(2)}}, tmp_path / 'model.pt')
    for arguments, message in cases:
        with subtests.test(arguments=arguments):
            ended = depth_refiner('models', 'import', *arguments)
            assert ended.returncode == 2
            line = ended.stderr.splitlines()[-1]
            assert line.startswith('depth-refiner: ')
            assert message in line
            assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('name', 'arguments'),
    [('metric_depth_vit_small_800k.pth', ()), ('mine.pth', ('--method', 'metric3d_vit_small'))],
)
def test_a_checkpoint_file_of_a_prior(depth_refiner, tmp_path, name, arguments):
    torch.save({'model_state_dict': {'module.a': torch.ones(2)}}, tmp_path / name)
    ended = depth_refiner('models', 'import', name, 'out', *arguments, '--json', 'i.json')
    assert ended.returncode == 0, ended.stderr
    assert 'use it with --prior metric3d_v2 --prior-weights out' in ended.stdout
    assert json.loads((tmp_path / 'i.json').read_text())['prior'] == 'metric3d_v2'
    written = json.loads((tmp_path / 'out/config.json').read_text())
    assert written['architecture'] == 'metric3d_vit_small'


def test_a_checkpoint_that_does_not_tell_its_architecture(depth_refiner, tmp_path):
    torch.save({'a': torch.ones(2)}, tmp_path / 'metric_depth_convnext.pth')
    ended = depth_refiner('models', 'import', 'metric_depth_convnext.pth', 'out')
    assert ended.returncode == 2
    assert 'does not state its architecture; add --method metric3d_vit_small' in ended.stderr


def test_a_misspelled_command_is_named(depth_refiner):
    ended = depth_refiner('models', 'recomend')
    assert ended.returncode == 2
    assert 'did you mean recommend?' in ended.stderr


@pytest.mark.parametrize(
    'arguments', [('import',), ('import', 'a'), ('import', 'a', 'b', '--precision', 'int4')]
)
def test_usage(depth_refiner, arguments):
    ended = depth_refiner('models', *arguments)
    assert ended.returncode == 2
    assert 'Traceback' not in ended.stderr


def test_help_names_both_commands(depth_refiner):
    ended = depth_refiner('models', '--help')
    assert ended.returncode == 0
    assert 'list' in ended.stdout
    assert 'import' in ended.stdout
    assert '--prediction' in depth_refiner('models', 'import', '-h').stdout


def bundle(folder):
    return write_bundle(
        folder,
        kind='refiner',
        name='small',
        licence='MIT',
        manifest={},
        tensors={'w.safetensors': {'a': torch.zeros(250_000)}},
        configs={},
    )


def test_models_lists_bundles_and_what_is_wrong_with_them(depth_refiner, tmp_path, monkeypatch):
    monkeypatch.setenv('COLUMNS', '400')
    bundle(tmp_path / 'mine' / 'good')
    bundle(tmp_path / 'mine' / 'bad[red]')
    (tmp_path / 'mine' / 'bad[red]' / 'w.safetensors').write_bytes(b'short')
    ended = depth_refiner('models', 'mine', '--json', 'm.json')
    assert ended.returncode == 0, ended.stderr
    *_, bad, good = json.loads((tmp_path / 'm.json').read_text())['bundles']
    assert (good['name'], good['kind'], good['licence']) == ('small', 'refiner', 'MIT')
    assert good['size_mb'] == pytest.approx(1.0, abs=0.01)
    assert good['present']
    assert not bad['present']
    assert 'differs from its sha256' in bad['problem']
    assert ended.stdout.count('mine/bad[red]') == 2, 'to rich, brackets are styles'


def test_only_what_comes_with_the_package_is_said_to_have_a_quick_way(tmp_path):
    shutil.copytree(WEIGHTS / 'prior', tmp_path / 'own')
    own, ours = _row(str(tmp_path / 'own'), 'prior'), _row('bundled', 'prior', 'prior')
    assert own['what_for'] == KINDS['prior']
    assert ours['what_for'].endswith('quicker: --prior-weights quick')
