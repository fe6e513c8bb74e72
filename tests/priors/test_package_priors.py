"""UniDepth and Metric3D: the adapters' arithmetic on real modules of the same interface."""

import json

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SettingsError, WeightsError
from depth_refiner_ros.priors import metric3d, packages, preprocess, unidepth
from depth_refiner_ros.priors.loading import fill_network
from depth_refiner_ros.priors.metric3d import Metric3DNetwork, Metric3DPrior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.unidepth import corner_matrix, UniDepthPrior
import pytest
from safetensors.torch import save_file
import torch
from torch import nn

CAMERA = Intrinsics(fx=500.0, fy=510.0, cx=31.0, cy=20.5, width=64, height=42)
RGB = torch.rand(2, 3, 42, 64, generator=torch.Generator().manual_seed(0))


class LikeUniDepth(nn.Module):
    """
    ``infer`` as UniDepth has it: normalises uint8 alone, scales K in place, returns its own K.

    Depth is focal length times mean color; with no camera it assumes 100 px.
    """

    def __init__(self, config=None):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1), requires_grad=False)

    def infer(self, rgb, intrinsics=None):
        assert not torch.is_autocast_enabled('cpu'), 'the package chooses its own precision'
        image = rgb.float() / 255.0 if rgb.dtype == torch.uint8 else rgb
        focal = torch.full((len(image),), 100.0) if intrinsics is None else intrinsics[:, 0, 0]
        depth = self.gain * focal.view(-1, 1, 1, 1) * image.mean(dim=1, keepdim=True)
        self.seen = None if intrinsics is None else intrinsics.clone()
        if intrinsics is not None:
            intrinsics *= 0.5
        return {'depth': depth, 'intrinsics': torch.full((len(image), 3, 3), -1.0)}


def test_unidepth_reads_uint8_and_the_given_camera():
    model = LikeUniDepth()
    prior = UniDepthPrior(model)
    with torch.autocast('cpu', torch.bfloat16):
        result = prior.predict(RGB, CAMERA)
    eight_bits = (RGB * 255.0).round() / 255.0
    torch.testing.assert_close(result.depth_B1HW, 500.0 * eight_bits.mean(dim=1, keepdim=True))
    assert result.kind == 'metric'
    assert model.seen.shape == (2, 3, 3)
    assert model.seen[1].tolist() == [[500.0, 0.0, 31.5], [0.0, 510.0, 21.0], [0.0, 0.0, 1.0]]
    again = prior.predict(RGB, CAMERA).depth_B1HW
    assert torch.equal(again, result.depth_B1HW), 'K that the package scales must be a copy'


def test_the_centre_of_an_image_is_half_its_size_from_the_corner():
    matrix = corner_matrix(Intrinsics.from_fov(640, 480, 60.0))
    assert (float(matrix[0, 2]), float(matrix[1, 2])) == (320.0, 240.0)


@pytest.mark.parametrize(('rule', 'camera'), [('none', CAMERA), ('auto', None)])
def test_unidepth_goes_on_with_a_camera_of_its_own(rule, camera):
    depth = UniDepthPrior(LikeUniDepth(), focal_rule=rule).predict(RGB, camera).depth_B1HW
    assert float(depth.max()) <= 100.0
    assert float(depth.mean()) == pytest.approx(50.0, rel=0.05)


def test_depth_that_is_not_positive_is_unknown():
    depth = UniDepthPrior(LikeUniDepth()).predict(torch.zeros(1, 3, 4, 4), CAMERA).depth_B1HW
    assert bool(torch.isnan(depth).all())


@pytest.mark.parametrize('name', ['unidepth_v1', 'unidepth_v2'])
@pytest.mark.skipif(packages.unidepth_commit() is not None, reason='UniDepth is installed')
def test_without_the_package_the_command_is_told(name):
    with pytest.raises(WeightsError, match='UniDepth cannot be imported') as caught:
        build_prior(name, 'vitl14')
    assert packages.UNIDEPTH_COMMIT in str(caught.value)
    assert 'pip install --no-deps' in str(caught.value)
    assert '\n' not in str(caught.value)


def test_weights_of_unidepth_come_from_safetensors(tmp_path):
    (tmp_path / 'config.json').write_text('{}')
    save_file(
        {'gain': torch.tensor([3.0]), 'further': torch.zeros(1)}, tmp_path / 'model.safetensors'
    )
    model = unidepth.load_network(LikeUniDepth, tmp_path)
    assert float(model.gain) == 3.0
    assert not model.training
    assert not model.gain.requires_grad
    save_file({'further': torch.zeros(1)}, tmp_path / 'model.safetensors')
    with pytest.raises(WeightsError, match='1 weights are missing, first gain'):
        unidepth.load_network(LikeUniDepth, tmp_path)
    (tmp_path / 'config.json').unlink()
    with pytest.raises(WeightsError, match='no configuration of LikeUniDepth'):
        unidepth.load_network(LikeUniDepth, tmp_path)


@pytest.mark.parametrize(
    ('state', 'message'),
    [
        ({'gain': torch.tensor([float('inf')])}, 'gain holds NaN or infinite'),
        ({'gain': torch.zeros(2)}, 'does not load as LikeUniDepth'),
    ],
)
def test_unfit_weights_are_refused(tmp_path, state, message):
    save_file(state, tmp_path / 'model.safetensors')
    with pytest.raises(WeightsError, match=message):
        fill_network(LikeUniDepth(), tmp_path / 'model.safetensors')


