# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime that nobody asked for gives way to torch where its exports do not pay."""

from depth_refiner_ros.backends.engine_cache import CacheError
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.exported_or_torch import MOST_SIZES
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.backends.selfcheck import deviation
import pytest
import torch

from tests.backends.networks import block, block_inputs


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
    pytest.importorskip('openvino')
    module, inputs = block(), block_inputs()
    weights = sum(weight.numel() for weight in module.parameters())
    for most, files in ((weights, 1), (weights - 1, 0)):
        monkeypatch.setattr('depth_refiner_ros.backends.registry.MOST_WEIGHTS', most)
        made = runners(tmp_path / str(most), backend='openvino')
        made(module, 'block')(*inputs)
        assert len(list((tmp_path / str(most)).glob('*'))) == files
