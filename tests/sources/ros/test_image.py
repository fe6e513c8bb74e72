# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import itertools
from types import SimpleNamespace

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.ros.image import depth_from_message, is_depth, rgb_from_message
from depth_refiner_ros.sources.ros.pixels import matrix_of
import numpy as np
import pytest

from tests.sources.ros import bags

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
ALPHA = np.full((6, 8, 1), 9, np.uint8)


def test_color_encodings(subtests):
    encodings = [
        ('rgb8', RGB),
        ('bgr8', RGB[..., ::-1]),
        ('8UC3', RGB[..., ::-1]),
        ('rgba8', np.concatenate([RGB, ALPHA], axis=-1)),
        ('bgra8', np.concatenate([RGB[..., ::-1], ALPHA], axis=-1)),
    ]
    for padding, (encoding, pixels) in itertools.product([0, 5], encodings):
        with subtests.test(encoding=encoding, padding=padding):
            np.testing.assert_array_equal(
                rgb_from_message(bags.image(0, pixels, encoding, padding=padding)), RGB
            )


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_becomes_three_equal_channels(encoding):
    np.testing.assert_array_equal(
        rgb_from_message(bags.image(0, RGB[..., 0], encoding)), np.repeat(RGB[..., :1], 3, axis=-1)
    )


@pytest.mark.parametrize(
    ('encoding', 'red', 'blue'),
    [
        ('bayer_rggb8', (0, 0), (1, 1)),
        ('bayer_bggr8', (1, 1), (0, 0)),
        ('bayer_gbrg8', (1, 0), (0, 1)),
        ('bayer_grbg8', (0, 1), (1, 0)),
    ],
)
def test_bayer_patterns_are_named_by_their_first_row(encoding, red, blue):
    mosaic = np.full((8, 8), 100, np.uint8)
    mosaic[red[0] :: 2, red[1] :: 2] = 200
    mosaic[blue[0] :: 2, blue[1] :: 2] = 50
    color = rgb_from_message(bags.image(0, mosaic, encoding))
    np.testing.assert_array_equal(color[4, 4], [200, 100, 50])
    packed = bags.compressed(0, bags.png(mosaic), f'{encoding}; png compressed ')
    np.testing.assert_array_equal(rgb_from_message(packed), color)
    packed = bags.compressed(0, bags.png(color[..., ::-1]), f'{encoding}; png compressed bgr8')
    np.testing.assert_array_equal(rgb_from_message(packed), color)


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422', (1, 0)), ('uyvy', (1, 0)), ('yuv422_yuy2', (0, 1)), ('yuyv', (0, 1))],
)
def test_packed_yuv(encoding, order):
    pixels = np.zeros((4, 6, 2), np.uint8)
    pixels[..., order[0]], pixels[..., order[1]] = 180, 128
    grey = rgb_from_message(bags.image(0, pixels, encoding))
    assert len(np.unique(grey)) == 1
    assert 170 < grey[0, 0, 0] < 200


@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('padding', [0, 3, 4])
def test_depth_encodings(padding, big_endian):
    options = {'padding': padding, 'big_endian': big_endian}
    units = np.array([[0, 1, 1500], [65535, 2000, 0]], np.uint16)
    metres = np.array([[np.nan, 0.001, 1.5], [np.nan, 2.0, np.nan]], np.float32)
    for encoding in ('16UC1', 'mono16'):
        np.testing.assert_allclose(
            depth_from_message(bags.image(0, units, encoding, **options)), metres, rtol=1e-6
        )
    odd = np.where(np.isnan(metres), np.float32(-1), metres)
    odd[0, 0] = np.inf
    depth = depth_from_message(bags.image(0, odd, '32FC1', **options))
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, metres)


@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('padding', [1, 2, 3, 4])
@pytest.mark.parametrize('dtype', ['u2', 'f4'])
def test_opencv_reads_rows_of_any_length(dtype, padding, big_endian):
    values = np.arange(1, 49).reshape(6, 8).astype(dtype)
    padded = bags.image(0, values, 'any', padding=padding, big_endian=big_endian)
    matrix = matrix_of(padded, dtype, 1)
    np.testing.assert_array_equal(matrix, values)
    np.testing.assert_array_equal(cv2.convertScaleAbs(matrix), values)


def test_compressed_images():
    message = bags.compressed(0, bags.png(RGB[..., ::-1]), 'rgb8; png compressed bgr8')
    assert not is_depth(message, '/depth')
    np.testing.assert_array_equal(rgb_from_message(message), RGB)


def test_compressed_depth_of_both_kinds():
    units = np.array([[0, 1500], [2000, 65535]], np.uint16)
    head = np.array([0], '<i4').tobytes() + np.array([0, 0], '<f4').tobytes()
    message = bags.compressed(0, head + bags.png(units), '16UC1; compressedDepth png')
    assert is_depth(message, '/any')
    np.testing.assert_allclose(
        depth_from_message(message), [[np.nan, 1.5], [2.0, np.nan]], rtol=1e-6
    )
    # The transport stores inverse depth as scale / depth + offset, rounded to 16 bits.
    depth, scale, offset = np.array([[1.0, 2.5], [5.0, 9.0]]), 10100.0, 100.0
    stored = np.rint(scale / depth + offset).astype(np.uint16)
    stored[1, 1] = 0
    head = np.array([0], '<i4').tobytes() + np.array([scale, offset], '<f4').tobytes()
    message = bags.compressed(0, head + bags.png(stored), '32FC1; compressedDepth png')
    np.testing.assert_allclose(depth_from_message(message), [[1.0, 2.5], [5.0, np.nan]], rtol=1e-3)


def test_unfit_images_are_named():
    with pytest.raises(InputError, match="'jpeg2000' is not supported; supported are rgb8"):
        rgb_from_message(bags.image(0, RGB, 'jpeg2000'))
    with pytest.raises(InputError, match="'RGB8' is not supported; did you mean rgb8"):
        rgb_from_message(bags.image(0, RGB, 'RGB8'))
    with pytest.raises(InputError, match="'rgb8' is not depth; use 16UC1"):
        depth_from_message(bags.image(0, RGB, 'rgb8'))
    with pytest.raises(InputError, match=r"'32FC1' is depth, not color; .* by depth_topic"):
        rgb_from_message(bags.image(0, RGB[..., 0].astype(np.float32), '32FC1'))
    message = bags.image(0, RGB, 'rgb8')
    message.data = message.data[:-1]
    with pytest.raises(InputError, match='holds 143 bytes where 144 are needed'):
        rgb_from_message(message)
    with pytest.raises(InputError, match='step = 3 bytes is too small for a row of 24'):
        rgb_from_message(
            SimpleNamespace(
                encoding='rgb8', width=8, height=6, step=3, is_bigendian=0, data=bytes(144)
            )
        )
    with pytest.raises(InputError, match="'jpeg' and 4 bytes is neither JPEG nor PNG"):
        rgb_from_message(bags.compressed(0, b'JPEG', 'jpeg'))
