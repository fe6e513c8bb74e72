# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Format values of any type and length for a one-line message."""

from collections.abc import Iterable, Mapping
import difflib
from pathlib import Path
import reprlib
from typing import Any

SHOWN_CHARACTERS = 120

MORE_JSON = 'Extra data'
"""What Python's parser says of a file of JSON lines."""

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


def counted(number: int, noun: str, plural: str = '') -> str:
    """
    Return a number with its noun, such as ``1 frame`` and ``2 frames``.

    :param plural: of the noun where an s alone does not make it
    """
    return f'{number} {noun}' if number == 1 else f'{number} {plural or noun + "s"}'


def frames_line(frames_in: int, frames_out: int, lost: Mapping[str, int]) -> str:
    """
    Return the counts of a run, such as ``3 frames in, 1 out, lost: 2 no depth``.

    :param lost: reason to number of frames
    """
    reasons = ', '.join(f'{count} {reason}' for reason, count in lost.items())
    return f'{counted(frames_in, "frame")} in, {frames_out} out, lost: {reasons or "none"}'


def nearest(word: Any, known: Iterable[str], cutoff: float = 0.6) -> str:
    """
    Return a hint at the known name most like an unknown one, such as ``; did you mean cosine?``.

    :param cutoff: of the similarity, 0 to 1; '' is returned where no name reaches it
    """
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(word)[:SHOWN_CHARACTERS].lower(), folded, 1, cutoff)
    return f'; did you mean {folded[near[0]]}?' if near else ''


def first_line(error: Exception) -> str:
    """Return the first line of a library's error message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def not_parsed(path: Path, language: str, error: Exception) -> str:
    """Return a message with the file, the line and what a parser of YAML or JSON found there."""
    mark = getattr(error, 'problem_mark', None)
    line = getattr(error, 'lineno', None) if mark is None else mark.line + 1
    found = getattr(error, 'problem', None) or getattr(error, 'msg', None) or error
    fix = 'the file may be cut short: complete it or copy it again'
    if found == MORE_JSON:
        fix = 'one value is wanted: put [ ] around all lines and commas between them'
    where = str(path) if line is None else f'{path}, line {line}'
    return f'{where}: this is not {language} ({printable(str(found))}); {fix}'
