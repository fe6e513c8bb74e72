# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np
import pytest


@pytest.mark.parametrize(
    ('brightest', 'bits'), [(1, 10), (1023, 10), (1024, 12), (4095, 12), (9000, 14), (65535, 16)]
)
def test_the_range_is_found_from_the_brightest_value(brightest, bits):
    lines = []
    found = BitRange(log=lines.append)
    full = 2**bits - 1
    values = np.array([[0, brightest]], np.uint16)
    np.testing.assert_array_equal(found.to_uint8(values), np.rint(values * (255 / full)))
    assert found.bits == bits
    assert len(lines) == 1
    assert f'use {bits} bits (brightest value so far {brightest})' in lines[0]


def test_the_range_never_shrinks_and_is_said_when_it_grows():
    lines = []
    found = BitRange(log=lines.append)
    black = np.zeros((2, 2), np.uint16)
    assert not found.to_uint8(black).any()
    assert lines == []
    bright = np.full((2, 2), 3000, np.uint16)
    for _ in range(3):
        found.to_uint8(bright)
        found.to_uint8(black)
    assert found.to_uint8(np.full((2, 2), 100, np.uint16))[0, 0] == round(100 * 255 / 4095)
    assert len(lines) == 1
    found.to_uint8(np.full((2, 2), 5000, np.uint16))
    assert [line.split(' bits')[0] for line in lines] == [
        '16-bit images use 12',
        '16-bit images use 14',
    ]


def test_a_range_that_is_told_holds():
    told = BitRange(12, log=pytest.fail)
    np.testing.assert_array_equal(
        told.to_uint8(np.array([[0, 4095, 65535, 2048]], np.uint16)), [[0, 255, 255, 128]]
    )
    assert told.bits == 12


def test_three_channels_share_one_range():
    values = np.zeros((2, 2, 3), np.uint16)
    values[..., 2] = 1000
    assert BitRange().to_uint8(values)[0, 0].tolist() == [0, 0, round(1000 * 255 / 1023)]


@pytest.mark.parametrize('bits', [1, 7])
def test_a_range_of_fewer_bits_than_8_is_refused(bits):
    with pytest.raises(SettingsError, match=f'image_bits = {bits} must be 8 to 16, or 0'):
        BitRange(bits)
