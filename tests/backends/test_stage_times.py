# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
import time

from depth_refiner_ros.backends.stage_times import StageTimes
import pytest
import torch

PACKAGE = Path(__file__).resolve().parents[2] / 'depth_refiner_ros'


@pytest.fixture
def set_threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_one_thread_is_timed_by_its_own_time(set_threads):
    times = StageTimes(torch.device('cpu'))
    for count, name in ((1, 'alone'), (2, 'together')):
        set_threads(count)
        with times.stage(name):
            time.sleep(0.05)
    assert times['alone'] < 25.0
    assert times['together'] >= 50.0


def test_stages_are_timed_in_their_order(set_threads):
    set_threads(2)
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
