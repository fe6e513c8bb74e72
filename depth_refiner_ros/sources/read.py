# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read one image or depth file; errors name the file and what is wrong with it."""

import io
from pathlib import Path

import cv2
from depth_refiner_ros.core.depth_units import SATURATED
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_DEPTH, UNREADABLE_IMAGE
from depth_refiner_ros.sources.orientation import heic_turns, without_orientation
from depth_refiner_ros.sources.sixteen_bits import BitRange
from depth_refiner_ros.sources.whole import fault_of
import numpy as np
from PIL import Image

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # errors are told in one line
NPY = b'\x93NUMPY'
HEIC_BRANDS = (b'heic', b'heix', b'heim', b'heis', b'hevc', b'hevx', b'mif1', b'msf1')


def read_rgb(path: Path, bits: BitRange, *, upright: bool) -> np.ndarray:
    """
    Read a color image as uint8 H x W x 3; gray and 16-bit images are converted.

    :param bits: range of 16-bit images
    :param upright: turn the image as its EXIF record says; False keeps the grid of the sensor,
        which depth and intrinsics share
    :raises FrameError: if the file is missing, truncated or not an image
    """
    return decoded_rgb(path, read_image_bytes(path), bits, upright=upright)


def decoded_rgb(path: Path, data: bytes, bits: BitRange, *, upright: bool) -> np.ndarray:
    """Decode the bytes of an image file; see :func:`read_rgb`."""
    if data[4:8] == b'ftyp' and data[8:12] in HEIC_BRANDS:
        return _heic(path, data, upright=upright)
    data = data if upright else without_orientation(data)
    turned = 0 if upright else cv2.IMREAD_IGNORE_ORIENTATION
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | turned
    bgr_HW3 = _decoded(path, data, flags, UNREADABLE_IMAGE)
    if bgr_HW3.dtype == np.uint16:
        bgr_HW3 = bits.to_uint8(bgr_HW3)
    if bgr_HW3.dtype != np.uint8:
        raise FrameError(
            UNREADABLE_IMAGE, f'{path} is {bgr_HW3.dtype}, but color must have 8 or 16 bits'
        )
    return np.ascontiguousarray(bgr_HW3[..., ::-1])


def read_depth(path: Path, *, depth_scale: float) -> np.ndarray:
    """
    Read a depth map as float32 metres, NaN where unknown: 0, negative, or 65535 of 16 bits.

    :param depth_scale: file units per metre, positive
    :raises FrameError: if the file is missing, truncated or not one channel of 16 bits or float
    """
    data = without_orientation(read_image_bytes(path, UNREADABLE_DEPTH))
    units_HW = _decoded(path, data, cv2.IMREAD_UNCHANGED, UNREADABLE_DEPTH)
    if units_HW.ndim != 2 or units_HW.dtype not in (np.uint16, np.float32):
        raise FrameError(
            UNREADABLE_DEPTH,
            f'{path} is {units_HW.dtype} of shape {units_HW.shape}, but depth must '
            'be one channel of uint16 or float32; save it as a 16-bit gray PNG, not as a picture',
        )
    with np.errstate(over='ignore', invalid='ignore'):
        depth_m_HW = units_HW.astype(np.float32) / np.float32(depth_scale)
    depth_m_HW[~(np.isfinite(depth_m_HW) & (depth_m_HW > 0))] = np.nan
    if units_HW.dtype == np.uint16:
        depth_m_HW[units_HW == SATURATED] = np.nan
    return depth_m_HW


def read_image_bytes(path: Path, reason: str = UNREADABLE_IMAGE) -> bytes:
    """
    Read a file and check that it is complete.

    :param reason: of the loss
    :raises FrameError: if the file is missing, truncated or damaged
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise FrameError(reason, f'{path} is a pipe or device, not a file; copy it to a file')
        data = path.read_bytes()
    except OSError as error:
        raise FrameError(reason, f'cannot read {path}: {error.strerror}') from error
    except ValueError as error:
        raise FrameError(reason, f'cannot read {shown(str(path))}: {error}') from error
    if fault := fault_of(data):
        raise FrameError(reason, f'{path} ({len(data)} bytes) is {fault}; copy it again')
    return data


def _decoded(path: Path, data: bytes, flags: int, reason: str) -> np.ndarray:
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags) if data else None
    except cv2.error as error:
        raise FrameError(
            reason,
            f'{path} cannot be decoded: {" ".join(error.err.split())}; write it '
            'again, smaller if it is huge',
        ) from error
    if image is None:
        raise FrameError(reason, f'{path} ({len(data)} bytes) {_unreadable(data)}')
    return image


def _unreadable(data: bytes) -> str:
    """Return what is wrong with bytes that could not be decoded, and what to do."""
    if data.startswith(NPY):
        return 'is a NumPy array; save depth as 16-bit PNG or as TIFF, color as PNG'
    try:
        whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        whole = None
    if whole is None:
        return 'is cut short or no image that can be read; copy it again, or save it as PNG'
    return (
        f'holds {whole.dtype} of shape {whole.shape}, which is no color image; save it as PNG of '
        '8 or 16 bits'
    )


def _heic(path: Path, data: bytes, *, upright: bool) -> np.ndarray:
    """Decode a HEIC photograph, as phones write; its decoder turns it upright."""
    try:
        import pillow_heif  # needed only for such files
    except ImportError as error:
        raise FrameError(
            UNREADABLE_IMAGE,
            f'{path} is a HEIC photograph and needs a decoder: pip install pillow-heif, or '
            'save it as JPEG',
        ) from error
    pillow_heif.register_heif_opener()
    try:
        rgb_HW3 = np.array(Image.open(io.BytesIO(data)).convert('RGB'))
    except (OSError, ValueError, RuntimeError, EOFError, Image.DecompressionBombError) as error:
        raise FrameError(UNREADABLE_IMAGE, f'{path} cannot be decoded: {error}') from error
    return rgb_HW3 if upright else np.ascontiguousarray(np.rot90(rgb_HW3, -heic_turns(data)))
