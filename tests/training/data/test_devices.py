# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from training.data.devices import training_device


@pytest.mark.parametrize(
    ('gpu', 'environment', 'expected'),
    [
        (False, {}, 'cpu'),
        (True, {}, 'cuda:0'),
        (True, {'LOCAL_RANK': '3'}, 'cuda:3'),
        (True, {'LOCAL_RANK': '3', 'ACCELERATE_USE_CPU': 'true'}, 'cpu'),
        (True, {'ACCELERATE_USE_CPU': '1'}, 'cpu'),
        (True, {'ACCELERATE_USE_CPU': 'false'}, 'cuda:0'),
    ],
)
def test_a_process_has_the_device_that_accelerate_gives_it(
    monkeypatch, gpu, environment, expected
):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: gpu)
    for name in ('LOCAL_RANK', 'ACCELERATE_USE_CPU'):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert training_device() == torch.device(expected)
