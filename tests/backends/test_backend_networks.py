# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The same network on every backend of this machine, and what happens around it."""

import gc
import shutil
import weakref

from depth_refiner_ros.backends import compiled as compiled_module
from depth_refiner_ros.backends.compiled import CompiledBackend
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.mixed_precision import placed, reduced
from depth_refiner_ros.backends.model_runner import MAX_SIZES
from depth_refiner_ros.backends.onnx_runtime import OnnxBackend
from depth_refiner_ros.backends.selfcheck import deviation
from depth_refiner_ros.core.errors import BackendError
import pytest
import torch

from tests.backends.networks import block, block_inputs, network, NETWORKS, on_cpu
from tests.tiny_networks import metric_network

CPU = torch.device('cpu')


@pytest.mark.parametrize(
    ('backend', 'precision', 'bound'),
    [
        ('torch', 'fp32', 0.0),
        ('torch', 'bf16', 0.1),
        ('onnx', 'fp32', 1e-4),
        ('compiled', 'fp32', 1e-4),
    ],
)
def test_every_backend_gives_what_torch_gives(engines, backend, precision, bound):
    module, inputs = block(), block_inputs()
    run = on_cpu(backend, engines, precision, max_abs_rel=0.1)(module, 'block')
    result = run(*inputs)
    assert result.dtype == torch.float32
    assert deviation(result, module(*inputs)).p99 <= bound
    assert torch.equal(run(*inputs), result)


@pytest.mark.parametrize('name', NETWORKS)
def test_every_kind_of_network_runs_in_onnx(engines, name):
    module, inputs = network(name)
    result = on_cpu('onnx', engines)(module, name)(*inputs)
    assert deviation(result, module(*inputs)).p99 < 1e-4


def test_results_of_two_calls_do_not_share_memory(engines):
    run = on_cpu('onnx', engines)(block(), 'block')
    image, rays = block_inputs()
    first = run(image, rays)
    kept = first.clone()
    run(image * 0.5, rays)
    assert torch.equal(first, kept)


def test_a_strided_or_half_input_is_read_right(engines):
    run = on_cpu('onnx', engines)(block(), 'block')
    image, rays = block_inputs()
    expected = run(image, rays)
    turned = image.permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2)
    assert not turned.is_contiguous()
    assert torch.equal(run(turned, rays), expected)
    assert torch.equal(run(image.double(), rays), expected)


def test_a_second_start_exports_nothing(tmp_path, monkeypatch):
    expected = on_cpu('onnx', tmp_path)(block(), 'block')(*block_inputs())

    def fail(*_, **__):
        raise AssertionError('exported again')

    monkeypatch.setattr(torch.onnx, 'export', fail)
    assert torch.equal(on_cpu('onnx', tmp_path)(block(), 'block')(*block_inputs()), expected)
    with pytest.raises(AssertionError, match='exported again'):
        on_cpu('onnx', tmp_path)(block(1), 'block')(*block_inputs())


def test_each_shape_is_prepared_once(tmp_path):
    run = on_cpu('torch', tmp_path, 'bf16')(block(), 'block')
    prepared = []
    real = run._backend.prepare
    run._backend.prepare = lambda *given: prepared.append(given[2][0].shape[-1]) or real(*given)
    for size in (8, 16, 8, 16):
        assert run(*block_inputs(size)).shape == (1, 2, size, size)
    assert prepared == [8, 16]
    for size in range(20, 30):
        run(*block_inputs(size))
    assert len(run._runners) == 8, 'a folder of photographs does not fill the memory'


def test_it_works_within_the_autocast_and_inference_mode_of_a_frame(engines):
    module, inputs = block(), block_inputs()
    run = on_cpu('torch', engines)(module, 'block')
    expected = module(*inputs)
    with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16):
        rounded = tuple(value * 1.0 for value in inputs)
        exact = run(*rounded)
        exported = on_cpu('onnx', engines)(module, 'block')(*rounded)
    assert torch.equal(exact, expected)
    assert deviation(exported, expected).p99 < 1e-4


def test_weights_are_cast_once_with_the_numbers_of_autocast():
    module, inputs = block(), block_inputs()
    with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
        expected = module(*inputs).float()
    run = reduced(module, CPU, 'bf16')
    assert torch.equal(run(*inputs), expected)
    assert run.module.conv.weight.dtype == torch.bfloat16
    assert run.module.norm.weight.dtype == torch.float32
    assert module.conv.weight.dtype == torch.float32, 'the given one stays'


def test_convolutions_have_their_channels_last(tmp_path):
    run = on_cpu('torch', tmp_path, 'bf16')(block(), 'block')
    run(*block_inputs())
    (there,) = run.runners()
    for module in (run.module, there.module):
        assert module.conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_weights_that_need_no_cast_are_shared():
    module = block()
    same = placed(module, CPU, torch.float32)
    assert same is not module
    assert same.conv.weight.data_ptr() == module.conv.weight.data_ptr()


