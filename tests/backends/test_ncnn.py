# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ncnn runs networks of 3 x 3 convolutions, and leaves all others to ONNX Runtime."""

import shutil
import subprocess
import sys

from depth_refiner_ros.backends.engine_cache import CacheError
from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.backends.exported_or_torch import ExportedOrTorch
from depth_refiner_ros.backends.ncnn_runtime import NcnnRunner, PARAM, pays
from depth_refiner_ros.backends.onnx_runtime import OnnxRunner
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.backends.selfcheck import deviation
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from depth_refiner_ros.models.onnx_file import OnnxFile
import pytest
import torch

from tests.backends.networks import block as mixed_block
from tests.backends.networks import block_inputs, network, NETWORKS, on_cpu, ready
from tests.full_disk import full_disk
from tests.tiny_networks import small, TASK, tiny_lotus


def block(seed=0):
    made = mixed_block(seed)
    made.only_convolutions = True
    return made


def small_unet():
    return ready(FoldedUnet(small().unet, 1))


def test_it_gives_what_torch_gives_for_each_image_of_a_batch(tmp_path):
    module, inputs = block(), tuple(torch.cat([one, one * 0.5]) for one in block_inputs())
    run = on_cpu('ncnn', tmp_path, max_abs_rel=1e-4)(module, 'block')
    result = run(*inputs)
    assert isinstance(run.runners()[0], NcnnRunner)
    assert result.dtype == torch.float32
    assert deviation(result, module(*inputs)).p99 < 1e-4
    kept = result.clone()
    run(*(one * 0.1 for one in inputs))
    assert torch.equal(result, kept), 'results of two calls do not share memory'
    turned = inputs[0].permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2)
    assert torch.equal(run(turned, inputs[1]), kept)


def test_the_unet_of_a_small_refiner_runs_in_it(tmp_path):
    module = small_unet()
    sample = torch.randn(1, module.unet.config.in_channels, 24, 32)
    run = on_cpu('ncnn', tmp_path, max_abs_rel=1e-4)(module, 'unet')
    result = run(sample)
    assert isinstance(run.runners()[0], NcnnRunner)
    assert deviation(result, module(sample)).p99 < 1e-4
    assert on_cpu('ncnn', tmp_path).backend.build(module, 'unet', (sample,)).exists()
    assert sorted(path.name for path in next(tmp_path.iterdir()).iterdir()) == [
        'entry.json',
        'model.ncnn.bin',
        'model.ncnn.param',
    ]


def test_cells_are_packed_outside_it(tmp_path):
    module, inputs = network('on_pixels')
    both = tuple(torch.cat([one, one * 0.5]) for one in inputs)
    run = on_cpu('ncnn', tmp_path, max_abs_rel=1e-4)(module, 'unet')
    assert deviation(run(*both), module(*both)).p99 < 1e-4
    assert on_cpu('ncnn', tmp_path).backend.build(module, 'unet', inputs).name == PARAM
    assert len(list(tmp_path.iterdir())) == 1, 'the file of the UNet inside'


@pytest.mark.parametrize('name', ['prior', 'lite0_prior', 'any_view', 'at_points'])
def test_networks_that_it_makes_no_faster_run_in_onnx_runtime(engines, name):
    module, inputs = network(name)
    run = on_cpu('ncnn', engines)(module, name)
    assert deviation(run(*inputs), module(*inputs)).p99 < 1e-4
    assert isinstance(run.runners()[0], OnnxRunner)


@pytest.mark.parametrize('name', NETWORKS)
def test_every_kind_of_network_runs(engines, name):
    module, inputs = network(name)
    result = on_cpu('ncnn', engines, max_abs_rel=1e-3)(module, name)(*inputs)
    assert deviation(result, module(*inputs)).p99 < 1e-4


def test_only_networks_that_say_so_are_for_it(tmp_path):
    assert not pays(torch.nn.Identity())
    assert not pays(mixed_block())
    assert not pays(OnnxFile(tmp_path / 'any.onnx', ('depth',)))
    assert not pays(
        ready(FoldedUnet(tiny_lotus(), 999, torch.zeros(1, 2, 12), torch.tensor(TASK)))
    )
    assert pays(small_unet())


def test_a_second_start_converts_nothing(tmp_path, monkeypatch):
    expected = on_cpu('ncnn', tmp_path)(block(), 'block')(*block_inputs())

    def fail(*_, **__):
        raise AssertionError('converted again')

    monkeypatch.setattr(subprocess, 'run', fail)
    assert torch.equal(on_cpu('ncnn', tmp_path)(block(), 'block')(*block_inputs()), expected)
    with pytest.raises(AssertionError, match='converted again'):
        on_cpu('ncnn', tmp_path)(block(1), 'block')(*block_inputs())


