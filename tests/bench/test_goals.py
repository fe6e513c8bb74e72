# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The sentence about a time and its budget."""

from depth_refiner_ros.bench.show import against_goal
import pytest


@pytest.mark.parametrize(
    ('ms', 'told'),
    [
        (72.61, 'total: 72.6 ms, within 167 ms, the goal of this package for two CPU cores'),
        (667.0, 'total: 667.0 ms, 4 times 167 ms, the goal of this package for two CPU cores'),
    ],
)
def test_a_time_is_within_its_budget_or_a_multiple_of_it(ms, told):
    assert against_goal('total', ms, 167.0) == told
