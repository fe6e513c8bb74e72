# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stamps as text, in every unit that files use."""

from decimal import Decimal

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.stamps import (
    DATES_START_S,
    NS_PER_S,
    parsed_stamp,
    PER_S,
    stamp_ns,
    stamp_text,
    STAMPS_END_S,
    unit_of,
)
from hypothesis import given, strategies
import pytest


def test_unix_time_keeps_its_nanoseconds():
    assert stamp_ns(parsed_stamp('1305031102.175304123'), 's') == 1305031102175304123
    assert stamp_text(1305031102175304123) == '1305031102.175304123'
    assert stamp_text(5) == '0.000000005'
    assert stamp_ns(parsed_stamp('1.3e1'), 's') == 13 * NS_PER_S
    assert stamp_ns(parsed_stamp('0'), 's') == 0


def test_what_is_no_stamp_is_refused(subtests):
    cases = ['', 'x', 'nan', '-inf', '-1', '1e999999999', '²', '2147483648e9']
    for text in cases:
        with subtests.test(text=text), pytest.raises(InputError, match='is not a time'):
            parsed_stamp(text)


def test_seconds_beyond_32_bits_are_refused_and_not_wrapped():
    for unit, per_s in PER_S.items():
        last = Decimal(STAMPS_END_S * per_s - 1)
        assert stamp_ns(last, unit) == (STAMPS_END_S * per_s - 1) * (NS_PER_S // per_s)
        with pytest.raises(InputError, match=r'is not from 0 to 2147483648 s'):
            stamp_ns(last + 1, unit)


@given(
    unit=strategies.sampled_from(list(PER_S)),
    start_ns=strategies.integers(DATES_START_S * NS_PER_S, STAMPS_END_S * NS_PER_S // 2),
    step_ns=strategies.integers(10**6, 10**10),
    frames=strategies.integers(1, 9),
)
def test_unit_of_dates_is_found(unit, start_ns, step_ns, frames):
    per_unit = NS_PER_S // PER_S[unit]
    times = [(start_ns + index * step_ns) // per_unit for index in range(frames)]
    assert unit_of([Decimal(time) for time in times]) == unit


@given(
    unit=strategies.sampled_from(['ms', 'us', 'ns']),
    step_ns=strategies.integers(12 * 10**6, 10**9),
    frames=strategies.integers(2, 300),
)
def test_unit_of_simulation_time_from_0_is_found(unit, step_ns, frames):
    per_unit = NS_PER_S // PER_S[unit]
    times = [index * step_ns // per_unit for index in range(frames)]
    assert unit_of([Decimal(time) for time in times]) == unit


def test_seconds_stay_seconds(subtests):
    cases = [
        ['0', '0.033'],
        ['0', '1', '2'],
        ['0', '33.0', '66.0'],
        ['7'],
        ['1700000000', '1700003600'],
    ]
    for times in cases:
        with subtests.test(times=times):
            assert unit_of([Decimal(time) for time in times]) == 's'


def test_one_stamp_of_another_unit_changes_nothing():
    times = ['1000.0', '1000.1', '1700000000000000000', '1000.3']
    assert unit_of([Decimal(time) for time in times]) == 's'


def test_seconds_among_stamps_of_another_unit_are_refused():
    seconds = ['1403636579.7', '1403636579.733']
    mixed = [
        Decimal(word) for word in (*seconds, *(str(1403636579766 + 33 * i) for i in range(4)))
    ]
    with pytest.raises(
        InputError, match=r'such as 1403636579\.7 are seconds, others such as 14036'
    ):
        unit_of(mixed)
    stamps = [Decimal('1.5'), *(Decimal(1403636579763555584 + i * 10**8) for i in range(3))]
    with pytest.raises(
        InputError, match=r'such as 1\.5 are seconds, others such as \d+'
    ) as caught:
        unit_of(stamps)
    assert any(f'others such as {stamp} are' in str(caught.value) for stamp in stamps)
    assert unit_of([Decimal(f'{1403636579766 + 33 * i}.5') for i in range(4)]) == 'ms'
