# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether a licence's text allows commercial use."""

import re

NON_COMMERCIAL = re.compile(r'\bNC\b|non-?commercial|research only', re.IGNORECASE)


def is_non_commercial(licence: str) -> bool:
    """Whether a licence's text rules out commercial use, or leaves it in doubt."""
    return bool(NON_COMMERCIAL.search(licence))
