# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Text files of lines that begin with a stamp: TUM trajectories and indices of images."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
import re
from typing import Generic, TypeVar

from depth_refiner_ros.core.errors import InputError, MappingError
from depth_refiner_ros.core.stamps import parsed_stamp, stamp_ns, stamp_text, unit_of
from depth_refiner_ros.core.text_file import read_text

Value = TypeVar('Value')
SEPARATOR = re.compile(r'[\s,]+')
REPEATED = 'repeated stamp'
BROKEN = 'unreadable line'


@dataclass(frozen=True, kw_only=True)
class StampedLine(Generic[Value]):
    """
    A line that could be read.

    :param where: file and line, for messages
    """

    where: str
    stamp_ns: int
    value: Value


@dataclass(frozen=True, kw_only=True)
class LineFault:
    """
    A line that is ignored.

    :param reason: ``BROKEN`` or ``REPEATED``
    :param detail: one line with file, line number and what is wrong with it
    """

    where: str
    reason: str
    detail: str


def read_stamped_lines(
    path: Path, parse: Callable[[str], Value], log: Callable[[str], None]
) -> list[StampedLine[Value] | LineFault]:
    """
    Read the lines ``stamp rest``; '#' starts a comment line.

    Readable lines are sorted by stamp; faults stay in the order of the file. Stamps may be in s,
    ms, us or ns, with one unit for the whole file (:func:`unit_of`).

    :param parse: returns the value of ``rest``, or raises InputError or MappingError
    :param log: called with one line if the unit is not seconds, and one if the lines were not
        in order of time
    :raises MappingError: if the file cannot be read
    """
    stamps: dict[int, Decimal] = {}
    values: dict[int, Value] = {}
    faults: dict[int, LineFault] = {}
    for number, line in _content_lines(path):
        where = f'{path}, line {number}'
        try:
            word, *rest = SEPARATOR.split(line.strip(), maxsplit=1)
            stamps[number], values[number] = parsed_stamp(word), parse(''.join(rest))
        except (InputError, MappingError) as error:
            stamps.pop(number, None)
            faults[number] = LineFault(where=where, reason=BROKEN, detail=f'{where}: {error}')
    try:
        unit = unit_of(list(stamps.values())) if stamps else 's'
    except InputError as error:
        raise MappingError(f'{path}: {error}') from error
    if unit != 's':
        number = min(stamps)
        log(f'{path}, line {number}: stamps such as {stamps[number]} are read as {unit}')
    lines: dict[int, StampedLine[Value]] = {}
    for number, value in values.items():
        where = f'{path}, line {number}'
        try:
            time_ns = stamp_ns(stamps[number], unit)
            lines[number] = StampedLine(where=where, stamp_ns=time_ns, value=value)
        except InputError as error:
            faults[number] = LineFault(where=where, reason=BROKEN, detail=f'{where}: {error}')
    return _sorted(path, _without_repeats(lines, faults), faults, log)


def usable(lines: Iterable[StampedLine[Value] | LineFault]) -> list[StampedLine[Value]]:
    """Return the lines that could be read."""
    return [line for line in lines if isinstance(line, StampedLine)]


def first_fault(lines: Iterable[StampedLine[Value] | LineFault]) -> LineFault | None:
    """Return the first line that is ignored, None if there is none."""
    return next((line for line in lines if isinstance(line, LineFault)), None)


def _content_lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = read_text(path)
    except InputError as error:
        raise MappingError(str(error)) from error
    return [
        (number, line)
        for number, line in enumerate(text.split('\n'), start=1)
        if line.strip() and not line.lstrip().startswith('#')
    ]


def _without_repeats(
    lines: dict[int, StampedLine[Value]], faults: dict[int, LineFault]
) -> dict[int, StampedLine[Value]]:
    first: dict[int, int] = {}
    for number, line in lines.items():
        if (earlier := first.setdefault(line.stamp_ns, number)) != number:
            faults[number] = LineFault(
                where=line.where,
                reason=REPEATED,
                detail=f'{line.where}: stamp {stamp_text(line.stamp_ns)} s is that of line '
                f'{earlier}',
            )
    return {number: line for number, line in lines.items() if number not in faults}


def _sorted(
    path: Path,
    lines: dict[int, StampedLine[Value]],
    faults: dict[int, LineFault],
    log: Callable[[str], None],
) -> list[StampedLine[Value] | LineFault]:
    in_time = sorted(lines.values(), key=lambda line: line.stamp_ns)
    moved = sum(one is not other for one, other in zip(in_time, lines.values()))
    if moved:
        log(f'{path}: {moved} lines are not in order of time and were sorted')
    rest = iter(in_time)
    return [faults.get(number) or next(rest) for number in sorted([*lines, *faults])]
