# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stamps as whole nanoseconds, and as text in the units that files use."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
import statistics

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown

NS_PER_S = 1_000_000_000
STAMPS_END_S = 2**31
"""ROS stores seconds in a signed 32-bit number, so its stamps end in January 2038."""
PER_S = {'s': 1, 'ms': 1_000, 'us': 1_000_000, 'ns': NS_PER_S}
"""Units of stamps in files."""
DATES_START_S = 1_000_000_000
"""September 2001; earlier stamps count from the start of a device or simulation."""
USUAL_STEP_S = (Decimal('0.0005'), Decimal(10))
"""Smallest and largest usual time between two frames or poses."""
MOST_STEP_S = 3600
"""Longest time between two frames whose stamps are dates."""


def parsed_stamp(text: str) -> Decimal:
    """
    Read a stamp of unknown unit; as a float, a Unix time would be wrong by up to 100 ns.

    :raises InputError: if the text is not a number, negative, or too large in every unit
    """
    try:
        stamp = Decimal(text)
    except InvalidOperation as error:
        raise InputError(f'{shown(text)} is not a time') from error
    if not stamp.is_finite():
        raise InputError(f'{shown(text)} is not a time')
    if not 0 <= stamp < STAMPS_END_S * NS_PER_S:
        raise InputError(f'{shown(text)} is not a time from 0 to {STAMPS_END_S} s (2038)')
    return stamp


def stamp_ns(stamp: Decimal, unit: str) -> int:
    """
    Return a stamp in nanoseconds.

    :param unit: key of ``PER_S``
    :raises InputError: if the time does not fit into a ROS stamp
    """
    if not stamp < STAMPS_END_S * PER_S[unit]:
        raise InputError(
            f'stamp {stamp} {unit} is not from 0 to {STAMPS_END_S} s (2038), where ROS stamps end'
        )
    return int((stamp * (NS_PER_S // PER_S[unit])).to_integral_value())


def unit_of(stamps: Sequence[Decimal]) -> str:
    """
    Return the unit of a file's stamps, a key of ``PER_S``.

    A decimal point means seconds. Whole numbers are in the first unit in which they are dates
    after 2001 at most an hour apart, else in which their steps are usual, else in which they
    end before 2038.

    :param stamps: at least one, in the order of the file
    :raises InputError: if some have a decimal point and are seconds, but most cannot be
    """
    middle = statistics.median_high(stamps)  # one of the file, for messages
    fitting = [unit for unit, per_s in PER_S.items() if middle < STAMPS_END_S * per_s]
    decimal = [stamp for stamp in stamps if int(stamp.as_tuple().exponent) < 0]
    if decimal and fitting[0] == 's':
        return 's'
    if decimal and decimal[0] < STAMPS_END_S:
        raise InputError(
            f'stamps such as {decimal[0]} are seconds, others such as {middle} are not; write all '
            'of a file in one unit'
        )
    steps = [abs(later - former) for former, later in pairwise(stamps) if later != former]
    step = statistics.median(steps) if steps else Decimal(0)
    dates = [
        unit
        for unit in fitting
        if middle >= DATES_START_S * PER_S[unit] and step <= MOST_STEP_S * PER_S[unit]
    ]
    least_s, most_s = USUAL_STEP_S
    usual = [unit for unit in fitting if least_s <= step / PER_S[unit] <= most_s]
    return (dates + usual + fitting)[0]


def stamp_text(stamp_ns: int) -> str:
    """Return nanoseconds as decimal seconds."""
    seconds, rest = divmod(stamp_ns, NS_PER_S)
    return f'{seconds}.{rest:09d}'
