# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import itertools
import time

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.nodes.conversions.color import compressed_from_rgb, image_from_rgb
from depth_refiner_ros.nodes.conversions.headers import buffer_of, header_of, stamp_ns_of
from depth_refiner_ros.sources.ros.color import rgb_from_compressed, rgb_from_image
from depth_refiner_ros.sources.ros.pixels import bytes_of
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from tests.nodes.node_graph import picture

HEADER = header_of(1_700_000_000_123_456_789, 'camera')


def message(pixels, encoding, *, big_endian=False, padding=0):
    """Return an image message as from a driver, with padded rows on request."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return Image(
        header=HEADER,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=rows.shape[1],
        data=buffer_of(rows),
    )


def test_stamp_survives_to_the_nanosecond():
    assert stamp_ns_of(HEADER) == 1_700_000_000_123_456_789


def test_rgb8_is_a_view_and_comes_back():
    rgb = picture()
    image = image_from_rgb(HEADER, rgb)
    assert (image.width, image.height, image.step) == (64, 48, 192)
    seen = rgb_from_image(image)
    np.testing.assert_array_equal(seen, rgb)
    image.data[0] = (int(rgb[0, 0, 0]) + 1) % 256
    assert seen[0, 0, 0] == image.data[0]


def test_channel_orders(subtests):
    cases = [
        ('bgr8', [2, 1, 0]),
        ('rgba8', [0, 1, 2, 3]),
        ('bgra8', [2, 1, 0, 3]),
        ('8UC3', [2, 1, 0]),
        ('8UC4', [2, 1, 0, 3]),
    ]
    for (encoding, order), padding in itertools.product(cases, [0, 5]):
        with subtests.test(encoding=encoding, order=order, padding=padding):
            rgb = picture()
            rgba = np.concatenate([rgb, np.full((48, 64, 1), 9, np.uint8)], axis=2)
            seen = rgb_from_image(message(rgba[..., order], encoding, padding=padding))
            np.testing.assert_array_equal(seen, rgb)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey(encoding):
    grey = picture()[..., 0]
    seen = rgb_from_image(message(grey, encoding, padding=3))
    np.testing.assert_array_equal(seen, np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize('big_endian', [False, True])
def test_sixteen_bits_scale_to_eight_in_either_byte_order(big_endian):
    grey = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    stored = grey.astype('>u2' if big_endian else '<u2')
    seen = rgb_from_image(message(stored, 'mono16', big_endian=big_endian))
    np.testing.assert_array_equal(seen[0, :, 0], [0, 1, 128, 255])
    rgb16 = np.stack([grey, grey * 0, grey], axis=2)
    stored = rgb16.astype('>u2' if big_endian else '<u2')
    seen = rgb_from_image(message(stored, 'rgb16', big_endian=big_endian))
    np.testing.assert_array_equal(seen[0, 3], [255, 0, 255])


@pytest.mark.parametrize('padding', [1, 2, 3, 5])
@pytest.mark.parametrize('encoding', ['mono16', 'rgb16', 'bgr16', 'rgba16', 'bayer_rggb16'])
def test_rows_of_any_length_hold_sixteen_bits(encoding, padding):
    channels = {'mono16': 1, 'bayer_rggb16': 1, 'rgba16': 4}.get(encoding, 3)
    values = np.random.default_rng(0).integers(0, 4096, (6, 8, channels)).astype(np.uint16)
    np.testing.assert_array_equal(
        rgb_from_image(message(values, encoding, padding=padding)),
        rgb_from_image(message(values, encoding)),
    )


def test_bayer_of_a_flat_color(subtests):
    cases = [('rggb', 'RGGB'), ('bggr', 'BGGR'), ('gbrg', 'GBRG'), ('grbg', 'GRBG')]
    for (pattern, tile), bits in itertools.product(cases, [8, 16]):
        with subtests.test(pattern=pattern, tile=tile, bits=bits):
            color = {'R': 200, 'G': 120, 'B': 40}
            scale = 257 if bits == 16 else 1
            cells = np.array([color[letter] * scale for letter in tile]).reshape(2, 2)
            mosaic = np.tile(cells, (6, 8)).astype(f'u{bits // 8}')
            seen = rgb_from_image(message(mosaic, f'bayer_{pattern}{bits}'))
            np.testing.assert_array_equal(
                seen[2:-2, 2:-2], np.broadcast_to([200, 120, 40], (8, 12, 3))
            )


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422', 'UYVY'), ('uyvy', 'UYVY'), ('yuv422_yuy2', 'YUYV'), ('yuyv', 'YUYV')],
)
def test_yuv422_of_grey_and_of_red(encoding, order):
    def flat(y, u, v):
        block = {'Y': y, 'U': u, 'V': v}
        row = np.array([block[letter] for letter in order] * 4, np.uint8)
        return rgb_from_image(message(np.tile(row, (4, 1)).reshape(4, 8, 2), encoding))

    grey = flat(126, 128, 128)
    assert np.ptp(grey) <= 1
    assert abs(int(grey[0, 0, 0]) - 128) <= 1
    red = flat(81, 90, 240)  # BT.601 red
    assert red[..., 0].min() >= 250
    assert red[..., 1:].max() <= 6


@pytest.mark.parametrize('rows_given', ['picture', 'buffer'])
@pytest.mark.parametrize('padding', [0, 6])
@pytest.mark.parametrize(('encoding', 'order'), [('nv12', 'UV'), ('nv21', 'VU')])
def test_planes_of_brightness_and_color(encoding, order, padding, rows_given):
    """BT.601 red and blue, left and right, whichever height the publisher gives."""
    y_HW = np.repeat([[81, 41]], 6, axis=0).repeat(4, axis=1)
    pairs = {'U': (90, 240), 'V': (240, 110)}
    colors_HW = np.zeros((3, 8), np.uint8)
    for place, letter in enumerate(order):
        colors_HW[:, place::2] = np.repeat(pairs[letter], 2)
    sent = message(np.concatenate([y_HW, colors_HW]).astype(np.uint8), 'mono8', padding=padding)
    sent.encoding = encoding
    sent.height = 6 if rows_given == 'picture' else 9
    seen = rgb_from_image(sent)
    assert seen.shape == (6, 8, 3)
    np.testing.assert_allclose(seen[:, :4].reshape(-1, 3), np.tile([255, 0, 0], (24, 1)), atol=3)
    np.testing.assert_allclose(seen[:, 4:].reshape(-1, 3), np.tile([0, 0, 255], (24, 1)), atol=3)


def test_planes_that_are_cut_or_odd_are_refused():
    sent = message(np.zeros((9, 8), np.uint8), 'nv12')
    sent.height = 6
    sent.data = sent.data[:-1]
    with pytest.raises(InputError, match='71 bytes where 72 are needed'):
        rgb_from_image(sent)
    sent.height = 5
    with pytest.raises(InputError, match='must be even'):
        rgb_from_image(sent)


def test_stamps_beyond_those_of_ros_are_refused_not_wrapped():
    assert stamp_ns_of(header_of(2**31 * 10**9 - 1, 'camera')) == 2**31 * 10**9 - 1
    for stamp_ns in (2**31 * 10**9, 2**32 * 10**9 + 5, 10**30, -(2**31) * 10**9 - 1):
        with pytest.raises(InputError, match=r'does not fit into a ROS message.*2038'):
            header_of(stamp_ns, 'camera')


@pytest.mark.parametrize(
    ('format_name', 'suffix', 'worst'), [('jpeg', '.jpg', 20), ('png', '.png', 0)]
)
def test_compressed(format_name, suffix, worst):
    smooth = cv2.resize(picture(8, 6), (64, 48), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(suffix, smooth[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])
    seen = rgb_from_compressed(CompressedImage(format=format_name, data=buffer_of(data)))
    assert np.abs(seen.astype(int) - smooth.astype(int)).max() <= worst
    again = rgb_from_compressed(compressed_from_rgb(HEADER, smooth))
    assert np.abs(again.astype(int) - smooth.astype(int)).mean() < 4


def test_padding_after_the_end_of_a_jpeg_is_harmless():
    sent = compressed_from_rgb(HEADER, picture())
    sent.data.extend([0] * 200)
    assert rgb_from_compressed(sent).shape == (48, 64, 3)


def test_cut_compressed_images_are_refused(subtests):
    for suffix, kept in itertools.product(['.jpg', '.png'], [0.3, 0.9]):
        with subtests.test(suffix=suffix, kept=kept):
            data = cv2.imencode(suffix, picture())[1].ravel()
            sent = CompressedImage(
                format=suffix[1:], data=buffer_of(data[: int(len(data) * kept)])
            )
            with pytest.raises(InputError, match='cut short'):
                rgb_from_compressed(sent)


def test_foreign_and_empty_payloads_are_refused():
    for data in (b'', b'GIF89a..', b'\xff'):
        with pytest.raises(InputError, match='neither JPEG nor PNG'):
            rgb_from_compressed(CompressedImage(format='gif', data=data))
    broken = b'\x89PNG' + bytes(50) + b'IEND\xaeB`\x82'
    with pytest.raises(InputError, match='cannot be decoded'):
        rgb_from_compressed(CompressedImage(format='png', data=broken))


def test_unfit_images_are_refused_with_the_reason(subtests):
    cases = [
        ({'width': 0}, 'has no pixels'),
        ({'height': 0}, 'has no pixels'),
        ({'step': 191}, 'step = 191 bytes is too small for a row of 192'),
        ({'step': 0}, 'step = 0'),
        ({'height': 49}, '9216 bytes where 9408 are needed'),
        ({'encoding': 'rgb9'}, 'did you mean rgb8'),
        ({'encoding': ''}, 'is not supported; supported are rgb8'),
        ({'encoding': '32FC1'}, 'is depth, not color; remap it to depth_in'),
    ]
    for change, complaint in cases:
        with subtests.test(change=change):
            image = image_from_rgb(HEADER, picture())
            for name, value in change.items():
                setattr(image, name, value)
            with pytest.raises(InputError, match=complaint):
                rgb_from_image(image)


def test_short_buffer_is_refused():
    image = image_from_rgb(HEADER, picture())
    image.data = image.data[:-1]
    with pytest.raises(InputError, match='9215 bytes where 9216 are needed'):
        rgb_from_image(image)


def test_patterns_need_room():
    with pytest.raises(InputError, match='must be even'):
        rgb_from_image(message(np.zeros((4, 5, 2), np.uint8), 'yuv422'))
    with pytest.raises(InputError, match='4x4 at least'):
        rgb_from_image(message(np.zeros((2, 2), np.uint8), 'bayer_rggb8'))


def test_every_kind_of_buffer_is_read():
    values = np.arange(5, dtype=np.uint8)
    for data in (buffer_of(values), values.tobytes(), bytearray(values), values, list(values)):
        np.testing.assert_array_equal(bytes_of(data), values)


def test_buffers_are_handed_over_without_a_check_of_each_element():
    values = np.zeros((720, 1280), np.float32)
    image = Image(header=Header())
    started_s = time.process_time()
    image.data = buffer_of(values)
    ours_s = time.process_time() - started_s
    image.data = values.view(np.uint8).ravel()
    assert ours_s < 0.2 * (time.process_time() - started_s - ours_s)
    assert len(image.data) == values.nbytes
