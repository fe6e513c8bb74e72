"""Depth images as messages, by REP-118."""

from depth_refiner_ros.nodes.conversions.headers import buffer_of, filled
from depth_refiner_ros.sources.ros.depth import MM_PER_M
import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

LARGEST_MM = 65535


def image_from_depth(header: Header, depth_m_HW: np.ndarray) -> Image:
    """Return the 32FC1 message in metres."""
    height, width = depth_m_HW.shape
    return filled(
        Image(header=header, height=height, width=width, encoding='32FC1', step=4 * width),
        buffer_of(depth_m_HW.astype(np.float32, copy=False)),
    )


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
    # NaN compares false; a cast without this test would wrap 66 m round to 0.464 m.
    fits_HW = (mm_HW > 0) & (mm_HW <= LARGEST_MM)
    return np.where(fits_HW, mm_HW, np.float32(0)).astype(np.uint16)
