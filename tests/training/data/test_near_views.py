# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The near views of rendered rooms are a split."""

from depth_refiner_ros.core.errors import SourceError
import numpy as np
import pytest
from training.config import SourceConfig
from training.data.registry import open_samples


def test_near_views_of_rendered_rooms_are_a_split(rooms, subtests):
    whole = open_samples(SourceConfig(path=str(rooms)))
    medians = [
        np.median(depth[depth > 0])
        for depth in (whole[index].depth_m_HW[::8, ::8] for index in range(len(whole)))
    ]
    bound = round(float(np.median(medians)), 2)
    near = open_samples(SourceConfig(path=str(rooms), split=f'nearer-{bound}m'))
    assert 0 < len(near) < len(whole)
    expected = [whole[index].name for index, median in enumerate(medians) if median < bound]
    assert [near[index].name for index in range(len(near))] == expected
    for split, message in (
        ('nearer-0.01m', 'has no view with a median depth below 0.01 m'),
        ('near', 'no split .*near.*; leave split out, or name a bound'),
        ('nearer-1.3', 'such as nearer-1.3m'),
    ):
        with subtests.test(split=split), pytest.raises(SourceError, match=message):
            open_samples(SourceConfig(path=str(rooms), split=split))
