# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Group norms by means over channels give what group norms give."""

from depth_refiner_ros.backends.pooled_norms import PooledNorm, with_pooled_norms
import pytest
import torch
from torch import nn

SHAPES = [((2, 16, 5, 7), 4, True), ((1, 8, 30), 2, True), ((2, 12, 3, 4, 5), 12, False)]


@pytest.mark.parametrize(('shape', 'groups', 'affine'), SHAPES)
def test_it_is_the_norm_far_from_zero_too(shape, groups, affine):
    torch.manual_seed(0)
    norm = nn.GroupNorm(groups, shape[1], affine=affine)
    if affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    features = torch.randn(shape) * 3.0 + 100.0
    torch.testing.assert_close(PooledNorm(norm)(features), norm(features), rtol=1e-4, atol=1e-4)


def test_a_norm_may_have_no_bias():
    norm, features = nn.GroupNorm(2, 4, bias=False), torch.randn(1, 4, 5, 6)
    nn.init.normal_(norm.weight)
    torch.testing.assert_close(PooledNorm(norm)(features), norm(features))


def test_a_network_is_left_as_it_was_and_shares_its_weights():
    inner = nn.Sequential(nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 1))
    network = nn.ModuleDict({'twice': inner, 'norm': nn.GroupNorm(4, 4)})
    made = with_pooled_norms(network)
    assert [type(part) for part in network.modules()].count(PooledNorm) == 0
    assert [type(part) for part in made.modules()].count(PooledNorm) == 2
    assert made['twice'][0].norm.weight.data_ptr() == inner[0].weight.data_ptr()
    assert made['twice'][1].weight.data_ptr() == inner[1].weight.data_ptr()
