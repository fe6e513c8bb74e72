# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Our MoGe-2 against its authors' own code, tensor by tensor, random weights (make official)."""

from dataclasses import replace
import importlib
import os
from pathlib import Path
import warnings

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import predict_whole
from depth_refiner_ros.priors.focal_shift import recovered
from depth_refiner_ros.priors.import_checkpoint import import_moge2
from depth_refiner_ros.priors.moge2_network import half_of, MoGe2Network, OUTPUTS, points_of
from depth_refiner_ros.priors.moge2_official import check_weights, config_of, weights_of
from depth_refiner_ros.priors.registry import build_prior
import pytest
import torch

from tests.priors import tiny_moge2
from tests.priors.official_networks import MOGE_COMMIT, needs_moge, randomised, refine
from tests.priors.photograph import corridor
from tests.priors.test_focal_shift import scene
from tests.priors.test_moge2_onnx import attached

pytestmark = needs_moge

ROOT = Path(__file__).resolve().parents[2]
SIZES = [(120, 160), (103, 250), (250, 103), (90, 90), (480, 640)]
"""Rows and columns."""
FLOAT_NOISE = 2e-5
"""Of the largest value; the order of sums differs."""


def official_module(name):
    os.environ['XFORMERS_DISABLED'] = '1'
    return importlib.import_module(name)


def official(size, *, normals=True, seed=0, **changes):
    """Return the authors' network with random weights that keep signals alive, and its file."""
    config = tiny_moge2.official_config(size, normals=normals) | changes
    network = official_module('moge.model.v2').MoGeModel(**config)
    randomised(network, seed)
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith('gamma'):
                value.fill_(0.5)
            elif value.ndim == 1 and name.endswith('bias'):
                value.normal_(std=0.05, generator=torch.Generator().manual_seed(len(name)))
    return network, {'model_config': config, 'model': network.state_dict()}


def aimed(network):
    """Let the plane go through to the rays, so that there is a camera that the points fit."""
    with torch.no_grad():
        for part in (network.neck, network.points_head):
            part.resamplers[-1][-1].weight.mul_(0.1)
            part.input_blocks[-1].weight.mul_(0.1)
            part.input_blocks[-1].weight[:2] = 0.0
            part.input_blocks[-1].weight[:2, :2, 0, 0] += torch.eye(2)
        last = network.points_head.output_blocks[-1]
        last.weight[:2, :2, 0, 0] += 0.6 * torch.eye(2)
        last.bias.copy_(torch.tensor([0.0, 0.0, 0.7]))
    return network


def ours(tree):
    config = config_of(tree['model_config'], 'model.pt')
    state = weights_of(tree['model'])
    check_weights(state, config, 'model.pt')
    network = MoGe2Network(config)
    network.load_state_dict(state)
    return network.eval()


def apart(found, wanted):
    """Return the greatest difference over the greatest value."""
    return float((found - wanted).abs().max() / wanted.abs().max())


def both_outputs(network, mine, rgb, tokens):
    """Return name to greatest difference of points, mask and scale; authors' call and ours."""
    size = tuple(rgb.shape[-2:])
    # Theirs are rounded to fp32, which matters only in fp64.
    colors = (network.encoder.image_mean, network.encoder.image_std)
    mean_std = tuple(tuple(value.flatten().tolist()) for value in colors)
    rule = replace(preprocess.moge2(tokens), mean_std=mean_std)
    with torch.inference_mode():
        theirs = network.forward(rgb, tokens)
        raw, valid, log_scale = mine(rule.prepare(rgb), half_of(rgb))
        points = points_of(rule.restore(raw, size), mine.config.output)
        mask = rule.restore(valid, size).sigmoid()[:, 0]
    assert float(theirs['points'].std()) > 0.1 * float(theirs['points'].abs().mean())
    assert 0.05 < float((theirs['mask'] > 0.5).float().mean()) < 0.95
    return {
        'points': apart(points.permute(0, 2, 3, 1), theirs['points']),
        'mask': apart(mask, theirs['mask']),
        'scale': apart(log_scale.exp()[:, 0], theirs['metric_scale']),
    }


def test_the_requirements_name_the_commit():
    text = (ROOT / 'requirements/official/moge.txt').read_text()
    assert f'github.com/microsoft/MoGe@{MOGE_COMMIT}\n' in text


@pytest.mark.parametrize(
    ('size', 'normals'), [('S', True), ('B', True), ('L', True), ('L', False)]
)
def test_names_and_shapes_of_its_weights(size, normals):
    network, tree = official(size, normals=normals)
    shapes = {name: tuple(value.shape) for name, value in tree['model'].items()}
    assert shapes == tiny_moge2.official_shapes(size, normals=normals)
    count = sum(value.numel() for value in network.parameters())
    own = sum(value.numel() for value in ours(tree).parameters())
    print(f'MoGe-2 {size}: {count / 1e6:.2f} M parameters, {own / 1e6:.2f} M without normals')


@pytest.mark.parametrize(('tokens', 'sizes'), [(100, SIZES), (1369, [(90, 90), (103, 250)])])
def test_the_small_network(tokens, sizes):
    """A square of 1369 patches is what DINOv2 has learnt positions for."""
    network, tree = official('S')
    mine = ours(tree)
    for number, (rows, columns) in enumerate(sizes):
        rgb = torch.rand(1, 3, rows, columns, generator=torch.Generator().manual_seed(number))
        found = both_outputs(network, mine, rgb, tokens)
        words = ', '.join(f'{name} {value:.1e}' for name, value in found.items())
        print(f'S, fp32, {columns}x{rows}, {tokens} patches: {words}')
        assert max(found.values()) < FLOAT_NOISE


