# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image and depth files: decoded whole, or refused by name."""

import struct
import sys
import zlib

import cv2
from depth_refiner_ros.sources.lost_frames import FrameError
from depth_refiner_ros.sources.orientation import heic_turns, without_orientation
from depth_refiner_ros.sources.read import read_depth, read_rgb
from depth_refiner_ros.sources.sixteen_bits import BitRange
from depth_refiner_ros.sources.whole import fault_of
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from PIL import ExifTags, Image
import pillow_heif
import pytest

from tests.sources.photographs import COLORS, corners, jpeg, photograph

NOISE = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
SUFFIXES = ('.png', '.jpg', '.bmp', '.webp', '.ppm')


def png_part(kind, content):
    checksum = struct.pack('>I', zlib.crc32(kind + content))
    return struct.pack('>I', len(content)) + kind + content + checksum


def test_gray_deep_and_transparent_images_become_rgb(tmp_path, subtests):
    images = {
        'gray': np.full((4, 5), 51, np.uint8),
        'deep': np.array([[51 * 257] * 4 + [65535]] * 4, np.uint16),
        'transparent': np.full((4, 5, 4), 51, np.uint8),
    }
    for name, image in images.items():
        with subtests.test(name):
            path = tmp_path / f'{name}.png'
            cv2.imwrite(str(path), image)
            rgb_HW3 = read_rgb(path, BitRange(), upright=True)
            assert rgb_HW3.dtype == np.uint8
            assert rgb_HW3.shape == (4, 5, 3)
            np.testing.assert_array_equal(rgb_HW3[:, :4], np.full((4, 4, 3), 51))


@pytest.mark.parametrize('brightest', [1023, 4095, 16383, 65535])
@pytest.mark.parametrize('channels', [1, 3])
def test_deep_images_are_as_bright_as_their_bits_mean(tmp_path, brightest, channels):
    ramp = np.linspace(0, brightest, 256).round().astype(np.uint16)
    image = np.repeat(ramp[None, :, None], channels, axis=2)
    cv2.imwrite(str(tmp_path / 'deep.png'), image)
    lines = []
    rgb_HW3 = read_rgb(tmp_path / 'deep.png', BitRange(log=lines.append), upright=True)
    np.testing.assert_array_equal(rgb_HW3, np.repeat(np.arange(256)[None, :, None], 3, axis=2))
    assert [f'use {brightest.bit_length()} bits' in line for line in lines] == [True]
    told = read_rgb(tmp_path / 'deep.png', BitRange(16), upright=True)
    np.testing.assert_allclose(told[0, :, 0], ramp / 257, atol=0.51)


def test_color_in_floating_point_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'f.tiff'), np.ones((4, 5, 3), np.float32))
    with pytest.raises(FrameError, match=r'f\.tiff is float32, but color must have 8 or 16 bits'):
        read_rgb(tmp_path / 'f.tiff', BitRange(), upright=True)


