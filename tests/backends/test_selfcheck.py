# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.onnx_export import export_onnx, FILE, onnx_facts
from depth_refiner_ros.backends.registry import BackendOptions, ModelRunners
from depth_refiner_ros.backends.selfcheck import check_image, Deviation, deviation, IMAGE
from depth_refiner_ros.core.errors import BackendError
import numpy as np
import onnx
import pytest
import torch

from tests.backends.networks import block, block_inputs, on_cpu


def test_deviation_is_relative_to_value_or_typical_size():
    reference = torch.tensor([3.0, -4.0, 0.0, 0.0])
    rms = 2.5
    found = deviation(reference + torch.tensor([0.3, 0.0, 0.25, 0.5]), reference)
    assert found.median == pytest.approx(0.1)
    assert found.p99 == pytest.approx(0.25 / rms), 'the second largest of four'
    assert deviation(reference, reference) == Deviation(0.0, 0.0)


@pytest.mark.parametrize('odd', [torch.nan, torch.inf])
def test_what_is_not_finite_deviates_infinitely(odd):
    reference = torch.ones(4)
    assert deviation(torch.full((4,), odd), reference).p99 == np.inf


def test_the_worst_of_several_outputs_counts():
    one = torch.ones(4)
    assert deviation((one, one * 1.5), (one, one)).p99 == pytest.approx(0.5)
    with pytest.raises(ValueError, match='zip'):
        deviation((one,), (one, one))


def test_the_picture_is_small_and_of_any_size():
    assert IMAGE.stat().st_size < 200_000
    rgb = check_image(64, 48)
    assert (tuple(rgb.shape), rgb.dtype) == ((1, 3, 48, 64), torch.uint8)
    assert float(rgb.float().std()) > 20.0, 'a flat picture would hide faults'


def spoilt(cache, module, key, inputs, factor):
    """Replace the sound ONNX file by one with changed weights in one layer."""

    def build(folder):
        export_onnx(module, inputs, folder / FILE)
        model = onnx.load(folder / FILE)
        weights = next(value for value in model.graph.initializer if len(value.dims) == 4)
        changed = onnx.numpy_helper.to_array(weights) * np.float32(factor)
        weights.CopyFrom(onnx.numpy_helper.from_array(changed, weights.name))
        onnx.save(model, folder / FILE)

    cache.entry(f'{key}-onnx', onnx_facts(module, inputs, 'fp32'), build)


def test_a_backend_that_gives_wrong_numbers_is_refused(tmp_path):
    module, inputs = block(), block_inputs()
    spoilt(EngineCache(tmp_path), module, 'prior', inputs, -2.0)
    with pytest.raises(BackendError) as caught:
        on_cpu('onnx', tmp_path, max_abs_rel=0.1)(module, 'prior')(*inputs)
    text = str(caught.value)
    assert text.startswith('self-check: prior with backend onnx in fp32 differs from fp32 torch')
    for part in ('median', 'p99', 'selfcheck.max_abs_rel = 0.1', 'use backend:=torch'):
        assert part in text
    unchecked = on_cpu('onnx', tmp_path)(module, 'prior')(*inputs)
    assert deviation(unchecked, module(*inputs)).p99 > 0.1, 'the file was wrong indeed'


def test_a_refused_backend_stays_refused(tmp_path):
    module, inputs = block(), block_inputs()
    spoilt(EngineCache(tmp_path), module, 'prior', inputs, -2.0)
    network = on_cpu('onnx', tmp_path, max_abs_rel=0.1)(module, 'prior')
    for _ in range(2):
        with pytest.raises(BackendError, match=r'^self-check'):
            network(*inputs)


def test_a_sound_backend_passes_and_says_how_well(tmp_path):
    networks = on_cpu('onnx', tmp_path, max_abs_rel=0.1)
    network = networks(block(), 'prior')
    assert networks.describe() == []
    network(*block_inputs())
    assert network.deviation.p99 < 1e-4
    (line,) = networks.describe()
    assert line == f'self-check: prior differs from fp32 torch by {network.deviation}'


def test_the_size_that_differs_most_is_the_one_that_is_told(tmp_path):
    module, cache = block(), EngineCache(tmp_path)
    spoilt(cache, module, 'prior', block_inputs(12), 1.001)
    network = on_cpu('onnx', tmp_path, max_abs_rel=0.1)(module, 'prior')
    found = []
    for size in (8, 12, 16):
        network(*block_inputs(size))
        found.append(network.deviation.p99)
    assert found[0] < 1e-4 < found[1] == found[2]


def test_what_nobody_asked_for_gives_way_to_fp32_torch_where_it_fails(tmp_path):
    lines, module, inputs = [], block(), block_inputs()

    def made(*, auto):
        how = Execution(device=torch.device('cpu'), precision='bf16', auto=auto)
        options = BackendOptions(engine_cache=str(tmp_path), max_abs_rel=1e-6, log=lines.append)
        return ModelRunners(how, options)(module, 'block')

    with pytest.raises(BackendError, match='self-check: block with backend torch in bf16 differs'):
        made(auto=False)(*inputs)
    run = made(auto=True)
    for _ in range(2):
        assert torch.equal(run(*inputs), module(*inputs))
        run._runners.clear()  # as after many other sizes
    assert len(lines) == 1
    assert lines[0].endswith('at this size fp32 torch runs it, more slowly')
