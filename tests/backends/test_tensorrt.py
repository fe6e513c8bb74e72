# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From ONNX to an engine without a GPU (TensorRT-RTX), and running it where there is one."""

import platform

from depth_refiner_ros.backends import tensorrt_api
from depth_refiner_ros.backends.cuda_graph import FrameGraph
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.selfcheck import deviation
from depth_refiner_ros.backends.tensorrt import TensorRtBackend
from depth_refiner_ros.backends.tensorrt_api import gpu_facts, load_tensorrt
from depth_refiner_ros.backends.tensorrt_build import build_engine
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.bundled import read_prior_network
import pytest
import torch

from tests.backends.networks import block, block_inputs, network, NETWORKS, on_cpu

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT-RTX has wheels for x86-64 Linux')


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)


def backend(folder, precision='fp32', target='sm86,sm89', log=lambda line: None):
    cache = EngineCache(folder, log)
    return TensorRtBackend(precision, cache, target, log, build_only=bool(target))


@pytest.mark.parametrize('name', NETWORKS)
def test_every_kind_of_network_becomes_an_engine(engines, name):
    module, inputs = network(name)
    engine = backend(engines).build(module, name, inputs)
    assert engine.stat().st_size > 10_000
    assert engine.parent.name.startswith(f'{name}-engine-')


@pytest.mark.parametrize(('name', 'precision'), [('unet', 'fp16'), ('vae_encoder', 'bf16')])
def test_attention_and_norms_build_in_half_precision(engines, name, precision):
    module, inputs = network(name)
    assert backend(engines, precision, 'sm89').build(module, name, inputs).stat().st_size > 10_000


def test_the_bundled_networks_build(engines):
    prior = read_prior_network(open_bundle('bundled', 'prior'))
    inputs = torch.rand(1, 3, 128, 160), torch.zeros(1, 2, 128, 160)
    assert backend(engines).build(prior, 'bundled_prior', inputs).stat().st_size > 1e6
    refiner = read_refiner(open_bundle('bundled', 'refiner'))
    unet = FoldedUnet(refiner.unet, refiner.spec.timestep).requires_grad_(False)
    latent = torch.rand(1, refiner.unet.config.in_channels, 120, 160)
    assert backend(engines).build(unet, 'bundled_unet', (latent,)).stat().st_size > 1e6


def test_an_engine_is_built_once_and_again_when_it_is_spoilt(tmp_path):
    told = []
    made = backend(tmp_path, log=told.append)
    module, inputs = block(), block_inputs()
    engine = made.build(module, 'block', inputs)
    content = engine.read_bytes()
    assert made.build(module, 'block', inputs) == engine
    assert sum('building block with TensorRT' in line for line in told) == 1
    engine.write_bytes(content[:-1])
    assert made.build(module, 'block', inputs).stat().st_size == len(content)
    assert sum('model.engine differs from its hash' in line for line in told) == 1
    assert sum('building block with TensorRT' in line for line in told) == 2
    assert any(path.name.startswith('timings-tensorrt_rtx-') for path in tmp_path.iterdir())


def test_network_shape_precision_and_target_are_engines_of_their_own(tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(
        'depth_refiner_ros.backends.tensorrt.build_engine',
        lambda *_, **given: built.append(given) or RESULT,
    )
    monkeypatch.setattr('depth_refiner_ros.backends.tensorrt.cached_onnx', lambda *_: None)
    places = {
        backend(tmp_path).build(block(), 'block', block_inputs()),
        backend(tmp_path).build(block(1), 'block', block_inputs()),
        backend(tmp_path).build(block(), 'block', block_inputs(16)),
        backend(tmp_path, 'fp16').build(block(), 'block', block_inputs()),
        backend(tmp_path, target='sm89').build(block(), 'block', block_inputs()),
    }
    assert len(places) == len(built) == 5
    assert [given['targets'] for given in built] == [['sm86', 'sm89']] * 4 + [['sm89']]


class RESULT:
    engine, timings = b'engine', b''


def on_gpu(monkeypatch, major, minor, name='some GPU', machine='x86_64'):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda: (major, minor))
    monkeypatch.setattr(torch.cuda, 'get_device_name', lambda: name)
    monkeypatch.setattr(platform, 'machine', lambda: machine)


def test_the_key_names_gpu_capability_and_version(monkeypatch):
    trt = load_tensorrt()
    on_gpu(monkeypatch, 8, 7, 'Orin')
    full = tensorrt_api.TensorRt(trt.module, 'tensorrt', '10.3.0')
    assert gpu_facts(full, '') == {
        'flavour': 'tensorrt',
        'version': '10.3.0',
        'gpu': 'Orin',
        'capability': 'sm87',
    }
    on_gpu(monkeypatch, 8, 9)
    assert gpu_facts(trt, '') == {
        'flavour': 'tensorrt_rtx',
        'version': trt.version,
        'gpu': 'any',
        'capability': 'sm89',
    }
    assert gpu_facts(trt, 'sm89,sm86')['capability'] == 'sm86,sm89'


