# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Encoders of transformers that stage 1 of ApDepth aligns to, and no others in their place."""

from depth_refiner_ros.core.errors import WeightsError
import pytest
import torch
from training.models.encoder import build_encoder, EncoderModel
import transformers

SHAPE = {
    'hidden_size': 32,
    'num_hidden_layers': 2,
    'num_attention_heads': 2,
    'image_size': 28,
    'patch_size': 14,
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return the parent of folders with random weights, by the type of the model."""
    place = tmp_path_factory.mktemp('encoders')
    dino = transformers.Dinov2Config(
        **SHAPE,
        out_indices=[1, 2],
        out_features=['stage1', 'stage2'],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    vision = {**SHAPE, 'intermediate_size': 64}
    anything = transformers.DepthAnythingConfig(
        backbone_config=dino,
        neck_hidden_sizes=[8, 8],
        reassemble_hidden_size=32,
        reassemble_factors=[4, 2],
        fusion_hidden_size=8,
        head_in_index=-1,
    )
    for name, model in {
        'dinov2': transformers.Dinov2Model(dino),
        'openclip': transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**vision)),
        'depth_anything': transformers.DepthAnythingForDepthEstimation(anything),
    }.items():
        model.save_pretrained(place / name)
    return place


@pytest.mark.parametrize('kind', ['dinov2', 'openclip'])
def test_features_are_those_of_the_folder(folder, kind):
    rgb, rays = torch.rand(1, 3, 32, 64), torch.zeros(1, 2, 32, 64)
    found = [
        build_encoder(EncoderModel(kind=kind, weights=str(folder / kind)))(rgb, rays)
        for _ in range(2)
    ]
    assert found[0].shape == (1, 32, 2, 4)
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=0)


@pytest.mark.parametrize(
    ('kind', 'weights'),
    [('dinov2', 'depth_anything'), ('dinov2', 'openclip'), ('openclip', 'dinov2')],
)
def test_another_kind_of_model_is_refused(folder, kind, weights):
    """Transformers filled it up with random weights, to which ApDepth was then aligned."""
    where = str(folder / weights)
    with pytest.raises(WeightsError, match=rf'{weights}: .*missing keys.*; name a {kind} folder'):
        build_encoder(EncoderModel(kind=kind, weights=where))


def test_what_is_neither_a_folder_nor_a_hub_id_is_one_line():
    with pytest.raises(WeightsError, match=r'no/such/folder does not load as Dinov2Model'):
        build_encoder(EncoderModel(kind='dinov2', weights='no/such/folder'))
