# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Convert depth images (REP-118, millimetres or metres) to metres, NaN where unknown."""

import struct

import cv2
from depth_refiner_ros.core.depth_units import SATURATED
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.ros.compressed import CompressedFields, decoded, PNG_START
from depth_refiner_ros.sources.ros.pixels import bytes_of, ImageFields, matrix_of
from depth_refiner_ros.sources.ros.rvl import decoded_rvl
import numpy as np

DEPTH_ENCODINGS = {'16UC1': 'u2', 'mono16': 'u2', '32FC1': 'f4'}
"""Depth encodings, in millimetres and in metres, with numpy's name of the data type."""
MM_PER_M = 1000.0
COMPRESSED_DEPTH_HEADER = struct.Struct('<iff')
"""compressedDepth writes its format and two quantisation parameters before the data."""


def depth_from_image(image: ImageFields) -> np.ndarray:
    """
    Return a depth image in metres.

    :return: ``depth_m_HW`` float32; NaN where it is 0, negative, not finite or 65535 of 16 bits
    :raises InputError: if the encoding is not 16UC1, mono16 or 32FC1, or the buffer does not fit
    """
    dtype = DEPTH_ENCODINGS.get(image.encoding)
    if dtype is None:
        raise InputError(
            f'encoding {shown(image.encoding)} is not depth; use 16UC1 (millimetres) or '
            '32FC1 (metres)'
        )
    values_HW = matrix_of(image, dtype, 1)
    return (
        _metres_from_mm(values_HW)
        if dtype == 'u2'
        else _only_positive(values_HW.astype(np.float32))
    )


def depth_from_compressed(image: CompressedFields) -> np.ndarray:
    """
    Decode a 16-bit PNG or a compressedDepth message, whose code is PNG or RVL.

    :return: ``depth_m_HW`` float32; NaN where unknown
    :raises InputError: if the data is not 16 bits deep or damaged
    """
    if 'compressedDepth' in image.format or _has_header(image):
        return _from_compressed_depth(image)
    return _metres_from_mm(_sixteen_bits(image, 0))


def _has_header(image: CompressedFields) -> bool:
    """Whether compressedDepth wrote the message; old versions name only the encoding."""
    skip = COMPRESSED_DEPTH_HEADER.size
    head = bytes_of(image.data)[: skip + len(PNG_START)].tobytes()
    return not head.startswith(PNG_START) and head.endswith(PNG_START)


def _metres_from_mm(mm_HW: np.ndarray) -> np.ndarray:
    depth_m_HW = mm_HW.astype(np.float32)
    depth_m_HW /= np.float32(MM_PER_M)
    depth_m_HW[(mm_HW == 0) | (mm_HW == SATURATED)] = np.nan
    return depth_m_HW


def _only_positive(depth_m_HW: np.ndarray) -> np.ndarray:
    depth_m_HW[~((depth_m_HW > 0) & (depth_m_HW < np.inf))] = np.nan
    return depth_m_HW


def _from_compressed_depth(image: CompressedFields) -> np.ndarray:
    skip = COMPRESSED_DEPTH_HEADER.size
    data = bytes_of(image.data)
    if data[: len(PNG_START)].tobytes() == PNG_START:
        return _metres_from_mm(_sixteen_bits(image, 0))  # some publishers omit the header
    if len(data) < skip:
        raise InputError(f'compressedDepth image of {len(data)} bytes is cut short')
    is_rvl = image.format.rstrip().endswith('rvl')
    codes_HW = decoded_rvl(data[skip:]) if is_rvl else _sixteen_bits(image, skip)
    if not image.format.startswith('32FC1'):
        return _metres_from_mm(codes_HW)
    _, scale, offset = COMPRESSED_DEPTH_HEADER.unpack(data[:skip].tobytes())
    known_HW = codes_HW > 0
    inverse_HW = np.where(known_HW, codes_HW - np.float32(offset), np.float32(np.nan))
    return _only_positive((np.float32(scale) / inverse_HW).astype(np.float32))


def _sixteen_bits(image: CompressedFields, skip: int) -> np.ndarray:
    codes_HW = decoded(image, cv2.IMREAD_UNCHANGED, skip)
    if codes_HW.dtype != np.uint16 or codes_HW.ndim != 2:
        raise InputError(
            f'compressed depth of format {shown(image.format)} holds {codes_HW.dtype} '
            f'values in {codes_HW.ndim} dimensions where one channel of 16 bits is '
            'needed; JPEG cannot carry depth, use PNG'
        )
    return codes_HW
