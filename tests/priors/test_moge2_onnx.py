# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX files with the inputs and outputs of MoGe-2's own, of any size."""

import math

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import BackendError, WeightsError
from depth_refiner_ros.priors.moge2_onnx import onnx_file
from depth_refiner_ros.priors.registry import build_prior
import onnx
from onnx import helper, TensorProto
import pytest
import torch

from tests.priors.test_focal_shift import scene

SIZE = (90, 120)
FOCAL, SHIFT = 1.5, 0.4


def written(path, *, mask='mask', image=TensorProto.FLOAT, rows='height'):
    """Write a network whose points are the image's colors, with scale num_tokens / 1000."""
    nodes = [
        helper.make_node('Transpose', ['image'], ['points'], perm=[0, 2, 3, 1]),
        helper.make_node('Gather', ['image', 'forward'], ['z'], axis=1),
        helper.make_node('Sigmoid', ['z'], [mask]),
        helper.make_node('Neg', ['points'], ['normal']),
        helper.make_node('Cast', ['num_tokens'], ['tokens'], to=image),
        helper.make_node('Div', ['tokens', 'thousand'], ['scale']),
        helper.make_node('Shape', ['image'], ['batch'], end=1),
        helper.make_node('Expand', ['scale', 'batch'], ['metric_scale']),
    ]
    constants = [
        helper.make_tensor('forward', TensorProto.INT64, [], [2]),
        helper.make_tensor('thousand', image, [], [1000.0]),
    ]
    given = [
        helper.make_tensor_value_info('image', image, ['batch_size', 3, rows, 'width']),
        helper.make_tensor_value_info('num_tokens', TensorProto.INT64, []),
    ]
    found = [
        helper.make_tensor_value_info(name, image, None)
        for name in ('points', 'normal', mask, 'metric_scale')
    ]
    graph = helper.make_graph(nodes, 'moge', given, found, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=8)
    onnx.save(model, path)
    return path


def attached(where, backend='onnx', **options):
    prior = build_prior('moge2', str(where), **options)
    execution = choose('cpu', 'fp32', 0, backend)
    prior.attach_backend(ModelRunners(execution, BackendOptions(max_abs_rel=0.1)), 'prior')
    return prior


def camera(size):
    half_px = math.hypot(*size) / 2.0
    return Intrinsics.from_fov(
        size[1], size[0], 2.0 * math.degrees(math.atan(size[1] / 2.0 / (FOCAL * half_px)))
    )


@pytest.mark.parametrize('known', [True, False])
def test_an_onnx_file_gives_metres(tmp_path, known):
    file = written(tmp_path / 'model.onnx')
    prior = attached(tmp_path)
    for size in (SIZE, (50, 131)):
        points, _, usable = scene(size, FOCAL, SHIFT)
        points[:, 2:] = torch.where(usable, points[:, 2:], -1.0)
        found = prior.predict(points, camera(size) if known else None).depth_B1HW
        assert torch.equal(torch.isfinite(found), usable)
        wanted = (points[:, 2:] + SHIFT) * 3.6
        torch.testing.assert_close(found[usable], wanted[usable], rtol=1e-3, atol=0.0)
    (line,) = prior.describe()
    assert line.endswith(f' MB, {file}')


def test_a_short_side_gives_it_fewer_patches(tmp_path):
    prior = attached(written(tmp_path / 'any_name.onnx'), short_side=140)
    points, _, _ = scene(SIZE, FOCAL, SHIFT)
    found = prior.predict(points.expand(2, -1, -1, -1), None).depth_B1HW
    patches = 10 * 13
    torch.testing.assert_close(
        found,
        ((points[:, 2:] + SHIFT) * patches / 1000.0).expand(2, -1, -1, -1),
        rtol=1e-3,
        atol=0,
    )


def test_another_backend_is_refused(tmp_path):
    file = written(tmp_path / 'model.onnx')
    with pytest.raises(BackendError, match='backend torch cannot run; use backend:=onnx'):
        attached(file, 'torch')
    with pytest.raises(BackendError, match=r'model\.onnx is an ONNX file; use backend:=onnx'):
        build_prior('moge2', str(file)).predict(torch.rand(1, 3, *SIZE), None)


def test_files_of_other_networks_are_refused(tmp_path, subtests):
    rgb = torch.rand(1, 3, *SIZE)
    cases = [
        (written(tmp_path / 'a.onnx', mask='valid'), 'has no output mask, only points, normal'),
        (
            written(tmp_path / 'b.onnx', image=TensorProto.DOUBLE),
            r'image is of type tensor\(double',
        ),
    ]
    for file, message in cases:
        with subtests.test(message), pytest.raises(BackendError, match=message):
            attached(file).predict(rgb, None)
    (tmp_path / 'c.onnx').write_bytes(b'nothing')
    (tmp_path / 'd.onnx').write_bytes(b'')  # as of a download that has just begun
    for name in ('c.onnx', 'd.onnx'):
        with pytest.raises(BackendError, match=r'ONNX Runtime cannot load .*; get the file again'):
            attached(tmp_path / name).predict(rgb, None)
    fixed = written(tmp_path / 'e.onnx', rows=518)
    with pytest.raises(BackendError, match=r'e\.onnx does not take such an image: '):
        attached(fixed).predict(rgb, None)


def test_what_names_an_onnx_file(monkeypatch, tmp_path):
    from huggingface_hub import constants

    file = written(tmp_path / 'model.onnx')
    assert onnx_file(str(file)) == onnx_file(str(tmp_path)) == file
    (tmp_path / 'config.json').write_text('{}')
    assert onnx_file(str(tmp_path)) is None, 'an imported model'
    assert onnx_file('small') is onnx_file('Ruicheng/moge-2-vits-normal') is None
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    with pytest.raises(WeightsError, match='Ruicheng/moge-2-vits-normal-onnx is not a local fold'):
        onnx_file('Ruicheng/moge-2-vits-normal-onnx')