def test_what_a_network_keeps_exact_stays_exact():
    module = metric_network()
    half = placed(module, CPU, torch.bfloat16)
    assert half.head.weight.dtype == torch.float32
    assert half.context.qkv.weight.dtype == torch.bfloat16
    rgb, rays = torch.rand(1, 3, 64, 64), torch.zeros(1, 2, 64, 64)
    assert reduced(module, CPU, 'bf16')(rgb, rays).dtype == torch.float32


def test_build_only_leaves_a_file_and_runs_on_torch(tmp_path):
    module, inputs = block(), block_inputs()
    result = on_cpu('onnx', tmp_path, build_only=True)(module, 'block')(*inputs)
    assert torch.equal(result, module(*inputs))
    assert len(list(tmp_path.glob('block-onnx-*/model.onnx'))) == 1
    with pytest.raises(BackendError, match='backend torch builds nothing ahead of time'):
        on_cpu('torch', tmp_path, build_only=True)


def test_half_precision_is_not_for_onnx_on_a_cpu(tmp_path):
    with pytest.raises(BackendError, match='on a CPU only in fp32, not bf16'):
        on_cpu('onnx', tmp_path, 'bf16')


def test_a_missing_provider_is_named(tmp_path):
    with pytest.raises(BackendError, match=r'no CUDAExecutionProvider.*onnxruntime-gpu'):
        OnnxBackend(torch.device('cuda'), 'fp32', None)


@pytest.mark.filterwarnings('ignore:Specified provider')
def test_a_session_on_another_device_is_refused(engines):
    """A GPU build without CUDA's libraries: the provider is listed, the session falls back."""
    backend = OnnxBackend(CPU, 'fp32', EngineCache(engines))
    path = backend.build(block(), 'block', block_inputs())
    assert backend.session(path).get_providers() == ['CPUExecutionProvider']
    backend.device = torch.device('cuda')
    with pytest.raises(
        BackendError,
        match=r'CUDAExecutionProvider does not start on this machine .* only '
        'CPUExecutionProvider; use device:=cpu or backend:=torch',
    ):
        backend.session(path)


def test_what_cannot_be_exported_is_one_line(tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, image):
            return image * 2.0 if float(image.sum()) > 0 else image

    with pytest.raises(BackendError, match=r'cannot be exported to ONNX: .*use backend:=torch'):
        on_cpu('onnx', tmp_path)(Odd(), 'odd')(torch.ones(1, 3, 4, 4))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_onnx_runtime_refuses_is_named(tmp_path):
    backend = OnnxBackend(CPU, 'fp32', None)
    (tmp_path / 'bad.onnx').write_bytes(b'\x08\x01nonsense')
    with pytest.raises(BackendError, match=r'cannot load .*bad\.onnx'):
        backend.session(tmp_path / 'bad.onnx')


def test_without_a_compiler_compiled_says_what_to_type(monkeypatch):
    monkeypatch.setattr(shutil, 'which', lambda name: None)
    with pytest.raises(BackendError, match=r'needs a C\+\+ compiler; run: sudo apt-get install'):
        CompiledBackend(CPU, 'fp32')
    assert compiled_module.COMPILERS


@pytest.fixture
def graphs(monkeypatch):
    """Compile to the traced graph itself, in milliseconds; return a reference to each graph."""
    made = []

    def keep(graph, example):
        made.append(weakref.ref(graph))
        return graph.forward

    monkeypatch.setattr(compiled_module, 'COMPILER', keep)
    return made


def test_a_process_may_compile_any_number_of_networks_and_shapes(graphs, tmp_path):
    made = on_cpu('compiled', tmp_path, 'bf16', max_abs_rel=0.1)
    for seed in range(4):
        module = block(seed)
        run = made(module, 'block')
        for size in (8, 12, 16):
            inputs = block_inputs(size)
            for _ in range(2):
                assert deviation(run(*inputs), module(*inputs)).p99 < 0.1
    assert len(graphs) == 12, 'one for each network and shape, of whatever class'


def test_a_shape_that_gives_way_leaves_nothing_behind(graphs, tmp_path):
    run = on_cpu('compiled', tmp_path)(block(), 'block')
    for size in range(8, 32):
        run(*block_inputs(size))
    gc.collect()
    assert len(graphs) == 24
    assert sum(graph() is not None for graph in graphs) == MAX_SIZES


def test_what_does_not_compile_is_one_line(tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, image):
            torch._dynamo.graph_break()
            return image

    with pytest.raises(BackendError, match=r'odd does not compile: .*backend:=torch') as caught:
        on_cpu('compiled', tmp_path)(Odd(), 'odd')(torch.ones(1, 3, 4, 4))
    assert '\n' not in str(caught.value)
