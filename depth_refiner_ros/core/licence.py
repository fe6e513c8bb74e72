"""What a licence's text says about commercial use."""

import re

NON_COMMERCIAL = re.compile(r'\bNC\b|non-?commercial|research only', re.IGNORECASE)


def is_non_commercial(licence: str) -> bool:
    """Return whether a licence's text rules out commercial use, or leaves that in doubt."""
    return bool(NON_COMMERCIAL.search(licence))
