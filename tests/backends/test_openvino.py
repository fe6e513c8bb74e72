# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""OpenVINO runs the networks that ONNX Runtime runs, and in bfloat16, too."""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
import os
import subprocess
import sys

from depth_refiner_ros.backends.exported_or_torch import MOST_SIZES
from depth_refiner_ros.backends.onnx_runtime import GivenRunner
from depth_refiner_ros.backends.openvino_runtime import OpenVinoRunner
from depth_refiner_ros.backends.registry import ModelRunners
from depth_refiner_ros.backends.selfcheck import deviation
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.models.onnx_file import OnnxFile
import pytest
import torch

from tests.backends.networks import block, block_inputs, network, NETWORKS, on_cpu
from tests.backends.test_exported_or_torch import runners

pytestmark = pytest.mark.skipif(find_spec('openvino') is None, reason='needs OpenVINO')


@pytest.mark.parametrize('name', NETWORKS)
def test_every_kind_of_network_gives_what_torch_gives(engines, name):
    module, inputs = network(name)
    run = on_cpu('openvino', engines, max_abs_rel=1e-3)(module, name)
    result = run(*inputs)
    assert isinstance(run.runners()[0], OpenVinoRunner)
    assert deviation(result, module(*inputs)).p99 < 1e-4


def test_results_are_kept_and_inputs_of_any_layout_are_taken(engines):
    module, inputs = block(), block_inputs()
    run = on_cpu('openvino', engines)(module, 'block')
    result = run(*inputs)
    kept = result.clone()
    assert result.dtype == torch.float32
    run(*(one * 0.1 for one in inputs))
    assert torch.equal(result, kept), 'results of two calls do not share memory'
    turned = inputs[0].permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2)
    assert torch.equal(run(turned, inputs[1]), kept)


def test_bfloat16_is_less_exact_than_fp32_and_good_enough(engines):
    module, inputs = block(), block_inputs()
    result = on_cpu('openvino', engines, precision='bf16', max_abs_rel=0.1)(module, 'b')(*inputs)
    assert result.dtype == torch.float32
    assert deviation(result, module(*inputs)).p99 < 0.05


def test_it_shares_the_files_of_onnx_runtime_but_for_networks_with_group_norms(tmp_path):
    module, inputs = torch.nn.Conv2d(3, 8, 3), (torch.randn(1, 3, 8, 8),)
    on_cpu('onnx', tmp_path)(module, 'conv')(*inputs)
    on_cpu('openvino', tmp_path, precision='bf16')(module, 'conv')(*inputs)
    assert len(list(tmp_path.iterdir())) == 1
    on_cpu('onnx', tmp_path)(block(), 'block')(*block_inputs())
    made = on_cpu('openvino', tmp_path)
    path = made.backend.build(block(), 'block', block_inputs())
    assert len(list(tmp_path.iterdir())) == 3
    content = path.read_bytes()
    assert b'ReduceMean' in content
    assert b'InstanceNormalization' not in content
    assert b'GroupNormalization' not in content


def test_a_file_of_another_is_left_to_onnx_runtime(tmp_path):
    module, inputs = block(), block_inputs()
    path = on_cpu('onnx', tmp_path).backend.build(module, 'block', inputs)
    given = OnnxFile(path, ('add',))
    with pytest.raises(BackendError, match='has no output add, only'):
        on_cpu('openvino', tmp_path)(given, 'given')(*inputs)
    outputs = tuple(
        out.name for out in on_cpu('onnx', tmp_path).backend.session(path).get_outputs()
    )
    run = on_cpu('openvino', tmp_path, precision='bf16')(OnnxFile(path, outputs), 'given')
    assert deviation(run(*inputs)[0], module(*inputs)).p99 < 1e-4, 'in fp32, as it came'
    assert isinstance(run.runners()[0], GivenRunner)


def test_a_spoilt_file_is_one_line(tmp_path):
    module, inputs = block(), block_inputs()
    made = on_cpu('openvino', tmp_path)
    path = made.backend.build(module, 'block', inputs)
    made.backend.build = lambda *_: path.write_bytes(b'no model') and path
    with pytest.raises(BackendError, match=r'OpenVINO cannot load .*; use backend:=torch'):
        made(module, 'block')(*inputs)


def test_torch_in_the_same_number_format_takes_over_after_three_sizes(tmp_path):
    lines, module = [], block()
    made = runners(tmp_path, lines.append, backend='openvino', precision='bf16')
    assert (made.backend.name, made.backend.precision) == ('openvino', 'bf16')
    assert not made.backend.exact
    made = ModelRunners(made.execution, made._options.__class__(engine_cache=str(tmp_path)))
    run = made(module, 'block')
    for size in range(8, 8 + MOST_SIZES + 1):
        inputs = block_inputs(size)
        result = run(*inputs)
        assert deviation(result, module(*inputs)).p99 < 0.05
    assert not made.backend.exact, 'torch in bf16 is compared with fp32, too'
    assert not torch.equal(result, module(*inputs))


@pytest.mark.parametrize(('device', 'precision'), [('cpu', 'fp16'), ('cuda', 'fp32')])
def test_what_it_cannot_run_is_refused(tmp_path, device, precision):
    from depth_refiner_ros.backends.engine_cache import EngineCache
    from depth_refiner_ros.backends.openvino_runtime import OpenVinoBackend

    with pytest.raises(BackendError, match='runs on the CPU in fp32 or bf16, not on'):
        OpenVinoBackend(torch.device(device), precision, EngineCache(tmp_path, print))


def test_several_threads_may_use_one_network(engines):
    module = block()
    run = on_cpu('openvino', engines)(module, 'block')
    images = [tuple(value * scale for value in block_inputs(64)) for scale in (1.0, 2.0, 3.0)]
    expected = [run(*image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda count: run(*images[count % 3]), range(300)))
    assert all(torch.equal(result, expected[count % 3]) for count, result in enumerate(found))


def test_its_telemetry_is_never_imported(tmp_path):
    (tmp_path / 'openvino_telemetry.py').write_text('raise SystemExit("it reports this import")')
    code = (
        'import sys\n'
        'from depth_refiner_ros.backends.openvino_runtime import _openvino\n'
        "assert _openvino().__name__ == 'openvino'\n"
        "assert 'openvino_telemetry' not in sys.modules\n"
    )
    environment = {**os.environ, 'PYTHONPATH': str(tmp_path)}
    done = subprocess.run(
        [sys.executable, '-c', code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