class LikeMetric3D(nn.Module):
    """``inference`` as Metric3D has it; canonical depth is 1 + column."""

    def inference(self, data):
        pixels = data['input']
        assert pixels.dtype == torch.float32
        columns = torch.arange(pixels.shape[-1], dtype=torch.float32)
        depth = (1.0 + columns).expand(len(pixels), 1, *pixels.shape[-2:])
        return depth, torch.ones_like(depth), {}


def test_metric3d_undoes_borders_resize_and_canonical_camera():
    prior = Metric3DPrior(Metric3DNetwork(LikeMetric3D()), preprocess.metric3d(84, 148))
    with torch.autocast('cpu', torch.bfloat16):
        depth = prior.predict(RGB, CAMERA).depth_B1HW
    # The image doubles to 84 x 128 between borders of 10 columns; fx doubles to 1000 px.
    columns = (torch.arange(64) + 0.5) * 2.0 - 0.5 + 10.0
    torch.testing.assert_close(depth, (1.0 + columns).expand(2, 1, 42, 64))


def test_the_same_camera_at_another_size_gives_the_same_metres():
    class Flat(nn.Module):
        def forward(self, pixels_B3hw):
            return torch.full_like(pixels_B3hw[:, :1], 4.0)

    prior = Metric3DPrior(Flat())
    large = prior.predict(torch.zeros(1, 3, 84, 128), CAMERA.resized(128, 84)).depth_B1HW
    small = prior.predict(torch.zeros(1, 3, 42, 64), CAMERA).depth_B1HW
    torch.testing.assert_close(large.mean(), small.mean())
    scale = min(616 / 42, 1064 / 64)
    assert float(small.mean()) == pytest.approx(4.0 * 500.0 * scale / 1000.0, rel=1e-3)


def test_metric3d_needs_the_camera():
    with pytest.raises(InputError, match="metric3d_v2 needs the camera's intrinsics"):
        Metric3DPrior(Metric3DNetwork(LikeMetric3D())).predict(RGB, None)
    with pytest.raises(SettingsError, match='no scale without the focal length'):
        build_prior('metric3d_v2', 'somewhere', focal_rule='none')


def test_metric3d_reads_converted_folders_only(tmp_path, monkeypatch):
    with pytest.raises(SettingsError, match='published as pickles only'):
        build_prior('metric3d_v2', 'JUGGHM/Metric3D')
    config = tmp_path / 'config.json'
    config.write_text(json.dumps({'model_type': 'metric3d', 'architecture': 'metric3d_tiny'}))
    save_file({'w': torch.zeros(1)}, tmp_path / 'model.safetensors')
    with pytest.raises(WeightsError, match="architecture 'metric3d_tiny' is not one of"):
        build_prior('metric3d_v2', str(tmp_path))
    config.write_text(json.dumps({'model_type': 'metric3d', 'architecture': 'metric3d_vit_small'}))
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    with pytest.raises(WeightsError, match='code of Metric3D is not on this machine; git clone'):
        build_prior('metric3d_v2', str(tmp_path))


CHECKOUT = """
from torch import nn
import torch


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.metres = nn.Parameter(torch.zeros(1))

    def inference(self, data):
        depth = self.metres * torch.ones_like(data['input'][:, :1])
        return depth, depth, {}


def metric3d_vit_small(pretrain=False):
    assert not pretrain
    return Net()
"""


def test_metric3d_is_built_by_the_checkout_at_its_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    checkout = packages.metric3d_folder()
    (checkout / '.git').mkdir(parents=True)
    (checkout / 'hubconf.py').write_text(CHECKOUT)
    weights = tmp_path / 'weights'
    weights.mkdir()
    (weights / 'config.json').write_text(
        json.dumps({'model_type': 'metric3d', 'architecture': 'metric3d_vit_small'})
    )
    save_file({'metres': torch.tensor([2.0])}, weights / 'model.safetensors')

    (checkout / '.git' / 'HEAD').write_text('0123456789\n')
    with pytest.raises(WeightsError, match='code of Metric3D is at 0123456789; git clone'):
        build_prior('metric3d_v2', str(weights))
    (checkout / '.git' / 'HEAD').write_text(f'{packages.METRIC3D_COMMIT}\n')
    prior = build_prior('metric3d_v2', str(weights))
    factor = 500.0 * min(616 / 42, 1064 / 64) / 1000.0
    depth = prior.predict(RGB, CAMERA).depth_B1HW
    torch.testing.assert_close(
        depth, torch.full((2, 1, 42, 64), 2.0 * factor), rtol=1e-3, atol=0.0
    )
    assert prior.describe()[0].startswith('prior metric3d_v2 (metric3d_vit_small): BSD-2-Clause')


def test_doctors_list_names_every_prior_with_code_of_its_own():
    named = {prior for package in packages.PACKAGES for prior in package.priors}
    assert named == {'unidepth_v1', 'unidepth_v2', metric3d.NAME}
    for package in packages.PACKAGES:
        assert package.commit in package.command()
