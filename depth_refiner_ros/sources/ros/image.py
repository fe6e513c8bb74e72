"""Images of any kind of message, raw or compressed, from a bag or a live topic."""

from typing import Any

from depth_refiner_ros.sources.ros.color import rgb_from_compressed, rgb_from_image
from depth_refiner_ros.sources.ros.depth import (
    DEPTH_ENCODINGS,
    depth_from_compressed,
    depth_from_image,
)
import numpy as np


def is_depth(message: Any) -> bool:
    """Tell depth from color by the encoding of an Image or the format of a CompressedImage."""
    if _is_raw(message):
        return message.encoding in DEPTH_ENCODINGS
    return 'compressedDepth' in message.format


def rgb_from_message(message: Any) -> np.ndarray:
    """
    Return an Image or CompressedImage as ``rgb_HW3`` uint8.

    :raises InputError: where the encoding is unknown or the data do not fit
    """
    return rgb_from_image(message) if _is_raw(message) else rgb_from_compressed(message)


def depth_from_message(message: Any) -> np.ndarray:
    """
    Return an Image or CompressedImage as ``depth_m_HW`` float32, NaN where unknown.

    :raises InputError: where the encoding is unknown or the data do not fit
    """
    return depth_from_image(message) if _is_raw(message) else depth_from_compressed(message)


def _is_raw(message: Any) -> bool:
    return hasattr(message, 'encoding')
