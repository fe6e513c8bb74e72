# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""RVL against codes written out by hand, and against an encoder of the paper's few lines."""

import struct

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.ros.image import depth_from_message, is_depth
from depth_refiner_ros.sources.ros.rvl import decoded_rvl
import numpy as np
import pytest

from tests.sources.ros import bags


def message_of(width: int, height: int, *words: int) -> np.ndarray:
    return np.frombuffer(
        struct.pack('<II', width, height) + struct.pack(f'<{len(words)}I', *words), np.uint8
    )


def encoded(values: np.ndarray) -> np.ndarray:
    """Encode as the paper does, one pixel at a time."""
    nibbles: list[int] = []

    def put(number: int) -> None:
        while True:
            nibble, number = number & 7, number >> 3
            nibbles.append(nibble | 8 if number else nibble)
            if not number:
                return

    flat, previous, index = values.ravel().astype(int).tolist(), 0, 0
    while index < len(flat):
        start = index
        while index < len(flat) and flat[index] == 0:
            index += 1
        put(index - start)
        start = index
        while index < len(flat) and flat[index] != 0:
            index += 1
        put(index - start)
        for value in flat[start:index]:
            difference, previous = value - previous, value
            put(2 * difference if difference >= 0 else -2 * difference - 1)
    nibbles += [0] * (-len(nibbles) % 8)
    words = [
        sum(nibble << 28 - 4 * place for place, nibble in enumerate(nibbles[start : start + 8]))
        for start in range(0, len(nibbles), 8)
    ]
    return message_of(values.shape[1], values.shape[0], *words)


def test_codes_by_hand():
    # 0 zeros (0), 2 numbers (2): +1 -> 2, -2 -> 3, then 2 zeros (2), 0 numbers (0).
    np.testing.assert_array_equal(decoded_rvl(message_of(2, 2, 0x0223_2000)), [[1, 65535], [0, 0]])
    # 1 zero, 3 numbers: 1000 -> 2000 = 0o3720 in groups from the lowest 0 2 7 3, all but the last
    # with their high bit: 8 a f 3; 0 -> 0; -1 -> 1.
    np.testing.assert_array_equal(
        decoded_rvl(message_of(4, 1, 0x138A_F301)), [[0, 1000, 1000, 999]]
    )
    # A blank image: 307200 zeros = 0o1130000, groups 0 0 0 0 3 1 1; no number.
    blank = decoded_rvl(message_of(640, 480, 0x8888_B910))
    assert blank.shape == (480, 640)
    assert not blank.any()


def test_what_an_encoder_writes_comes_back(subtests):
    for seed in range(8):
        with subtests.test(seed=seed):
            rng = np.random.default_rng(seed)
            values = rng.integers(0, 65536, (rng.integers(1, 40), rng.integers(1, 40))).astype(
                np.uint16
            )
            values[rng.random(values.shape) < rng.random()] = 0
            smooth = np.cumsum(rng.integers(-3, 4, values.size)).reshape(values.shape) + 2000
            for image in (
                values,
                smooth.astype(np.uint16),
                np.where(values, smooth, 0).astype(np.uint16),
            ):
                np.testing.assert_array_equal(decoded_rvl(encoded(image)), image)


def test_depth_messages_of_both_kinds():
    head = struct.pack('<iff', 0, 0.0, 0.0)
    units = np.array([[0, 1500, 1501], [65535, 2, 0]], np.uint16)
    message = bags.compressed(0, head + encoded(units).tobytes(), '16UC1; compressedDepth rvl')
    assert is_depth(message, '/any')
    np.testing.assert_allclose(
        depth_from_message(message), [[np.nan, 1.5, 1.501], [np.nan, 0.002, np.nan]], rtol=1e-6
    )
    scale, offset = 10100.0, 100.0
    head = struct.pack('<iff', 0, scale, offset)
    codes = np.array([[10200, 0]], np.uint16)
    message = bags.compressed(0, head + encoded(codes).tobytes(), '32FC1; compressedDepth rvl')
    np.testing.assert_allclose(depth_from_message(message), [[1.0, np.nan]])


def test_damage_is_named(subtests):
    cases = [
        (message_of(4, 1)[:7], 'is cut short'),
        (message_of(4, 1), 'is cut short'),
        (message_of(0, 4, 0), 'has no usable size'),
        (message_of(2**31, 2**31, 0), 'has no usable size'),
        (message_of(4, 1, 0x138A_FF01), 'cut short'),
        (message_of(640, 480, 0x2), 'cut short after'),
        (message_of(4, 1, 0x0700_0000), 'is damaged or cut short after 0 pixels'),
        (message_of(4, 1, 0x5000_0000), 'is damaged or cut short after 5 pixels'),
        (message_of(4, 1, 0xFFFF_FFFF, 0xFFFF_0000), 'a number of more than 32 bits'),
    ]
    for data, words in cases:
        with subtests.test(words), pytest.raises(InputError, match=words):
            decoded_rvl(data)


def test_a_noisy_image_of_a_camera_comes_back():
    rng = np.random.default_rng(0)
    image = (np.cumsum(rng.integers(-2, 3, 640 * 480)) + 3000).astype(np.uint16)
    image[rng.random(image.size) < 0.1] = 0
    data = encoded(image.reshape(480, 640))
    np.testing.assert_array_equal(decoded_rvl(data), image.reshape(480, 640))