def test_in_fp64_nothing_is_left():
    """Both resample positions in fp32, and our last layers would run in it."""
    network, tree = official('S')
    mine = ours(tree).double()
    mine.scale = mine.scale.inner
    for head in (mine.points, mine.mask):
        head.last = head.last.inner
    for rows, columns in SIZES[:3]:
        rgb = torch.rand(1, 3, rows, columns, dtype=torch.float64)
        found = both_outputs(network.double(), mine, rgb, 100)
        words = ', '.join(f'{name} {value:.1e}' for name, value in found.items())
        print(f'S, fp64, {columns}x{rows}: {words}')
        assert max(found.values()) < 1e-12


@pytest.mark.parametrize('size', ['B', 'L'])
def test_the_larger_networks(size):
    network, tree = official(size)
    found = both_outputs(network, ours(tree), corridor(120, 160), 100)
    words = ', '.join(f'{name} {value:.1e}' for name, value in found.items())
    print(f'{size}, fp32, 160x120, 100 patches: {words}')
    assert max(found.values()) < FLOAT_NOISE


@pytest.mark.parametrize('output', OUTPUTS)
def test_what_the_numbers_mean(output):
    network, _ = official('S', remap_output=output)
    raw = torch.randn(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    theirs = network._remap_points(raw.permute(0, 2, 3, 1))
    assert torch.equal(points_of(raw, output).permute(0, 2, 3, 1), theirs)


@pytest.mark.parametrize('known', [True, False], ids=['known camera', 'unknown camera'])
def test_focal_length_and_shift(known):
    theirs = official_module('moge.utils.geometry_torch').recover_focal_shift
    worst = 0.0
    for noise in (0.0, 0.01, 0.05, 0.2):
        for number, size in enumerate(SIZES):
            points, plane, usable = scene(size, 1.1 + 0.3 * number, 0.4, noise, seed=number)
            focal = torch.tensor([1.1 + 0.3 * number]) if known else None
            wanted = torch.cat(theirs(points.permute(0, 2, 3, 1), usable[:, 0], focal=focal))
            given = None if focal is None else focal[:, None].expand(-1, 2)
            focal_B2, shift_B = recovered(points, plane, usable, given)
            found = torch.cat((focal_B2[:, 0], shift_B))
            worst = max(worst, float((found - wanted).abs().max()))
    print(f'focal length and shift, {"known" if known else "unknown"} camera: {worst:.1e}')
    assert worst < 1e-4


@pytest.mark.parametrize('size', SIZES[:4], ids='{0[1]}x{0[0]}'.format)
@pytest.mark.parametrize('known', [True, False], ids=['known camera', 'unknown camera'])
def test_metres_after_an_import(tmp_path, size, known):
    network, tree = official('S', num_tokens_range=[100, 300])
    aimed(network)
    torch.save(tree, tmp_path / 'model.pt')
    prior = build_prior('moge2', str(import_moge2(tmp_path / 'model.pt', tmp_path / 'moge2')))
    rgb, fov_deg = corridor(*size), 65.0
    camera = Intrinsics.from_fov(size[1], size[0], fov_deg) if known else None
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # it asks for an autocast to fp32, which torch ignores
        wanted = network.infer(rgb, fov_x=fov_deg if known else None, use_fp16=False)['depth']
        found = predict_whole(prior, rgb, camera).depth_B1HW[:, 0]
    valid = torch.isfinite(wanted)
    assert 0.05 < float(valid.float().mean()) < 1.0
    assert torch.equal(torch.isfinite(found), valid)
    difference = float((found / wanted - 1.0)[valid].abs().max())
    low, high = (float(value) for value in (wanted[valid].min(), wanted[valid].max()))
    print(f'{size[1]}x{size[0]}, {low:.3f} to {high:.3f} m, greatest difference {difference:.1e}')
    assert difference < 1e-4


def test_its_onnx_file_runs_by_the_onnx_backend(tmp_path):
    """Written as the authors' page says; images are then not antialiased."""
    network, _ = official('S')
    aimed(network).eval()
    network.onnx_compatible_mode = True
    file = tmp_path / 'model.onnx'
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        torch.onnx.export(
            network,
            (torch.rand(1, 3, 98, 126), torch.tensor(60)),
            file,
            input_names=['image', 'num_tokens'],
            output_names=['points', 'normal', 'mask', 'metric_scale'],
            dynamic_axes={'image': {0: 'batch_size', 2: 'height', 3: 'width'}},
            opset_version=14,
            dynamo=False,
        )
    prior = attached(file, short_side=140)
    for rows, columns in SIZES[:3]:
        rgb, patches = corridor(rows, columns), prior._tokens((rows, columns))
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter('ignore')
            wanted = network.infer(rgb, num_tokens=patches, use_fp16=False)['depth']
            found = predict_whole(prior, rgb, None).depth_B1HW[:, 0]
        valid = torch.isfinite(wanted)
        assert torch.equal(torch.isfinite(found), valid)
        difference = float((found / wanted - 1.0)[valid].abs().max())
        print(f'ONNX, {columns}x{rows}, {patches} patches: greatest difference {difference:.1e}')
        assert difference < 1e-3


def test_the_command_refines_a_photograph(tmp_path):
    network, tree = official('S', num_tokens_range=[100, 300])
    aimed(network)
    torch.save(tree, tmp_path / 'model.pt')
    summary = refine(tmp_path, 'moge2', import_moge2(tmp_path / 'model.pt', tmp_path / 'moge2'))
    assert summary['frames'] == 1
    assert summary['dropped'] == {}
