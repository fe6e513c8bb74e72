# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages of any content: a decoder returns an image or raises an InputError of one line."""

import struct
from types import SimpleNamespace

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.ros.camera import CameraReader
from depth_refiner_ros.sources.ros.color import LAYOUTS
from depth_refiner_ros.sources.ros.image import (
    depth_from_message,
    image_size,
    is_depth,
    rgb_from_message,
)
from depth_refiner_ros.sources.ros.planes import PLANAR
from hypothesis import example, given
from hypothesis import strategies as some
import numpy as np

from tests.foreign_values import fuzzed
from tests.sources.ros import bags

UINT32 = 2**32 - 1
FUZZED = fuzzed(300)

sizes = some.one_of(some.integers(0, 20), some.integers(0, UINT32))
encodings = some.one_of(
    some.sampled_from([*LAYOUTS, *PLANAR, '16UC1', '32FC1']), some.text(max_size=12)
)


def raw(**fields):
    rest = {'width': 0, 'height': 0, 'encoding': '', 'step': 0, 'is_bigendian': 0, 'data': b''}
    return SimpleNamespace(**(rest | fields))


@some.composite
def images(draw):
    """An Image of any fields; often one whose fields fit together but for one."""
    width, height, encoding = draw(sizes), draw(sizes), draw(encodings)
    step = draw(some.one_of(some.just(width * draw(some.integers(0, 8))), sizes))
    most = min(step * height + 64, 4096)
    length = draw(some.one_of(some.just(most), some.integers(0, most)))
    return SimpleNamespace(
        width=width,
        height=height,
        encoding=encoding,
        step=step,
        is_bigendian=draw(some.integers(0, 255)),
        data=draw(some.sampled_from([bytes, bytearray, memoryview]))(
            np.random.default_rng(length).bytes(length)
        ),
    )


@some.composite
def packed_images(draw):
    """A CompressedImage: a real PNG or JPEG, cut or spoilt, or any bytes."""
    pixels = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1365
    kinds = [pixels, (pixels >> 8).astype(np.uint8), np.stack([pixels] * 3, axis=-1)]
    payload = bytearray(
        draw(some.one_of(some.sampled_from([bags.png(kind) for kind in kinds]), some.binary()))
    )
    for _ in range(draw(some.integers(0, 3))):
        if payload:
            payload[draw(some.integers(0, len(payload) - 1))] = draw(some.integers(0, 255))
    payload = payload[: draw(some.integers(0, len(payload)))] if draw(some.booleans()) else payload
    head = draw(some.sampled_from([b'', struct.pack('<iff', 0, 100.0, 1.0), b'\0' * 12]))
    form = draw(
        some.one_of(
            some.sampled_from(
                [
                    '16UC1; png compressed ',
                    '16UC1; compressedDepth png',
                    '32FC1; compressedDepth png',
                    '16UC1; compressedDepth rvl',
                    '32FC1; compressedDepth rvl',
                    '16UC1',
                    'mono16; png compressed ',
                    'rgb8; jpeg compressed bgr8',
                    'png',
                ]
            ),
            some.text(max_size=20),
        )
    )
    return SimpleNamespace(format=form, data=head + bytes(payload))


def check(decode, message, shape):
    """Check that the result is an image of the right kind, or a refusal in one line."""
    try:
        decoded = decode(message)
    except InputError as error:
        assert '\n' not in str(error)  # noqa: PT017 - either outcome is right
        return
    assert (decoded.ndim, decoded.dtype) == shape
    assert decoded.size


@FUZZED
@given(images())
@example(raw(width=UINT32, height=UINT32, encoding='rgba16', step=8))
@example(raw(width=2, height=3, encoding='nv12'))
@example(raw(width=5, height=5, encoding='bayer_rggb8', step=5, data=bytes(25)))
@example(raw(data=bytes(4)))
def test_raw_images(message):
    check(rgb_from_message, message, (3, np.uint8))
    check(depth_from_message, message, (2, np.float32))
    assert is_depth(message, '/depth/image') in (True, False)
    size = image_size(message)
    assert size is None or min(size) > 0


@FUZZED
@given(packed_images())
def test_packed_images(message):
    check(rgb_from_message, message, (3, np.uint8))
    check(depth_from_message, message, (2, np.float32))
    assert is_depth(message, '/depth/compressed') in (True, False)
    assert image_size(message) is None or min(image_size(message)) > 0


@FUZZED
@given(some.binary(max_size=200), sizes, sizes)
def test_rvl_codes(code, width, height):
    data = struct.pack('<iff', 0, 1.0, 1.0) + struct.pack('<II', width, height) + code
    message = SimpleNamespace(format='16UC1; compressedDepth rvl', data=data)
    check(depth_from_message, message, (2, np.float32))


numbers = some.one_of(
    some.floats(), some.sampled_from([0.0, 1.0, 50.0, 1e300, 1e-30, float('nan'), float('inf')])
)


@some.composite
def camera_infos(draw):
    """A CameraInfo of any numbers, often near to a real one."""
    k, p = np.array([50.0, 0, 7.5, 0, 50, 5.5, 0, 0, 1]), np.zeros(12)
    for matrix in (k, p):
        for _ in range(draw(some.integers(0, 3))):
            matrix[draw(some.integers(0, len(matrix) - 1))] = draw(numbers)
    size = some.one_of(some.sampled_from([0, 12, 16, 24, 32]), sizes)
    return SimpleNamespace(
        width=draw(size),
        height=draw(size),
        distortion_model=draw(
            some.sampled_from(['', 'plumb_bob', 'rational_polynomial', 'equidistant', 'moon'])
        ),
        d=draw(some.lists(numbers, max_size=14)),
        k=k,
        p=p,
        binning_x=draw(size),
        binning_y=draw(size),
        roi=SimpleNamespace(
            x_offset=draw(size), y_offset=draw(size), width=draw(size), height=draw(size)
        ),
    )


@FUZZED
@given(camera_infos(), some.sampled_from(['image_raw', 'image_rect']))
def test_camera_infos(info, topic):
    try:
        rectifier = CameraReader(topic).rectifier(info, 16, 12)
    except InputError as error:
        assert '\n' not in str(error)  # noqa: PT017 - either outcome is right
        return
    if rectifier is not None:
        camera = rectifier.intrinsics
        assert (camera.width, camera.height) == (16, 12)
        assert np.isfinite(camera.rays().numpy()).all()
        assert rectifier.rgb(np.zeros((12, 16, 3), np.uint8)).shape == (12, 16, 3)
        assert rectifier.depth(np.ones((12, 16), np.float32)).shape == (12, 16)
