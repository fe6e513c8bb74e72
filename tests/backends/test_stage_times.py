# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
import time

from depth_refiner_ros.backends.stage_times import stages_timed_by, StageTimes
from depth_refiner_ros.bench.clocks import host_clock
import pytest
import torch

PACKAGE = Path(__file__).resolve().parents[2] / 'depth_refiner_ros'


def test_stages_are_timed_by_the_wall_unless_a_benchmark_says_otherwise():
    threads, times = torch.get_num_threads(), StageTimes(torch.device('cpu'))
    torch.set_num_threads(1)
    try:
        with times.stage('robot'):
            time.sleep(0.05)
        with stages_timed_by(host_clock(torch.device('cpu'))), times.stage('bench'):
            time.sleep(0.05)
    finally:
        torch.set_num_threads(threads)
    assert times['robot'] >= 50.0
    assert times['bench'] < 25.0


def test_stages_are_timed_in_their_order():
    times = StageTimes(torch.device('cpu'))
    for name, seconds in (('prior', 0.02), ('refiner', 0.04)):
        with times.stage(name):
            time.sleep(seconds)
    assert list(times) == ['prior', 'refiner']
    assert times['prior'] >= 20.0
    assert times['refiner'] >= 40.0
    assert sum(times.values()) == times['prior'] + times['refiner']
    assert {**times} == dict(times.items())
    with pytest.raises(KeyError):
        times['align']


def test_nothing_but_the_benchmarks_makes_the_host_wait_for_the_whole_gpu():
    waiting = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob('*.py')
        if 'cuda.synchronize' in path.read_text(encoding='utf-8')
    }
    assert waiting == {'bench'}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA GPU')
def test_a_stage_on_a_gpu_takes_what_its_kernels_take():
    times = StageTimes(torch.device('cuda'))
    value = torch.rand(4096, 4096, device='cuda')
    with times.stage('product'):
        value @ value
    assert 0.0 < times['product'] < 1e3