@pytest.mark.parametrize(('major', 'minor'), [(8, 7), (9, 0), (10, 0)])
def test_rtx_on_a_gpu_that_it_does_not_serve_is_refused_at_once(monkeypatch, major, minor):
    on_gpu(monkeypatch, major, minor)
    with pytest.raises(
        BackendError, match=rf"does not build for 'sm{major}{minor}', only for .*sm89"
    ):
        gpu_facts(load_tensorrt(), '')


def test_the_gpus_that_rtx_is_named_for_are_those_that_it_builds_for():
    kinds = load_tensorrt().module.ComputeCapability
    built = {name[2:] for name in dir(kinds) if name.startswith('SM')}
    assert {served.replace('.', '') for served in tensorrt_api.RTX_SERVES} == built


@pytest.mark.parametrize(
    ('capability', 'machine', 'wanted'),
    [
        ((8, 9), 'x86_64', 'tensorrt_rtx_cu13_libs'),
        ((12, 0), 'x86_64', 'tensorrt_rtx_cu13_libs'),
        ((9, 0), 'x86_64', 'pip install tensorrt-cu13'),
        ((9, 0), 'aarch64', 'pip install tensorrt-cu13'),
        ((8, 7), 'aarch64', 'python3-libnvinfer'),
    ],
)
def test_what_to_install_depends_on_the_gpu(monkeypatch, capability, machine, wanted):
    on_gpu(monkeypatch, *capability, machine=machine)
    monkeypatch.setattr(tensorrt_api, 'MODULES', {'no_such_tensorrt': 'tensorrt'})
    with pytest.raises(BackendError, match='TensorRT is not installed; ') as caught:
        load_tensorrt()
    hints = ('tensorrt_rtx_cu13_libs', 'pip install tensorrt-cu13', 'python3-libnvinfer')
    assert [hint for hint in hints if hint in str(caught.value)] == [wanted]


CALLED = {
    'Builder': ('create_network', 'create_builder_config', 'build_serialized_network'),
    'OnnxParser': ('parse_from_file', 'num_errors', 'get_error'),
    'IBuilderConfig': ('set_flag', 'create_timing_cache', 'set_timing_cache', 'progress_monitor'),
    'ITimingCache': ('serialize',),
    'IProgressMonitor': ('phase_start', 'phase_finish', 'step_complete'),
    'ILogger': ('ERROR', 'INTERNAL_ERROR', 'log'),
    'Logger': ('ERROR',),
    'Runtime': ('deserialize_cuda_engine',),
    'ICudaEngine': (
        'create_execution_context',
        'num_io_tensors',
        'get_tensor_name',
        'get_tensor_shape',
        'get_tensor_dtype',
        'get_tensor_mode',
    ),
    'IExecutionContext': ('set_tensor_address', 'execute_async_v3'),
    'TensorIOMode': ('INPUT',),
    'DataType': ('FLOAT', 'HALF', 'BF16'),
    'NetworkDefinitionCreationFlag': ('STRONGLY_TYPED',),
}
"""What this package calls of TensorRT 10, 11 and RTX; 10.16.1 and 11.4.0 have it too."""
RTX_ONLY = {
    'ICudaEngine': ('create_runtime_config',),
    'IRuntimeConfig': ('create_runtime_cache', 'set_runtime_cache'),
    'IRuntimeCache': ('serialize', 'deserialize'),
    'IBuilderConfig': ('num_compute_capabilities', 'set_compute_capability'),
}


