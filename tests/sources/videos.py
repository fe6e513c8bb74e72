# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video files with the timing that real recordings have."""

from fractions import Fraction
import struct

import av
import numpy as np

MILLISECONDS = (0, 33, 67, 100, 600, 633, 667, 1200, 1233, 1267)
"""Capture times of a phone in poor light."""
SIZE = (64, 48)
MATRICES = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""Of degrees clockwise, as ``tkhd`` has them: a b c d."""


def level(index):
    """Return the red value of a frame."""
    return 20 + 20 * index


def write_video(
    path,
    times=MILLISECONDS,
    *,
    rate=1000,
    codec='libx264',
    b_frames=0,
    turned_deg=0,
    title='',
    pixel_aspect=None,
):
    """
    Write red frames, each brighter than the last, with a white corner top left on the sensor.

    :param times: presentation times in units of ``1 / rate`` s
    :param b_frames: between two others, so that packets are not in order of presentation
    :param turned_deg: clockwise turn that brings a frame upright
    """
    formats = {'.mkv': 'matroska'}
    format_name = formats.get(path.suffix, path.suffix[1:])
    # The same call writes the same bytes, for tests that spoil some; Matroska would draw a number.
    options = {'fflags': '+bitexact'}
    with av.open(str(path), 'w', format=format_name, options=options) as container:
        container.metadata['title'] = title
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = SIZE
        stream.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        stream.codec_context.time_base = Fraction(1, rate)
        stream.codec_context.max_b_frames = b_frames
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if codec == 'libx264':
            stream.options = {'crf': '10', 'preset': 'ultrafast', 'bf': str(b_frames)}
        for index, time in enumerate(times):
            rgb_HW3 = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
            rgb_HW3[..., 0] = level(index)
            rgb_HW3[:8, :8] = 255
            frame = av.VideoFrame.from_ndarray(rgb_HW3, format='rgb24')
            frame.pts, frame.time_base = time, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if turned_deg:
        _turn(path, turned_deg)
    return path


def _turn(path, degrees):
    """Write the display matrix into the track header of an MP4."""
    data = bytearray(path.read_bytes())
    a, b, c, d = (value << 16 for value in MATRICES[degrees])
    matrix = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 1 << 30)
    at = data.index(b'tkhd') + 4 + 40
    data[at : at + len(matrix)] = matrix
    path.write_bytes(data)
