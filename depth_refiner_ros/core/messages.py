# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Values of any type and length as a few words of a one-line message."""

import reprlib
from typing import Any

SHOWN_CHARACTERS = 120

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = SHOWN_CHARACTERS
_SHORT.maxlevel = 3


def shown(value: Any) -> str:
    """Return a value for a message: on one line, cut short where it is long."""
    try:
        words = printable(_SHORT.repr(value))
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return f'{type(value).__name__} of thousands of digits'
    return words if len(words) <= SHOWN_CHARACTERS else words[:SHOWN_CHARACTERS] + '...'


def printable(words: str) -> str:
    """Return a text on one line, with ``?`` in place of what a terminal cannot show."""
    if words.isprintable():
        return words
    return ''.join(letter if letter.isprintable() else '?' for letter in ' '.join(words.split()))
