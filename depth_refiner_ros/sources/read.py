"""Read one image or depth file, or say which file is broken and how."""

from pathlib import Path

import cv2
from depth_refiner_ros.core.errors import SourceError
import numpy as np


def read_rgb(path: Path) -> np.ndarray:
    """
    Read a color image as uint8 H x W x 3; grey and 16-bit images are converted.

    :raises SourceError: where the file is missing, cut short or no image
    """
    bgr_HW3 = _decoded(path, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(bgr_HW3[..., ::-1])


def read_depth(path: Path, *, depth_scale: float) -> np.ndarray:
    """
    Read a depth map as float32 metres, NaN where it has none.

    :param depth_scale: file units per metre
    :raises SourceError: where the file is missing, cut short or not 16 bit or float, one channel
    """
    if not depth_scale > 0:
        raise SourceError(f'{path}: depth_scale = {depth_scale:g} must be positive')
    units_HW = _decoded(path, cv2.IMREAD_UNCHANGED)
    if units_HW.ndim != 2 or units_HW.dtype not in (np.uint16, np.float32):
        raise SourceError(
            f'{path} is {units_HW.dtype} of shape {units_HW.shape}, but depth must '
            'be one channel of uint16 or float32'
        )
    depth_m_HW = units_HW.astype(np.float32) / np.float32(depth_scale)
    depth_m_HW[~(np.isfinite(depth_m_HW) & (depth_m_HW > 0))] = np.nan
    return depth_m_HW


def _decoded(path: Path, flags: int) -> np.ndarray:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f'cannot read {path}: {error.strerror}') from error
    _check_whole(path, data)
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags) if data else None
    except cv2.error as error:
        raise SourceError(
            f'{path} cannot be decoded: {" ".join(error.err.split())}; write it '
            'again, smaller if it is huge'
        ) from error
    if image is None:
        raise SourceError(f'{path} ({len(data)} bytes) is cut short or no image')
    return image


def _check_whole(path: Path, data: bytes) -> None:
    """OpenCV 4 fills the missing rows of a truncated file with grey or black and says nothing."""
    cut_png = data.startswith(b'\x89PNG') and b'IEND' not in data
    cut_jpeg = data.startswith(b'\xff\xd8\xff') and b'\xff\xd9' not in data
    if cut_png or cut_jpeg:
        raise SourceError(f'{path} ({len(data)} bytes) is cut short; copy it again')