@pytest.mark.parametrize('program', ['/bin/false', '/no/such/program'])
def test_what_cannot_be_converted_runs_in_onnx_runtime_and_says_so(tmp_path, program):
    lines, module, inputs = [], block(), block_inputs()
    made = on_cpu('ncnn', tmp_path, log=lines.append)
    made.backend._converter = program
    run = made(module, 'block')
    assert deviation(run(*inputs), module(*inputs)).p99 < 1e-4
    assert isinstance(run.runners()[0], OnnxRunner)
    assert len(lines) == 1
    assert 'block runs in ONNX Runtime, more slowly: pnnx' in lines[0]
    assert [path.name.rpartition('-')[0] for path in tmp_path.iterdir()] == ['block-onnx']
    assert made.backend.build(module, 'block', inputs).name == 'model.onnx'


HALF_A_CONVERTER = """#!/bin/sh
printf 7767517 > model.ncnn.param
: > model.ncnn.bin
"""
"""As pnnx on a full disk: it writes what it can, and ends with code 0."""


def cut_short(made, folder):
    program = folder / 'converter'
    program.write_text(HALF_A_CONVERTER)
    program.chmod(0o755)
    made.backend._converter = str(program)


def test_what_the_converter_left_incomplete_is_not_kept(tmp_path):
    lines, module, inputs = [], block(), block_inputs()
    made = on_cpu('ncnn', tmp_path / 'cache', log=lines.append)
    cut_short(made, tmp_path)
    run = made(module, 'block')
    assert deviation(run(*inputs), module(*inputs)).p99 < 1e-4
    assert 'ncnn cannot load what pnnx made of it' in lines[0]
    assert [path.name.rpartition('-')[0] for path in (tmp_path / 'cache').iterdir()] == [
        'block-onnx'
    ]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    made = on_cpu('ncnn', tmp_path / 'cache')
    with full_disk(100), pytest.raises(CacheError, match='engine cache: cannot write'):
        made(block(), 'block')(*block_inputs())
    cut_short(made, tmp_path)
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, 'disk_usage', lambda folder: usage)
    with pytest.raises(CacheError, match='No space left on device'):
        made(block(), 'block')(*block_inputs())
    assert list((tmp_path / 'cache').iterdir()) == []


def test_files_of_another_network_are_refused(tmp_path):
    (tmp_path / 'model.ncnn.param').write_text('7767517\n1 1\nNothing a 0 1 out0\n')
    (tmp_path / 'model.ncnn.bin').write_bytes(b'')
    backend = on_cpu('ncnn', tmp_path).backend
    with pytest.raises(BackendError, match=r'ncnn cannot load .*; remove .* or use backend:=onnx'):
        backend._loaded(tmp_path / 'model.ncnn.param')


@pytest.mark.parametrize(('device', 'precision'), [('cpu', 'bf16'), ('cuda', 'fp32')])
def test_it_is_for_fp32_on_the_cpu(tmp_path, device, precision):
    how = Execution(device=torch.device(device), precision=precision, backend='ncnn')
    with pytest.raises(BackendError, match=f'ncnn runs on the CPU in fp32, not on {device} in'):
        ModelRunners(how, BackendOptions(engine_cache=str(tmp_path)))


@pytest.mark.parametrize('missing', ['ncnn', 'pnnx'])
def test_a_missing_package_is_one_line(tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(BackendError, match=f'needs {missing}; run: pip install ncnn pnnx'):
        on_cpu('ncnn', tmp_path)


def test_auto_takes_it_and_torch_from_a_fourth_size_on(tmp_path, monkeypatch):
    monkeypatch.setattr('depth_refiner_ros.backends.execution.fast_bf16', lambda: False)
    lines = []
    made = ModelRunners(
        choose('cpu'), BackendOptions(engine_cache=str(tmp_path), log=lines.append)
    )
    assert isinstance(made.backend, ExportedOrTorch)
    assert (made.backend.name, made.backend.fix) == ('ncnn', 'use backend:=onnx')
    run = made(block(), 'block')
    for size in (8, 12, 16, 20):
        run(*block_inputs(size))
    kinds = [isinstance(runner, NcnnRunner) for runner in run.runners()]
    assert kinds == [True, True, True, False]
    assert 'backend:=ncnn exports them all' in lines[0]
