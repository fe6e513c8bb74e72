# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime that nobody asked for gives way to torch where its exports do not pay."""

from importlib.util import find_spec
import sys

from depth_refiner_ros.backends.engine_cache import CacheError
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.exported_or_torch import MOST_SIZES
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.backends.selfcheck import deviation
from depth_refiner_ros.core.errors import BackendError
import pytest
import torch

from tests.backends.networks import block, block_inputs


def without(package):
    """Skip a test; not by importing it, which OpenVINO would report to a web service."""
    if find_spec(package) is None:
        pytest.skip(f'needs {package}')


def runners(folder, log=lambda line: None, *, auto=True, backend='onnx', precision='fp32'):
    how = Execution(
        device=torch.device('cpu'), precision=precision, backend=backend, threads=1, auto=auto
    )
    return ModelRunners(how, BackendOptions(engine_cache=str(folder), max_abs_rel=1e-3, log=log))


def test_photographs_of_many_sizes_are_not_exported_one_by_one(tmp_path):
    lines, module = [], block()
    made = runners(tmp_path, lines.append)
    run = made(module, 'block')
    for size in range(8, 8 + 2 * MOST_SIZES):
        inputs = block_inputs(size)
        assert deviation(run(*inputs), module(*inputs)).p99 < 1e-4
        assert made.judged == (size < 8 + MOST_SIZES - 1), 'torch is not compared with torch'
    assert len(list(tmp_path.iterdir())) == MOST_SIZES
    assert len(lines) == 1
    assert f'more than {MOST_SIZES} sizes of images: torch runs' in lines[0]
    assert torch.equal(run(*inputs), module(*inputs)), 'the last one is torch itself'
    first = block_inputs(8)
    assert not torch.equal(run(*first), module(*first)), 'what was exported stays'


def test_a_network_that_gets_two_shapes_for_an_image_is_exported_for_as_many_images(tmp_path):
    lines, module = [], block()
    module.shapes_per_size = 2
    made = runners(tmp_path, lines.append)
    run = made(module, 'block')
    for size in range(8, 8 + 2 * MOST_SIZES):
        assert made.judged
        run(*block_inputs(size))
    assert len(list(tmp_path.iterdir())) == 2 * MOST_SIZES
    assert not lines
    assert not made.judged


def test_a_cache_that_cannot_be_written_ends_no_run_that_did_not_ask_for_it(tmp_path):
    (tmp_path / 'file').write_text('')
    place, lines, module = tmp_path / 'file' / 'cache', [], block()
    made = runners(place, lines.append)
    run, inputs = made(module, 'block'), block_inputs()
    assert torch.equal(run(*inputs), module(*inputs))
    run(*block_inputs(12))
    assert len(lines) == 1
    assert 'engine cache: cannot make the folder' in lines[0]
    assert 'torch runs networks until then' in lines[0]
    with pytest.raises(CacheError, match='set another folder in option engine_cache'):
        runners(place, auto=False)(module, 'block')(*inputs)


def test_large_networks_stay_in_torch_where_only_small_ones_were_compared(tmp_path, monkeypatch):
    without('openvino')
    module, inputs = block(), block_inputs()
    weights = sum(weight.numel() for weight in module.parameters())
    for most, files in ((weights, 1), (weights - 1, 0)):
        lines = []
        monkeypatch.setattr('depth_refiner_ros.backends.registry.MOST_WEIGHTS', most)
        made = runners(tmp_path / str(most), lines.append, backend='openvino')
        made(module, 'block')(*inputs)
        assert len(list((tmp_path / str(most)).glob('*'))) == files
        assert lines == [] if files else 'block runs in torch: it has more than' in lines[0]


class Unexportable(torch.nn.Module):
    def forward(self, values):
        return torch.linalg.svd(values).S


@pytest.mark.parametrize('backend', ['onnx', 'openvino'])
def test_a_network_that_cannot_be_exported_runs_in_torch_where_nobody_asked(tmp_path, backend):
    without(f'{backend}runtime' if backend == 'onnx' else backend)
    lines, module, values = [], Unexportable(), torch.rand(1, 4, 4)
    run = runners(tmp_path, lines.append, backend=backend)(module, 'odd')
    assert torch.equal(run(values), module(values))
    run(torch.rand(2, 4, 4))
    assert len(lines) == 1
    assert lines[0].startswith('odd runs in torch: the network cannot be exported to ONNX')
    with pytest.raises(BackendError, match='cannot be exported to ONNX'):
        runners(tmp_path, auto=False, backend=backend)(module, 'odd')(values)


def test_openvino_that_cannot_be_imported_is_named_and_torch_runs(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'openvino', None)
    lines, module, inputs = [], block(), block_inputs()
    run = runners(tmp_path, lines.append, backend='openvino')(module, 'block')
    assert torch.equal(run(*inputs), module(*inputs))
    assert len(lines) == 1
    assert lines[0].startswith('backend = openvino needs OpenVINO (')
    with pytest.raises(BackendError, match='needs OpenVINO'):
        runners(tmp_path, auto=False, backend='openvino')
