# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import itertools
import struct

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.nodes.conversions.depth import (
    compressed_from_depth,
    compressed_from_depth_mm,
    image_from_depth,
    image_from_depth_mm,
    millimetres,
)
from depth_refiner_ros.nodes.conversions.headers import buffer_of, header_of
from depth_refiner_ros.sources.ros.depth import depth_from_compressed, depth_from_image
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

HEADER = header_of(5, 'camera')
NAN, INF = np.nan, np.inf


def sixteen_bits(values, encoding='16UC1', big_endian=False, padding=0):
    rows = np.array(values, dtype='>u2' if big_endian else '<u2')
    data = np.pad(rows.view(np.uint8), ((0, 0), (0, padding)))
    return Image(
        header=HEADER,
        height=rows.shape[0],
        width=rows.shape[1],
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=data.shape[1],
        data=buffer_of(data),
    )


def test_millimetres_in(subtests):
    for encoding, big_endian, padding in itertools.product(
        ['16UC1', 'mono16'], [False, True], [0, 6]
    ):
        with subtests.test(encoding=encoding, big_endian=big_endian, padding=padding):
            seen = depth_from_image(
                sixteen_bits([[0, 1, 1500], [65535, 2, 0]], encoding, big_endian, padding)
            )
            assert seen.dtype == np.float32
            np.testing.assert_allclose(seen, [[NAN, 0.001, 1.5], [NAN, 0.002, NAN]], rtol=1e-6)


@pytest.mark.parametrize('big_endian', [False, True])
def test_metres_in(big_endian):
    stored = np.array([[1.5, 0.0, -2.0, NAN, INF, -INF]], '>f4' if big_endian else '<f4')
    image = Image(
        height=1,
        width=6,
        encoding='32FC1',
        is_bigendian=int(big_endian),
        step=24,
        data=buffer_of(stored.view(np.uint8)),
    )
    before = image.data.tobytes()
    np.testing.assert_array_equal(depth_from_image(image), [[1.5, NAN, NAN, NAN, NAN, NAN]])
    assert image.data.tobytes() == before


def test_metres_out_keep_every_bit():
    depth = np.array([[1.25, NAN, INF], [-INF, 0.0, 80.0]], np.float32)
    image = image_from_depth(HEADER, depth)
    assert (image.encoding, image.step, image.is_bigendian) == ('32FC1', 12, 0)
    np.testing.assert_array_equal(np.frombuffer(image.data, np.float32).reshape(2, 3), depth)
    assert image.header.frame_id == 'camera'


def test_millimetres_out_by_rep_117_and_118():
    depth = np.array(
        [
            0.0,
            NAN,
            INF,
            -INF,
            -1.0,
            0.0004,
            0.0005,
            0.0006,
            1.0004,
            1.0006,
            65.535,
            65.5354,
            65.536,
            66.0,
            100.0,
        ],
        np.float32,
    )
    # 66 m must be unknown, not the 464 mm that a plain cast gives.
    wanted = [0, 0, 0, 0, 0, 0, 0, 1, 1000, 1001, 65535, 65535, 0, 0, 0]
    np.testing.assert_array_equal(millimetres(depth), wanted)
    image = image_from_depth_mm(HEADER, depth[None])
    assert (image.encoding, image.step) == ('16UC1', 30)
    np.testing.assert_array_equal(np.frombuffer(image.data, np.uint16), wanted)


def test_png_depth():
    units = np.array([[0, 1500], [65535, 1]], np.uint16)
    data = cv2.imencode('.png', units)[1]
    seen = depth_from_compressed(CompressedImage(format='16UC1; png', data=buffer_of(data)))
    np.testing.assert_allclose(seen, [[NAN, 1.5], [NAN, 0.001]], rtol=1e-6)


def compressed_depth(units, format_name, scale=0.0, offset=0.0):
    png = cv2.imencode('.png', units)[1].tobytes()
    return CompressedImage(format=format_name, data=struct.pack('<iff', 0, scale, offset) + png)


