# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The adapters of UniDepth and Metric3D without their packages: arithmetic, and what is refused.

The real classes run in ``test_official_unidepth.py`` and ``test_official_metric3d.py``.
"""

import importlib
import importlib.metadata
import json
import sys
import types
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SettingsError, WeightsError
from depth_refiner_ros.priors import metric3d, packages, preprocess
from depth_refiner_ros.priors.foreign_code import foreign_code
from depth_refiner_ros.priors.head_attention import HeadAttention
from depth_refiner_ros.priors.loading import fill_network
from depth_refiner_ros.priors.metric3d import Metric3DPrior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.unidepth import corner_matrix, surplus
import pytest
from safetensors.torch import save_file
import torch
from torch import nn
from torch.nn import functional

CAMERA = Intrinsics(fx=500.0, fy=510.0, cx=31.0, cy=20.5, width=64, height=42)
RGB = torch.rand(2, 3, 42, 64, generator=torch.Generator().manual_seed(0))


def test_the_centre_of_an_image_is_half_its_size_from_the_corner():
    matrix = corner_matrix(Intrinsics.from_fov(640, 480, 60.0))
    assert (float(matrix[0, 2]), float(matrix[1, 2])) == (320.0, 240.0)
    assert corner_matrix(CAMERA).tolist() == [[500.0, 0.0, 31.5], [0.0, 510.0, 21.0], [0, 0, 1]]


def test_heads_of_a_pixel_attend_to_each_other_and_pixels_do_not():
    generator = torch.Generator().manual_seed(0)
    queries, keys, values = (torch.randn(2, 30, 4, 8, generator=generator) for _ in range(3))
    attended = HeadAttention()(queries, keys, values)
    expected = functional.scaled_dot_product_attention(queries, keys, values)
    torch.testing.assert_close(attended, expected)
    values[:, 0] += 1.0
    changed = (HeadAttention()(queries, keys, values) != attended).flatten(2).any(dim=2)
    assert changed[:, 0].all()
    assert not changed[:, 1:].any()
    assert HeadAttention().state_dict() == {}, 'published weights have no place for any'


@pytest.mark.parametrize(
    ('size', 'added'),
    [
        ((206, 500), (0, 1)),
        ((480, 640), (0, 0)),
        ((1080, 1920), (0, 0)),
        ((35, 47), (0, 1)),
        ((721, 850), (1, 0)),
    ],
)
def test_pixels_are_added_where_floating_point_would_lose_a_map(size, added):
    rows, columns = size
    assert surplus(rows, columns) == added
    assert (int(rows * (columns / rows)) == columns) == (added == (0, 0))


def test_with_those_pixels_every_size_is_whole():
    for rows in range(2, 400, 7):
        for columns in range(rows // 2, 3 * rows):
            below, right = surplus(rows, columns)
            height, width = rows + below, columns + right
            assert int(height * (width / height)) == width
            assert below + right <= 3


@pytest.mark.parametrize('name', ['unidepth_v1', 'unidepth_v2'])
@pytest.mark.skipif(packages.unidepth_commit() is not None, reason='UniDepth is installed')
def test_without_the_package_the_command_is_told(name):
    with pytest.raises(WeightsError, match='UniDepth cannot be imported') as caught:
        build_prior(name, 'vitl14')
    assert packages.UNIDEPTH_COMMIT in str(caught.value)
    assert 'pip install --no-deps' in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('torch_version', 'told'),
    [
        ('2.13.0', 'torchvision==0.28.0'),
        (
            '2.13.0+cpu',
            'torchvision==0.28.0 --extra-index-url https://download.pytorch.org/whl/cpu',
        ),
        (
            '2.9.1+cu130',
            'torchvision==0.24.1 --extra-index-url https://download.pytorch.org/whl/cu130',
        ),
        ('2.8.0a0+5228986c39.nv25.05', 'torchvision==0.23.0'),
        ('3.0.0', 'torchvision'),
    ],
)
def test_torchvision_is_that_of_the_torch_that_is_here(monkeypatch, torch_version, told):
    monkeypatch.setattr(importlib.metadata, 'version', {'torch': torch_version}.get)
    assert packages.torchvision() == told
    for package in packages.PACKAGES:
        assert 'pip install --no-deps' in package.command()
        assert f'{told} ' in package.command()


def test_foreign_code_finds_no_xformers_and_is_quiet(monkeypatch, capsys):
    held = types.ModuleType('xformers.ops')
    monkeypatch.setitem(sys.modules, 'xformers.ops', held)
    monkeypatch.setitem(sys.modules, 'xformers', types.ModuleType('xformers'))
    with foreign_code():
        print('this network cannot run')
        warnings.warn('deprecated', stacklevel=1)
        assert sys.modules['xformers'] is None, 'where one is installed, it is not looked for'
        for name in ('xformers', 'xformers.ops'):
            with pytest.raises(ImportError):
                importlib.import_module(name)
    assert sys.modules['xformers.ops'] is held
    assert sys.modules['xformers'] is not None
    assert capsys.readouterr().out == ''
    with pytest.raises(KeyError), foreign_code():
        raise KeyError('config')
    assert sys.modules['xformers.ops'] is held
    monkeypatch.delitem(sys.modules, 'xformers.ops')
    monkeypatch.delitem(sys.modules, 'xformers')
    with foreign_code():
        pass
    assert 'xformers' not in sys.modules


def test_weights_may_be_more_than_needed_but_not_fewer(tmp_path):
    file = tmp_path / 'model.safetensors'
    linear = nn.Linear(2, 1)
    state = {'weight': torch.full((1, 2), 3.0), 'bias': torch.zeros(1), 'more': torch.zeros(1)}
    save_file(state, file)
    filled = fill_network(linear, file)
    assert filled.weight.tolist() == [[3.0, 3.0]]
    assert not filled.training
    assert not filled.weight.requires_grad
    save_file({'weight': state['weight']}, file)
    with pytest.raises(WeightsError, match='1 weights are missing, first bias'):
        fill_network(linear, file)


@pytest.mark.parametrize(
    ('weight', 'message'),
    [
        (torch.full((1, 2), float('inf')), 'weight holds NaN or infinite'),
        (torch.zeros(2, 2), 'does not load as Linear'),
    ],
)
def test_unfit_weights_are_refused(tmp_path, weight, message):
    save_file({'weight': weight, 'bias': torch.zeros(1)}, tmp_path / 'model.safetensors')
    with pytest.raises(WeightsError, match=message):
        fill_network(nn.Linear(2, 1), tmp_path / 'model.safetensors')


class Ramp(nn.Module):
    """Canonical depth that rises by a metre with each column."""

    def forward(self, pixels_B3hw):
        columns = torch.arange(pixels_B3hw.shape[-1], dtype=torch.float32)
        return (1.0 + columns).expand(len(pixels_B3hw), 1, *pixels_B3hw.shape[-2:])


class Flat(nn.Module):
    """Canonical depth of four metres."""

    def forward(self, pixels_B3hw):
        return torch.full_like(pixels_B3hw[:, :1], 4.0)


def test_metric3d_undoes_borders_resize_and_canonical_camera():
    prior = Metric3DPrior(Ramp(), preprocess.metric3d(84, 148))
    depth = prior.predict(RGB, CAMERA).depth_B1HW
    # The image doubles to 84 x 128 between borders of 10 columns; fx doubles to 1000 px.
    columns = (torch.arange(64) + 0.5) * 2.0 - 0.5 + 10.0
    torch.testing.assert_close(depth, (1.0 + columns).expand(2, 1, 42, 64))


def test_the_same_camera_at_another_size_gives_the_same_metres():
    prior = Metric3DPrior(Flat())
    large = prior.predict(torch.zeros(1, 3, 84, 128), CAMERA.resized(128, 84)).depth_B1HW
    small = prior.predict(torch.zeros(1, 3, 42, 64), CAMERA).depth_B1HW
    torch.testing.assert_close(large.mean(), small.mean())
    scale = min(616 / 42, 1064 / 64)
    assert float(small.mean()) == pytest.approx(4.0 * 500.0 * scale / 1000.0, rel=1e-3)


def test_no_backend_is_asked_for_metric3d_which_none_can_run():
    prior = Metric3DPrior(Flat())
    network = prior.network
    prior.attach_backend(pytest.fail, 'prior')
    assert prior.network is network


def test_metric3d_needs_the_camera():
    with pytest.raises(InputError, match="metric3d_v2 needs the camera's intrinsics"):
        Metric3DPrior(Flat()).predict(RGB, None)
    with pytest.raises(SettingsError, match='no scale without the focal length'):
        build_prior('metric3d_v2', 'somewhere', focal_rule='none')


def test_metric3d_reads_converted_folders_and_its_own_commit_only(tmp_path, monkeypatch):
    with pytest.raises(SettingsError, match=r'published as pickles: .*\.pth FOLDER once'):
        build_prior('metric3d_v2', 'JUGGHM/Metric3D')
    config = tmp_path / 'config.json'
    config.write_text(json.dumps({'model_type': 'metric3d', 'architecture': 'metric3d_tiny'}))
    save_file({'w': torch.zeros(1)}, tmp_path / 'model.safetensors')
    with pytest.raises(WeightsError, match="architecture 'metric3d_tiny' is not one of"):
        build_prior('metric3d_v2', str(tmp_path))
    config.write_text(json.dumps({'model_type': 'metric3d', 'architecture': 'metric3d_vit_small'}))
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    with pytest.raises(WeightsError, match='code of Metric3D is not on this machine; pip'):
        build_prior('metric3d_v2', str(tmp_path))
    checkout = packages.metric3d_folder()
    (checkout / '.git').mkdir(parents=True)
    (checkout / '.git' / 'HEAD').write_text('0123456789\n')
    with pytest.raises(WeightsError, match='code of Metric3D is at 0123456789; pip'):
        build_prior('metric3d_v2', str(tmp_path))
    (checkout / '.git' / 'HEAD').write_text(f'{packages.METRIC3D_COMMIT}\n')
    with pytest.raises(WeightsError, match='Metric3D cannot be imported') as caught:
        build_prior('metric3d_v2', str(tmp_path))
    assert '\n' not in str(caught.value)


def test_doctors_list_names_every_prior_with_code_of_its_own():
    named = {prior for package in packages.PACKAGES for prior in package.priors}
    assert named == {'unidepth_v1', 'unidepth_v2', metric3d.NAME}
    for package in packages.PACKAGES:
        assert package.commit in package.command()
