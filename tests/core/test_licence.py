# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which licence texts forbid commercial use."""

from depth_refiner_ros.core.licence import is_non_commercial


def test_commercial_use(subtests):
    cases = [
        ('CC BY-NC 4.0', True),
        ('CC BY-NC-SA 4.0', True),
        ('cc-by-nc-4.0', True),
        ('BSD-2-Clause, non-commercial', True),
        ('noncommercial use', True),
        ('Apple AMLR (research only)', True),
        ('Apache-2.0', False),
        ('OpenRAIL++-M', False),
        ('BSD-3-Clause-Clear', False),
        ('MIT', False),
        ('Tencent', False),
        ('', False),
    ]
    for licence, forbids in cases:
        with subtests.test(licence=licence):
            assert is_non_commercial(licence) is forbids
