# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.alignment import identity_fit
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.refiner.published_depth import published_depth, unreliable
from depth_refiner_ros.settings.fusion import EdgeFilterSettings
from depth_refiner_ros.settings.nodes import RefinerNodeSettings
import numpy as np
import pytest
import torch

INF, NAN = math.inf, math.nan
NO_EDGES = EdgeFilterSettings(enable=False)


def refined(rows, confidence=1.0):
    depth = torch.tensor([[rows]], dtype=torch.float32)
    return RefinedDepth(
        depth_m_B1HW=depth,
        prior_m_B1HW=depth,
        difference_B1HW=torch.zeros_like(depth),
        confidence_B1HW=torch.full_like(depth, confidence),
        scale_shift=identity_fit(depth),
    )


@pytest.mark.parametrize(
    ('out_of_range', 'wanted'),
    [
        ('inf', [-INF, 0.5, 1.0, 4.0, INF, NAN]),
        ('nan', [NAN, 0.5, 1.0, 4.0, NAN, NAN]),
        ('zero', [0.0, 0.5, 1.0, 4.0, 0.0, 0.0]),
    ],
)
def test_what_lies_outside_the_range(out_of_range, wanted):
    settings = RefinerNodeSettings(
        min_range_m=0.5, max_range_m=4.0, out_of_range=out_of_range, edge_filter=NO_EDGES
    )
    result = refined([[0.49, 0.5, 1.0, 4.0, 4.01, NAN]])
    seen = published_depth(result, settings)
    np.testing.assert_array_equal(seen[0].numpy(), np.array(wanted, np.float32))
    assert result.depth_m_B1HW[0, 0, 0, 0] == pytest.approx(0.49)


def test_low_confidence_is_unknown():
    settings = RefinerNodeSettings(min_confidence=0.5, edge_filter=NO_EDGES)
    assert published_depth(refined([[1.0]], confidence=0.5), settings).item() == 1.0
    assert math.isnan(published_depth(refined([[1.0]], confidence=0.49), settings).item())
    assert math.isnan(published_depth(refined([[1.0]], confidence=NAN), settings).item())


def test_flying_pixels_and_their_surroundings_are_unknown():
    rows = [[1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]] * 3
    depth = torch.tensor([[rows]])
    flying = unreliable(depth, None, 0.0, EdgeFilterSettings())
    assert flying[0, 0, 1].tolist() == [False, False, False, True, False, False, False]
    around = unreliable(depth, None, 0.0, EdgeFilterSettings(dilate_px=1))
    assert around[0, 0, 1].tolist() == [False, False, True, True, True, False, False]
    coarse = unreliable(depth, None, 0.0, EdgeFilterSettings(rel_jump=0.9))
    assert not coarse.any()
    assert not unreliable(depth, None, 0.0, NO_EDGES).any()
