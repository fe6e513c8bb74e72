"""
Decode ROS images from their fields, for messages of any library (rosbags, rclpy).

Depth comes out as float32 metres with NaN for 'no value' (REP-118).
"""

import struct
from typing import Any, NamedTuple

import cv2
from depth_refiner_ros.core.errors import SourceError
import numpy as np


class Layout(NamedTuple):
    """How an encoding is stored, and the OpenCV code that turns it to RGB."""

    dtype: str
    channels: int
    to_rgb: int | None = None


COLOR = {
    'rgb8': Layout('u1', 3), '8UC3': Layout('u1', 3, cv2.COLOR_BGR2RGB),
    'bgr8': Layout('u1', 3, cv2.COLOR_BGR2RGB),
    'rgba8': Layout('u1', 4, cv2.COLOR_RGBA2RGB), 'bgra8': Layout('u1', 4, cv2.COLOR_BGRA2RGB),
    '8UC4': Layout('u1', 4, cv2.COLOR_BGRA2RGB),
    'mono8': Layout('u1', 1, cv2.COLOR_GRAY2RGB), '8UC1': Layout('u1', 1, cv2.COLOR_GRAY2RGB),
    # OpenCV names a Bayer pattern by its second row, ROS by its first.
    'bayer_rggb8': Layout('u1', 1, cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': Layout('u1', 1, cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': Layout('u1', 1, cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': Layout('u1', 1, cv2.COLOR_BayerGB2RGB),
    'yuv422': Layout('u1', 2, cv2.COLOR_YUV2RGB_UYVY),
    'uyvy': Layout('u1', 2, cv2.COLOR_YUV2RGB_UYVY),
    'yuv422_yuy2': Layout('u1', 2, cv2.COLOR_YUV2RGB_YUY2),
    'yuyv': Layout('u1', 2, cv2.COLOR_YUV2RGB_YUY2),
}
DEPTH = {'16UC1': Layout('u2', 1), 'mono16': Layout('u2', 1), '32FC1': Layout('f4', 1)}


def is_depth(message: Any) -> bool:
    """Tell depth from colour by the encoding of an Image or the format of a CompressedImage."""
    if hasattr(message, 'encoding'):
        return message.encoding in DEPTH
    return 'compressedDepth' in message.format


def rgb_from_image(message: Any) -> np.ndarray:
    """
    Give an Image or CompressedImage as uint8 H x W x 3.

    :raises SourceError: where the encoding is unknown or the data do not fit
    """
    if not hasattr(message, 'encoding'):
        bgr_HW3 = _decompressed(message, message.data, cv2.IMREAD_COLOR)
        return np.ascontiguousarray(bgr_HW3[..., ::-1])
    layout = _layout(message, COLOR)
    pixels = _pixels(message, layout)
    return pixels if layout.to_rgb is None else cv2.cvtColor(pixels, layout.to_rgb)


def depth_from_image(message: Any) -> np.ndarray:
    """
    Give an Image (16UC1 millimetres, 32FC1 metres) or compressed depth as float32 metres.

    :raises SourceError: where the encoding is unknown or the data do not fit
    """
    if hasattr(message, 'encoding'):
        units_HW = _pixels(message, _layout(message, DEPTH))
    else:
        units_HW = _compressed_depth(message)
    millimetres = units_HW.dtype == np.uint16
    depth_m_HW = units_HW.astype(np.float32)
    if millimetres:
        depth_m_HW *= np.float32(0.001)
    depth_m_HW[~(np.isfinite(depth_m_HW) & (depth_m_HW > 0))] = np.nan
    return depth_m_HW


def _layout(message: Any, known: dict[str, Layout]) -> Layout:
    if message.encoding not in known:
        raise SourceError(f'image encoding {message.encoding!r} must be one of '
                          f'{", ".join(known)}')
    return known[message.encoding]


def _pixels(message: Any, layout: Layout) -> np.ndarray:
    dtype = np.dtype(('>' if message.is_bigendian else '<') + layout.dtype)
    row_bytes = message.width * layout.channels * dtype.itemsize
    data = np.frombuffer(message.data, dtype=np.uint8)
    needed = message.step * (message.height - 1) + row_bytes
    if message.step < row_bytes or message.height < 1 or len(data) < needed:
        raise SourceError(f'image of {message.width}x{message.height} {message.encoding} with '
                          f'step {message.step} holds {len(data)} bytes, {needed} needed')
    rows = np.lib.stride_tricks.as_strided(data, (message.height, row_bytes), (message.step, 1),
                                           writeable=False)
    pixels = np.ascontiguousarray(rows).view(dtype).astype(dtype.newbyteorder('='), copy=False)
    shape = (message.height, message.width, layout.channels)
    return pixels.reshape(shape if layout.channels > 1 else shape[:2])


def _compressed_depth(message: Any) -> np.ndarray:
    """Decode the PNG form of compressed_depth_image_transport: 12 bytes of header, then PNG."""
    data = bytes(message.data)
    if b'\x89PNG' != data[12:16]:
        raise SourceError(f'compressed depth of format {message.format!r} is not PNG; record '
                          'with the png format')
    units_HW = _decompressed(message, data[12:], cv2.IMREAD_UNCHANGED)
    if not message.format.startswith('32FC1'):
        return units_HW
    _, scale, offset = struct.unpack('<iff', data[:12])
    with np.errstate(divide='ignore'):
        depth_m_HW = np.float32(scale) / (units_HW.astype(np.float32) - np.float32(offset))
    return np.where(units_HW > 0, depth_m_HW, np.float32('nan'))


def _decompressed(message: Any, data: Any, flags: int) -> np.ndarray:
    buffer = np.frombuffer(data, dtype=np.uint8)
    image = cv2.imdecode(buffer, flags) if len(buffer) else None
    if image is None:
        raise SourceError(f'compressed image of format {message.format!r} with {len(buffer)} '
                          'bytes cannot be decoded')
    return image