def test_compressed_depth_of_millimetres():
    units = np.array([[0, 1500]], np.uint16)
    seen = depth_from_compressed(compressed_depth(units, '16UC1; compressedDepth png'))
    np.testing.assert_allclose(seen, [[NAN, 1.5]], rtol=1e-6)


def test_compressed_depth_of_inverse_metres():
    scale, offset = 6553.5, -60.0
    depth = np.array([[1.0, 2.5, 40.0]], np.float32)
    units = np.rint(scale / depth + offset).astype(np.uint16)
    units = np.concatenate([units, [[0]]], axis=1).astype(np.uint16)
    seen = depth_from_compressed(
        compressed_depth(units, '32FC1; compressedDepth png', scale, offset)
    )
    np.testing.assert_allclose(seen[0, :3], depth[0], rtol=0.01)
    assert np.isnan(seen[0, 3])


def test_unfit_depth_is_refused(subtests):
    cases = [
        (
            lambda: depth_from_image(
                Image(encoding='rgb8', height=1, width=1, step=3, data=[0] * 3)
            ),
            "'rgb8' is not depth; use 16UC1",
        ),
        (lambda: depth_from_image(sixteen_bits([[1, 2]], '32FC1')), 'step = 4 bytes is too small'),
        (lambda: depth_from_image(Image(encoding='16UC1')), 'has no pixels'),
        (
            lambda: depth_from_compressed(
                CompressedImage(format='16UC1; compressedDepth', data=[1])
            ),
            'cut short',
        ),
        (
            lambda: depth_from_compressed(
                CompressedImage(
                    format='jpeg',
                    data=buffer_of(cv2.imencode('.jpg', np.zeros((8, 8), np.uint8))[1]),
                )
            ),
            'JPEG cannot carry depth',
        ),
        (
            lambda: depth_from_compressed(
                CompressedImage(
                    format='png',
                    data=buffer_of(cv2.imencode('.png', np.zeros((8, 8, 3), np.uint16))[1]),
                )
            ),
            '3 dimensions',
        ),
    ]
    for make, complaint in cases:
        with subtests.test(complaint), pytest.raises(InputError, match=complaint):
            make()


def test_compressed_depth_is_read_back_within_a_step(subtests):
    for near_m, far_m in ((0.1, 80.0), (0.1, 10.0), (0.05, 1000.0)):
        with subtests.test(near_m=near_m, far_m=far_m):
            depth = np.geomspace(near_m, far_m, 3000, dtype=np.float32).reshape(50, 60)
            depth[0, 0], depth[-1, -1] = near_m, far_m
            message = compressed_from_depth(HEADER, depth, near_m, far_m)
            assert message.format == '32FC1; compressedDepth png'
            # Half a step of inverse depth, and the rounding of 32-bit floats.
            step = (1 / near_m - 1 / far_m) / 65534
            error = np.abs(1 / depth_from_compressed(message) - 1 / depth)
            assert (error <= 0.51 * step + 1e-5 / depth).all()


def test_compressed_depth_leaves_out_what_is_unknown_or_out_of_range():
    depth = np.array([[NAN, INF, -INF, 0.0, 0.05, 0.1, 10.0, 10.1]], np.float32)
    seen = depth_from_compressed(compressed_from_depth(HEADER, depth, np.float32(0.1), 10.0))
    np.testing.assert_allclose(seen, [[NAN] * 5 + [0.1, 10.0] + [NAN]], rtol=1e-3)


def test_compressed_millimetres_lose_nothing():
    depth = np.array([[NAN, INF, 0.001, 1.234, 65.535, 66.0]], np.float32)
    message = compressed_from_depth_mm(HEADER, depth)
    assert message.format == '16UC1; compressedDepth png'
    np.testing.assert_array_equal(
        depth_from_compressed(message), depth_from_image(image_from_depth_mm(HEADER, depth))
    )
