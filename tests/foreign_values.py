# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Values of foreign types and sizes, as JSON and YAML files may hold them.

``make test`` draws the same ones every time, so that failures have a cause in the code.
``FUZZ=20 make test ARGS='-k foreign'`` draws new ones, 20 times as many.
"""

import os

from hypothesis import HealthCheck, settings, strategies

CAMPAIGN = int(os.environ.get('FUZZ', '0'))


def fuzzed(examples):
    """Return the settings of a fuzzed test."""
    return settings(
        max_examples=examples * max(1, CAMPAIGN),
        derandomize=not CAMPAIGN,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


NUMBERS = strategies.one_of(
    strategies.integers(),
    strategies.integers(-(10**400), 10**400),
    strategies.floats(),
    strategies.sampled_from([0, 1, -1, 1e300, 1e-300, 10**400, 2**31, 2**63]),
)
VALUES = strategies.recursive(
    strategies.none() | strategies.booleans() | NUMBERS | strategies.text(max_size=8),
    lambda inner: (
        strategies.lists(inner, max_size=4)
        | strategies.dictionaries(strategies.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def changes_of(names):
    """Return changes of a few named values."""
    return strategies.dictionaries(
        strategies.sampled_from(sorted(names)), VALUES, min_size=1, max_size=3
    )
