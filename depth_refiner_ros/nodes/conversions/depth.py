# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth images as messages, by REP-118."""

import cv2
from depth_refiner_ros.core.message_fields import depth_fields
from depth_refiner_ros.nodes.conversions.headers import buffer_of, filled
from depth_refiner_ros.sources.ros.depth import COMPRESSED_DEPTH_HEADER, MM_PER_M
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

LARGEST_MM = LARGEST_CODE = 65535
FASTEST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def image_from_depth(header: Header, depth_m_HW: np.ndarray) -> Image:
    """Return the 32FC1 message in metres."""
    fields = depth_fields(depth_m_HW)
    buffer = buffer_of(fields.pop('data'))
    return filled(Image(header=header, **fields), buffer)


def image_from_depth_mm(header: Header, depth_m_HW: np.ndarray) -> Image:
    """Return the 16UC1 message in millimetres; 0 where unknown or beyond 65.535 m."""
    height, width = depth_m_HW.shape
    return filled(
        Image(header=header, height=height, width=width, encoding='16UC1', step=2 * width),
        buffer_of(millimetres(depth_m_HW)),
    )


def millimetres(depth_m_HW: np.ndarray) -> np.ndarray:
    """Return depth in metres as uint16 millimetres; 0 where it is unknown or does not fit."""
    mm_HW = np.rint(depth_m_HW * np.float32(MM_PER_M))
    # NaN compares false; a cast without this test would wrap 66 m to 0.464 m.
    fits_HW = (mm_HW > 0) & (mm_HW <= LARGEST_MM)
    return np.where(fits_HW, mm_HW, np.float32(0)).astype(np.uint16)


def compressed_from_depth_mm(header: Header, depth_m_HW: np.ndarray) -> CompressedImage:
    """Return the 16UC1 message as compressedDepth, which is lossless in millimetres."""
    return _compressed_depth(header, '16UC1', millimetres(depth_m_HW), 0.0, 0.0)


def compressed_from_depth(
    header: Header, depth_m_HW: np.ndarray, near_m: float, far_m: float
) -> CompressedImage:
    """
    Return the 32FC1 message as compressedDepth: 16 bits of inverse depth, as in image_transport.

    The codes are spread over the range, which is stored in the message: between 0.1 and 80 m one
    step is 0.15 mm at 1 m and 15 mm at 10 m. Depth outside is unknown.

    :param near_m: nearest depth that has a code; above 0
    :param far_m: farthest
    """
    # Of 65535 codes 0 is unknown, 1 is far and the last one near.
    scale = (LARGEST_CODE - 1) / (1.0 / near_m - 1.0 / far_m)
    offset = 1.0 - scale / far_m
    inside_HW = (depth_m_HW >= near_m) & (depth_m_HW <= far_m)
    codes_HW = np.rint(scale / np.where(inside_HW, depth_m_HW, far_m) + offset)
    codes_HW = np.where(inside_HW, codes_HW.clip(1, LARGEST_CODE), 0).astype(np.uint16)
    return _compressed_depth(header, '32FC1', codes_HW, scale, offset)


def _compressed_depth(
    header: Header, encoding: str, codes_HW: np.ndarray, scale: float, offset: float
) -> CompressedImage:
    _, png = cv2.imencode('.png', codes_HW, FASTEST_PNG)
    head = np.frombuffer(COMPRESSED_DEPTH_HEADER.pack(0, scale, offset), np.uint8)
    return filled(
        CompressedImage(header=header, format=f'{encoding}; compressedDepth png'),
        buffer_of(np.concatenate([head, png.ravel()])),
    )
