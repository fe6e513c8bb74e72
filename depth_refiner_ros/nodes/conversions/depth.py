"""Depth images: millimetres or metres in, REP-118 out."""

import struct

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.nodes.conversions.compressed import decoded
from depth_refiner_ros.nodes.conversions.headers import buffer_of, bytes_of, filled
from depth_refiner_ros.nodes.conversions.pixels import matrix_of
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

MM_PER_M = 1000.0
LARGEST_MM = 65535
COMPRESSED_DEPTH_HEADER = struct.Struct('<iff')
"""compressedDepth puts its format and two quantisation parameters before the PNG."""


def depth_from_image(image: Image) -> np.ndarray:
    """
    Give a depth image in metres.

    :return: ``depth_m_HW`` float32; NaN where it is 0, negative or not finite
    :raises InputError: where the encoding is not 16UC1, mono16 or 32FC1, or the buffer is unfit
    """
    if image.encoding in ('16UC1', 'mono16'):
        return _metres_from_mm(matrix_of(image, 'u2', 1))
    if image.encoding == '32FC1':
        return _only_positive(matrix_of(image, 'f4', 1).astype(np.float32))
    raise InputError(f'encoding {image.encoding!r} of depth_in is not depth; use 16UC1 '
                     '(millimetres) or 32FC1 (metres)')


def depth_from_compressed(image: CompressedImage) -> np.ndarray:
    """
    Decode a 16-bit PNG or a compressedDepth message.

    :return: ``depth_m_HW`` float32; NaN where unknown
    :raises InputError: where the data is not 16 bits deep or damaged
    """
    if 'compressedDepth' in image.format:
        return _from_compressed_depth(image)
    return _metres_from_mm(_sixteen_bits(image, 0))


def image_from_depth(header: Header, depth_m_HW: np.ndarray) -> Image:
    """Give the 32FC1 message in metres."""
    height, width = depth_m_HW.shape
    return filled(Image(header=header, height=height, width=width, encoding='32FC1',
                        step=4 * width), buffer_of(depth_m_HW.astype(np.float32, copy=False)))


def image_from_depth_mm(header: Header, depth_m_HW: np.ndarray) -> Image:
    """Give the 16UC1 message in millimetres; 0 where unknown or beyond 65.535 m."""
    height, width = depth_m_HW.shape
    return filled(Image(header=header, height=height, width=width, encoding='16UC1',
                        step=2 * width), buffer_of(millimetres(depth_m_HW)))


def millimetres(depth_m_HW: np.ndarray) -> np.ndarray:
    """Give depth in metres as uint16 millimetres; 0 where it is unknown or does not fit."""
    mm_HW = np.rint(depth_m_HW * np.float32(MM_PER_M))
    # NaN compares false; a cast without this test would wrap 66 m round to 0.464 m.
    fits_HW = (mm_HW > 0) & (mm_HW <= LARGEST_MM)
    return np.where(fits_HW, mm_HW, np.float32(0)).astype(np.uint16)


def _metres_from_mm(mm_HW: np.ndarray) -> np.ndarray:
    depth_m_HW = mm_HW.astype(np.float32)
    depth_m_HW /= np.float32(MM_PER_M)
    depth_m_HW[mm_HW == 0] = np.nan
    return depth_m_HW


def _only_positive(depth_m_HW: np.ndarray) -> np.ndarray:
    depth_m_HW[~((depth_m_HW > 0) & (depth_m_HW < np.inf))] = np.nan
    return depth_m_HW


def _from_compressed_depth(image: CompressedImage) -> np.ndarray:
    skip = COMPRESSED_DEPTH_HEADER.size
    data = bytes_of(image.data)
    if len(data) < skip:
        raise InputError(f'compressedDepth image of {len(data)} bytes is cut short')
    codes_HW = _sixteen_bits(image, skip)
    if not image.format.startswith('32FC1'):
        return _metres_from_mm(codes_HW)
    _, scale, offset = COMPRESSED_DEPTH_HEADER.unpack(data[:skip].tobytes())
    known_HW = codes_HW > 0
    inverse_HW = np.where(known_HW, codes_HW - np.float32(offset), np.float32(np.nan))
    return _only_positive((np.float32(scale) / inverse_HW).astype(np.float32))


def _sixteen_bits(image: CompressedImage, skip: int) -> np.ndarray:
    codes_HW = decoded(image, cv2.IMREAD_UNCHANGED, skip)
    if codes_HW.dtype != np.uint16 or codes_HW.ndim != 2:
        raise InputError(f'compressed depth of format {image.format!r} holds {codes_HW.dtype} '
                         f'values in {codes_HW.ndim} dimensions where one channel of 16 bits is '
                         'needed; JPEG cannot carry depth, use PNG')
    return codes_HW