@pytest.mark.parametrize('name', tensorrt_api.MODULES)
def test_an_installed_wheel_has_what_is_called_without_a_gpu(monkeypatch, name):
    """TensorRT's own libraries are only on NVIDIA's index; RTX is on PyPI."""
    pytest.importorskip(name, reason=f'{name} is not installed', exc_type=ImportError)
    flavour = tensorrt_api.MODULES[name]
    monkeypatch.setattr(tensorrt_api, 'MODULES', {name: flavour})
    trt = load_tensorrt()
    called = [*CALLED.items(), *(RTX_ONLY.items() if flavour == 'tensorrt_rtx' else ())]
    missing = [
        f'{form}.{part}'
        for form, parts in called
        for part in parts
        if not hasattr(getattr(trt.module, form, None), part)
    ]
    assert missing == []
    assert trt.strongly_typed
    assert trt.network_flags() == 1 << int(trt.module.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    assert trt.precision_flags('bf16') == []


@pytest.mark.usefixtures('no_gpu')
def test_without_a_gpu_nothing_is_run_and_a_target_is_asked_for(tmp_path):
    for options in ({}, {'target': 'sm89'}):
        with pytest.raises(
            BackendError, match=r'no CUDA GPU to run engines on; use backend:=auto'
        ):
            on_cpu('tensorrt', tmp_path, **options)
    with pytest.raises(BackendError, match=r'no CUDA GPU to build for; .* engine_target:=sm89'):
        on_cpu('tensorrt', tmp_path, build_only=True)


def test_a_gpu_that_rtx_does_not_know_is_refused_with_those_it_does(engines):
    with pytest.raises(BackendError, match=r"does not build for 'sm90', only for .*sm89"):
        backend(engines, target='sm90').build(block(), 'block', block_inputs())


def test_build_only_with_a_target_needs_no_gpu(tmp_path):
    module, inputs = block(), block_inputs()
    run = on_cpu('tensorrt', tmp_path, build_only=True, target='sm89')(module, 'block')
    assert torch.equal(run(*inputs), module(*inputs))
    assert len(list(tmp_path.glob('block-engine-*/model.engine'))) == 1


def test_a_file_that_is_no_network_is_refused_with_the_reason(tmp_path):
    (tmp_path / 'bad.onnx').write_bytes(b'nonsense')
    with pytest.raises(BackendError, match=r'cannot read bad\.onnx: .+; use backend:=onnx'):
        build_engine(load_tensorrt(), tmp_path / 'bad.onnx', precision='fp32', targets=['sm89'])


def test_old_versions_are_told_the_number_format_by_flags():
    class Flags:
        FP16 = 'fp16 flag'

    class Kinds:
        EXPLICIT_BATCH = 0

    class Old:
        BuilderFlag, NetworkDefinitionCreationFlag = Flags, Kinds

    old = tensorrt_api.TensorRt(Old, 'tensorrt', '8.5')
    assert (old.strongly_typed, old.network_flags()) == (False, 1)
    assert old.precision_flags('fp16') == ['fp16 flag']
    assert old.precision_flags('fp32') == []
    with pytest.raises(BackendError, match='cannot build for bf16; use precision:=fp16'):
        old.precision_flags('bf16')
    with pytest.raises(BackendError, match='only for the GPU of this machine'):
        old.capability('sm89')
    new = load_tensorrt()
    assert new.strongly_typed
    assert new.precision_flags('fp16') == []


@pytest.mark.usefixtures('no_gpu')
def test_where_nothing_is_installed_the_fix_is_named(monkeypatch):
    monkeypatch.setattr(tensorrt_api, 'MODULES', {'no_such_tensorrt': 'tensorrt'})
    with pytest.raises(BackendError, match='TensorRT is not installed; on a Jetson run'):
        load_tensorrt()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
@pytest.mark.parametrize(('precision', 'bound'), [('fp32', 1e-2), ('fp16', 0.1)])
@pytest.mark.parametrize('name', NETWORKS)
def test_an_engine_gives_what_torch_gives(engines, name, precision, bound):
    module, inputs = network(name)
    run = backend(engines, precision, target='').prepare(module, name, inputs)
    result = run(*(value.cuda() for value in inputs))
    assert deviation(result, module(*inputs)).p99 < bound


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
def test_an_engine_runs_beside_the_default_stream_and_within_a_frame_graph(engines):
    module, inputs = network('vae_decoder')
    run = backend(engines, target='').prepare(module, 'vae_decoder', inputs)
    (latent,) = (value.cuda() for value in inputs)
    expected = module(latent.cpu()).cuda()
    for _ in range(3):  # memory of the call before is used again
        assert deviation(run(latent * 1.0), expected).p99 < 1e-2
    assert run._own_stream is not None
    graph = FrameGraph(lambda image: (run(image * 0.5),), (latent,), alive=run)
    for scale in (1.0, 2.0):
        (result,) = graph(latent * scale)
        assert deviation(result, module(latent.cpu() * scale * 0.5)).p99 < 1e-2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
def test_kernels_that_rtx_compiles_are_kept_between_starts(tmp_path):
    module, inputs = block(), block_inputs()
    there = tuple(value.cuda() for value in inputs)
    first = backend(tmp_path, target='')
    if first._trt.flavour != 'tensorrt_rtx':
        pytest.skip('TensorRT compiles when it builds')
    expected = first.prepare(module, 'block', inputs)(*there)
    (kept,) = tmp_path.glob('runtime-block-engine-*')
    content = kept.read_bytes()
    assert content
    again = backend(tmp_path, target='').prepare(module, 'block', inputs)(*there)
    assert torch.equal(again, expected)
    assert kept.read_bytes() == content
    kept.write_bytes(b'spoilt')
    assert torch.equal(
        backend(tmp_path, target='').prepare(module, 'block', inputs)(*there), again
    )
