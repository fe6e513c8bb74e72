# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.priors import original_depth_anything
from depth_refiner_ros.priors.import_checkpoint import import_depth_anything, import_metric3d
from depth_refiner_ros.priors.original_depth_anything import (
    config_of,
    model_of,
    SIZES,
    to_transformers,
)
from depth_refiner_ros.priors.registry import build_prior
import pytest
from safetensors.torch import load_file, save_file
import torch
from transformers import DepthAnythingForDepthEstimation

TINY = {'heads': 2, 'layers': 4, 'taps': (1, 2, 3, 4), 'fusion': 16, 'neck': (8, 8, 16, 16)}
RGB = torch.rand(1, 3, 37, 53, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def tiny(monkeypatch):
    """Add a fifth size with 32 features and the plain MLP of S to L."""
    monkeypatch.setitem(original_depth_anything.SIZES, 32, TINY)


def original_state():
    """Return random weights under the names of the authors' code, tiny."""
    generator = torch.Generator().manual_seed(3)
    shapes = {
        'cls_token': (1, 1, 32),
        'mask_token': (1, 32),
        'pos_embed': (1, 1370, 32),
        'patch_embed.proj.weight': (32, 3, 14, 14),
        'patch_embed.proj.bias': (32,),
        'norm.weight': (32,),
        'norm.bias': (32,),
    }
    for block in range(4):
        mlp = {'mlp.fc1': (128, 32), 'mlp.fc2': (32, 128)}
        for name, shape in {'attn.qkv': (96, 32), 'attn.proj': (32, 32), **mlp}.items():
            shapes[f'blocks.{block}.{name}.weight'] = shape
            shapes[f'blocks.{block}.{name}.bias'] = shape[:1]
        for name in (
            'norm1.weight',
            'norm1.bias',
            'norm2.weight',
            'norm2.bias',
            'ls1.gamma',
            'ls2.gamma',
        ):
            shapes[f'blocks.{block}.{name}'] = (32,)
    shapes = {f'pretrained.{name}': shape for name, shape in shapes.items()}
    head = 'depth_head'
    for index, width in enumerate(TINY['neck']):
        shapes[f'{head}.projects.{index}.weight'] = (width, 32, 1, 1)
        shapes[f'{head}.projects.{index}.bias'] = (width,)
        shapes[f'{head}.scratch.layer{index + 1}_rn.weight'] = (16, width, 3, 3)
    for index, (width, size) in {0: (8, 4), 1: (8, 2), 3: (16, 3)}.items():
        shapes[f'{head}.resize_layers.{index}.weight'] = (width, width, size, size)
        shapes[f'{head}.resize_layers.{index}.bias'] = (width,)
    for block in range(1, 5):
        net = f'{head}.scratch.refinenet{block}'
        shapes |= {f'{net}.out_conv.weight': (16, 16, 1, 1), f'{net}.out_conv.bias': (16,)}
        for unit in (1, 2):
            for conv in (1, 2):
                shapes[f'{net}.resConfUnit{unit}.conv{conv}.weight'] = (16, 16, 3, 3)
                shapes[f'{net}.resConfUnit{unit}.conv{conv}.bias'] = (16,)
    for name, shape in {
        'output_conv1': (8, 16, 3, 3),
        'output_conv2.0': (32, 8, 3, 3),
        'output_conv2.2': (1, 32, 1, 1),
    }.items():
        shapes[f'{head}.scratch.{name}.weight'] = shape
        shapes[f'{head}.scratch.{name}.bias'] = shape[:1]
    return {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in shapes.items()}


def test_every_weight_finds_its_place(tiny, tmp_path):
    state = original_state()
    renamed = to_transformers(state)
    loaded = model_of(tmp_path, state).state_dict()
    assert len(loaded) == len(renamed)
    assert sorted(value.double().sum().item() for value in loaded.values()) == pytest.approx(
        sorted(value.double().sum().item() for value in renamed.values())
    )
    layer = 'backbone.encoder.layer.2.attention.attention'
    fused = state['pretrained.blocks.2.attn.qkv.weight']
    assert torch.equal(renamed[f'{layer}.key.weight'], fused[32:64])
    # The authors count the fusion blocks from the finest, transformers from the coarsest.
    assert torch.equal(
        renamed['neck.fusion_stage.layers.0.projection.bias'],
        state['depth_head.scratch.refinenet4.out_conv.bias'],
    )


def test_the_sizes_are_those_that_were_published(tmp_path, subtests):
    for width, millions in [(384, 24.8), (768, 97.5), (1024, 335.3), (1536, 1300.0)]:
        with subtests.test(width=width, millions=millions):
            config = config_of(tmp_path, {'pretrained.cls_token': torch.zeros(1, 1, width)})
            with torch.device('meta'):
                model = DepthAnythingForDepthEstimation(config)
            count = sum(value.numel() for value in model.parameters()) / 1e6
            assert count == pytest.approx(millions, rel=0.04)
            assert set(SIZES) == {384, 768, 1024, 1536}


def test_the_giants_gated_layers_are_renamed():
    names = {
        f'pretrained.blocks.39.mlp.{old}.weight': f'backbone.encoder.layer.39.mlp.{new}.weight'
        for old, new in (('w12', 'weights_in'), ('w3', 'weights_out'))
    }
    renamed = to_transformers({name: torch.zeros(1) for name in names})
    assert set(renamed) == set(names.values())


def test_a_file_of_the_authors_and_its_import_give_the_same_disparity(tiny, tmp_path):
    save_file(original_state(), tmp_path / 'vit.safetensors')
    torch.save(original_state(), tmp_path / 'vit.pth')
    folder = import_depth_anything(tmp_path / 'vit.pth', tmp_path / 'imported')
    file, imported = (
        build_prior('depth_anything_v2', str(where), short_side=70)
        for where in (tmp_path / 'vit.safetensors', folder)
    )
    depth = file.predict(RGB, None)
    assert depth.kind == 'disparity'
    assert float(depth.depth_B1HW.std()) > 0.0
    torch.testing.assert_close(imported.predict(RGB, None).depth_B1HW, depth.depth_B1HW)
    assert file.describe()[0].endswith(str(tmp_path / 'vit.safetensors'))


def test_files_that_cannot_be_used_are_refused(tiny, tmp_path):
    torch.save(original_state(), tmp_path / 'vit.pth')
    with pytest.raises(WeightsError, match=r'vit\.pth is a pickle, which is never loaded'):
        build_prior('depth_anything_v2', str(tmp_path / 'vit.pth'))
    state = original_state()
    state.pop('depth_head.scratch.output_conv1.bias')
    save_file(state, tmp_path / 'part.safetensors')
    with pytest.raises(WeightsError, match=r'1 missing keys, first head\.conv1\.bias'):
        build_prior('depth_anything_v2', str(tmp_path / 'part.safetensors'))
    save_file({'w': torch.zeros(3)}, tmp_path / 'other.safetensors')
    with pytest.raises(WeightsError, match=r'encoder width unknown, known 384, 768, 1024, 1536'):
        build_prior('depth_anything_v2', str(tmp_path / 'other.safetensors'))
    (tmp_path / 'broken.safetensors').write_bytes(b'no')
    with pytest.raises(WeightsError, match='is not readable safetensors'):
        build_prior('depth_anything_v2', str(tmp_path / 'broken.safetensors'))


def test_a_metric3d_checkpoint_becomes_a_folder(tmp_path):
    weights = {'module.depth_model.w': torch.arange(6.0).view(2, 3).t()}
    torch.save({'model_state_dict': weights, 'step': 800}, tmp_path / 'm.pth')
    folder = import_metric3d(tmp_path / 'm.pth', tmp_path / 'out', 'metric3d_vit_large')
    state = load_file(folder / 'model.safetensors')
    assert torch.equal(state['depth_model.w'], torch.arange(6.0).view(2, 3).t())
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_metric3d(tmp_path / 'm.pth', tmp_path / 'out', 'metric3d_vit_large')
    with pytest.raises(WeightsError, match="architecture 'large' is not one of"):
        import_metric3d(tmp_path / 'm.pth', tmp_path / 'new', 'large')
