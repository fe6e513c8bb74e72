# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Format values of any type and length for a one-line message."""

import reprlib
from typing import Any

SHOWN_CHARACTERS = 120

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = SHOWN_CHARACTERS
_SHORT.maxlevel = 3


def shown(value: Any) -> str:
    """Return a value for a message: on one line, and shortened if it is long."""
    try:
        words = printable(_SHORT.repr(value))
    except ValueError:  # Python does not format integers of more than 4,300 digits
        return f'{type(value).__name__} of thousands of digits'
    return words if len(words) <= SHOWN_CHARACTERS else words[:SHOWN_CHARACTERS] + '...'


def printable(words: str) -> str:
    """Return a text on one line, with ``?`` for characters that a terminal cannot show."""
    if words.isprintable():
        return words
    return ''.join(letter if letter.isprintable() else '?' for letter in ' '.join(words.split()))