@pytest.mark.parametrize('kind', [np.float32, np.int32])
def test_a_whole_file_of_another_kind_is_not_called_cut_short(tmp_path, kind):
    cv2.imwrite(str(tmp_path / 'f.tiff'), np.ones((4, 5), kind))
    line = rf'f\.tiff .*holds {np.dtype(kind)} of shape \(4, 5\), which is no color image'
    with pytest.raises(FrameError, match=line):
        read_rgb(tmp_path / 'f.tiff', BitRange(), upright=True)
    np.save(tmp_path / 'd.npy', np.ones((4, 5), np.float32))
    with pytest.raises(FrameError, match=r'd\.npy .*is a NumPy array; save depth as 16-bit PNG'):
        read_depth(tmp_path / 'd.npy', depth_scale=1000.0)


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_truncated_image_is_named(tmp_path, suffix, subtests):
    data = cv2.imencode(suffix, NOISE)[1].tobytes()
    path = tmp_path / f'cut{suffix}'
    for kept in (0, 3, 10, len(data) // 3, len(data) * 9 // 10):
        with subtests.test(kept=kept):
            path.write_bytes(data[:kept])
            with pytest.raises(FrameError, match=rf'cut{suffix} \({kept} bytes\) is cut short'):
                read_rgb(path, BitRange(), upright=True)
    path.write_bytes(data)
    assert read_rgb(path, BitRange(), upright=True).shape == (50, 50, 3)


def test_jpeg_cut_behind_the_end_mark_of_its_thumbnail_is_named(tmp_path):
    data = jpeg(NOISE, thumbnail=True)
    cut = data[: len(data) // 2]
    assert b'\xff\xd9' in cut
    assert fault_of(cut) == 'cut short', 'whatever this version of OpenCV makes of it'
    (tmp_path / 'phone.jpg').write_bytes(cut)
    with pytest.raises(FrameError, match=r'phone\.jpg .* is cut short'):
        read_rgb(tmp_path / 'phone.jpg', BitRange(), upright=True)
    (tmp_path / 'phone.jpg').write_bytes(data)
    assert read_rgb(tmp_path / 'phone.jpg', BitRange(), upright=True).shape == (50, 50, 3)


def test_progressive_jpeg_and_bytes_behind_the_image_are_whole():
    parameters = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    data = cv2.imencode('.jpg', NOISE, parameters)[1].tobytes()
    assert fault_of(data) == ''
    assert fault_of(data + b'motion photo') == ''
    scans = [at for at in range(len(data)) if data[at : at + 2] == b'\xff\xda']
    assert len(scans) > 2
    assert all(fault_of(data[:at]) == 'cut short' for at in [*scans, len(data) - 1])


def test_flipped_bit_in_a_png_is_named(tmp_path):
    data = bytearray(cv2.imencode('.png', np.full((50, 50), 2000, np.uint16))[1].tobytes())
    data[data.index(b'IDAT') + 10] ^= 1
    (tmp_path / 'bad.png').write_bytes(data)
    with pytest.raises(FrameError, match=r'bad\.png .* is damaged; copy it again'):
        read_depth(tmp_path / 'bad.png', depth_scale=1000.0)


def test_image_of_more_pixels_than_the_decoder_takes_is_named(tmp_path):
    header = png_part(b'IHDR', struct.pack('>IIBBBBB', 100_000, 100_000, 8, 2, 0, 0, 0))
    (tmp_path / 'huge.png').write_bytes(
        b'\x89PNG\r\n\x1a\n' + header + png_part(b'IDAT', b'x') + png_part(b'IEND', b'')
    )
    with pytest.raises(FrameError, match=r'huge\.png cannot be decoded: .*smaller'):
        read_rgb(tmp_path / 'huge.png', BitRange(), upright=True)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF', 'BIG TIFF', 'HEIF'])
@pytest.mark.parametrize(
    ('orientation', 'upright'),
    [
        (1, ['red', 'green', 'blue', 'white']),
        (3, ['white', 'blue', 'green', 'red']),
        (6, ['blue', 'red', 'white', 'green']),
        (8, ['green', 'white', 'red', 'blue']),
    ],
)
def test_image_is_turned_upright_or_left_on_the_grid_of_the_sensor(
    tmp_path, kind, orientation, upright
):
    (tmp_path / 'a.jpg').write_bytes(photograph(kind, orientation))
    assert corners(read_rgb(tmp_path / 'a.jpg', BitRange(), upright=True)) == upright
    assert corners(read_rgb(tmp_path / 'a.jpg', BitRange(), upright=False)) == [
        'red',
        'green',
        'blue',
        'white',
    ]


def test_depth_stays_on_the_grid_of_the_sensor(tmp_path):
    mm_HW = np.arange(1000, 1600, dtype=np.uint16).reshape(20, 30)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    Image.fromarray(mm_HW).save(tmp_path / 'd.tif', exif=exif)
    depth_m_HW = read_depth(tmp_path / 'd.tif', depth_scale=1000.0)
    np.testing.assert_allclose(depth_m_HW, mm_HW / 1000, rtol=1e-6)


@given(st.binary(max_size=200), st.sampled_from([b'II*\0', b'MM\0*', b'II+\0', b'']))
def test_damaged_records_of_orientation_do_no_harm(rest, start):
    assert len(without_orientation(start + rest)) == len(start + rest)
    assert heic_turns(rest + b'irot' + rest[:1]) in range(4)


def test_a_device_is_no_file_and_is_not_waited_for(tmp_path):
    (tmp_path / 'a.jpg').symlink_to('/dev/null')  # a pipe would hang where this fails
    with pytest.raises(FrameError, match=r'a\.jpg is a pipe or device, not a file; copy it'):
        read_rgb(tmp_path / 'a.jpg', BitRange(), upright=True)


def test_heic_is_read_or_refused_with_the_decoder_to_install(tmp_path, monkeypatch):
    path = tmp_path / 'IMG_1.HEIC'
    pillow_heif.register_heif_opener()
    Image.fromarray(COLORS).save(path, 'HEIF', quality=95)
    assert corners(read_rgb(path, BitRange(), upright=True)) == ['red', 'green', 'blue', 'white']
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FrameError, match=r'IMG_1\.HEIC cannot be decoded'):
        read_rgb(path, BitRange(), upright=True)
    path.write_bytes(data)
    monkeypatch.setitem(sys.modules, 'pillow_heif', None)
    with pytest.raises(FrameError, match=r'IMG_1\.HEIC .*: pip install pillow-heif, or save it'):
        read_rgb(path, BitRange(), upright=True)


def test_depth_of_a_wrong_kind_is_named(tmp_path, subtests):
    cases = {
        'missing.png': (None, 'cannot read .*missing'),
        'color.png': (np.ones((4, 5, 3), np.uint16), r'uint16 of shape \(4, 5, 3\).*one channel'),
        'bytes.png': (np.ones((4, 5), np.uint8), 'uint8 .*one channel of uint16 or float32'),
        'empty.png': (b'', r'\(0 bytes\)'),
    }
    for name, (content, words) in cases.items():
        with subtests.test(name):
            if isinstance(content, bytes):
                (tmp_path / name).write_bytes(content)
            elif content is not None:
                cv2.imwrite(str(tmp_path / name), content)
            with pytest.raises(FrameError, match=words) as caught:
                read_depth(tmp_path / name, depth_scale=1000.0)
            assert caught.value.reason == 'unreadable depth'


def test_depth_without_a_value_is_nan(tmp_path):
    stored = np.array([[0, 500, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / 'd.png'), stored)
    np.testing.assert_array_equal(
        read_depth(tmp_path / 'd.png', depth_scale=500.0),
        np.array([[np.nan, 1.0, np.nan]], np.float32),
    )
    metres = np.array([[-1.0, np.inf, 2.5, np.nan]], np.float32)
    cv2.imwrite(str(tmp_path / 'd.tiff'), metres)
    np.testing.assert_array_equal(
        read_depth(tmp_path / 'd.tiff', depth_scale=1.0), [[np.nan, np.nan, 2.5, np.nan]]
    )


def test_a_picture_of_a_wrong_kind_is_one_line_without_the_log_of_opencv(tmp_path, capfd):
    path = tmp_path / 'float.tiff'
    cv2.imwrite(str(path), np.full((48, 64), 0.5, np.float32))
    with pytest.raises(FrameError, match=r'float\.tiff .*(no image that can be read|float32)'):
        read_rgb(path, BitRange(), upright=True)
    assert capfd.readouterr().err == ''
