# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

from depth_refiner_ros.backends import execution as module
from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.settings.networks import BACKENDS
import pytest
import torch


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)


@pytest.mark.usefixtures('no_gpu')
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(BackendError, match='device = cuda, but torch sees no CUDA GPU'):
        choose('cuda')


@pytest.mark.parametrize(
    ('fast', 'installed', 'expected'),
    [
        (True, ('onnx', 'ncnn', 'openvino'), ('openvino', 'bf16')),
        (True, ('onnx', 'ncnn'), ('torch', 'bf16')),
        (True, ('openvino',), ('torch', 'bf16')),
        (True, (), ('torch', 'bf16')),
        (False, ('onnx', 'ncnn', 'openvino'), ('ncnn', 'fp32')),
        (False, ('onnx', 'ncnn'), ('ncnn', 'fp32')),
        (False, ('onnx',), ('onnx', 'fp32')),
        (False, ('ncnn',), ('torch', 'fp32')),
        (False, (), ('torch', 'fp32')),
    ],
)
@pytest.mark.usefixtures('no_gpu')
def test_auto_on_a_cpu_takes_what_is_fastest_there(monkeypatch, fast, installed, expected):
    monkeypatch.setattr(module, 'fast_bf16', lambda: fast)
    monkeypatch.setattr(module, '_has', lambda modules: modules[0] in installed)
    execution = choose()
    assert execution.device.type == 'cpu'
    assert (execution.backend, execution.precision) == expected
    assert choose(precision='fp32').backend == 'torch', 'a named precision leaves torch'


@pytest.mark.parametrize(
    ('backend', 'precision'),
    [
        ('torch', 'bf16'),
        ('compiled', 'bf16'),
        ('onnx', 'fp32'),
        ('ncnn', 'fp32'),
        ('openvino', 'bf16'),
        ('tensorrt', 'fp16'),
    ],
)
@pytest.mark.usefixtures('no_gpu')
def test_each_backend_has_its_own_number_format(monkeypatch, backend, precision):
    monkeypatch.setattr(module, 'fast_bf16', lambda: True)
    execution = choose(backend=backend)
    assert (execution.backend, execution.precision) == (backend, precision)


def test_runtimes_are_looked_for_without_loading_them():
    assert module._has(module.ONNX_MODULES)
    assert module._has(module.NCNN_MODULES)
    assert set(module.ONNX_MODULES) == {'onnx', 'onnxruntime', 'onnxscript'}
    assert set(module.NCNN_MODULES) == {'ncnn', 'pnnx'}


def test_auto_takes_the_gpu_in_half_precision(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    execution = choose()
    assert (execution.device.type, execution.precision) == ('cuda', 'fp16')
    assert execution.backend == 'torch'
    assert choose('cpu').device.type == 'cpu'


def test_half_precision_is_not_for_cpus():
    with pytest.raises(BackendError, match='precision = fp16 is for GPUs'):
        choose('cpu', 'fp16')


@pytest.mark.parametrize(('device', 'precision'), [('tpu', 'fp32'), ('cpu', 'int8')])
def test_unknown_words_are_refused(device, precision):
    with pytest.raises(BackendError, match=f"'{device}'.*'{precision}'"):
        choose(device, precision)


def test_an_unknown_backend_is_refused():
    with pytest.raises(BackendError, match="backend = 'tvm'"):
        choose(backend='tvm')


def test_every_backend_can_be_asked_for():
    assert BACKENDS == module.BACKENDS, 'settings do not load torch, so the list is there twice'


def test_threads_are_set_and_zero_leaves_them():
    before = torch.get_num_threads()
    try:
        choose('cpu', 'fp32', threads=3)
        assert torch.get_num_threads() == 3
        choose('cpu', 'fp32')
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ('precision', 'dtype'), [('fp32', torch.float32), ('bf16', torch.bfloat16)]
)
def test_networks_run_in_the_chosen_format_without_gradients(precision, dtype):
    layer = torch.nn.Linear(3, 2)
    with choose('cpu', precision).running():
        result = layer(torch.ones(1, 3))
    assert result.dtype == dtype
    assert not result.requires_grad
    assert layer.weight.dtype == torch.float32


def test_this_machine_says_whether_it_is_fast():
    assert module.fast_bf16() in (True, False)


@pytest.mark.parametrize(
    ('given', 'expected'),
    [({}, '10000'), ({'GOMP_SPINCOUNT': '7'}, '7'), ({'OMP_WAIT_POLICY': 'active'}, 'None')],
)
def test_idle_threads_do_not_spin_unless_the_user_says_so(given, expected):
    names = ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')
    plain = {name: value for name, value in os.environ.items() if name not in names}
    code = "import depth_refiner_ros, os; print(os.environ.get('GOMP_SPINCOUNT'))"
    done = subprocess.run(
        [sys.executable, '-c', code],
        env={**plain, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected
