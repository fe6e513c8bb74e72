# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from training.float32_compute import compute_in_float32


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.SiLU(), nn.Conv2d(8, 2, 3)]
    return nn.Sequential(*layers).to(torch.bfloat16)


@pytest.mark.parametrize('recompute', [False, True])
def test_it_computes_what_float32_computes_with_these_weights(recompute):
    image = torch.randn(1, 3, 12, 10)
    wide = network().float()
    expected = wide(image)
    expected.square().sum().backward()
    narrow = network()
    compute_in_float32(narrow)
    found = checkpoint(narrow, image, use_reentrant=False) if recompute else narrow(image)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    found.square().sum().backward()
    for name, weight in narrow.named_parameters():
        assert weight.dtype == weight.grad.dtype == torch.bfloat16
        gradient = dict(wide.named_parameters())[name].grad
        torch.testing.assert_close(weight.grad, gradient.to(torch.bfloat16))


def test_layers_have_their_weights_again_after_a_pass_and_after_an_error():
    narrow = network()
    before = {name: weight.data_ptr() for name, weight in narrow.named_parameters()}
    compute_in_float32(narrow)
    narrow(torch.randn(1, 3, 12, 10).to(torch.bfloat16))
    with pytest.raises(RuntimeError):
        narrow(torch.randn(1, 4, 12, 10))
    assert {name: weight.data_ptr() for name, weight in narrow.named_parameters()} == before
