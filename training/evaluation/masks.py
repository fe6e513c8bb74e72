# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where depth is compared on a benchmark: masks of its truth."""

from depth_refiner_ros.sources.lost_frames import FrameError, WRONG_SIZE
import numpy as np
from scipy import ndimage
from training.data.sample import Sample

NYU_ROWS, NYU_COLUMNS = slice(45, 471), slice(41, 601)
NYU_SIZE = (480, 640)
EIGEN_ROWS = (0.3324324, 0.91351351)
EIGEN_COLUMNS = (0.0359477, 0.96405229)
STEEPEST_M = 0.3
"""Largest sum of both Sobel responses on DIODE; the kernel answers 8 to a ramp of 1 m per pixel,
so that a slope of more than 0.0375 m per pixel is left out, be it an edge or a floor."""


def eigen_mask(depth_m_HW: np.ndarray) -> np.ndarray:
    """Return Eigen's part of a KITTI depth map, as bool; it is measured on the benchmark crop."""
    height, width = depth_m_HW.shape
    mask_HW = np.zeros((height, width), dtype=bool)
    rows, columns = (
        slice(*(int(share * size) for share in shares))
        for shares, size in ((EIGEN_ROWS, height), (EIGEN_COLUMNS, width))
    )
    mask_HW[rows, columns] = True
    return mask_HW


def nyu_mask(depth_m_HW: np.ndarray) -> np.ndarray:
    """
    Return rows 45 to 470 and columns 41 to 600 of an NYU depth map, as bool.

    :raises FrameError: where it is not 480 x 640, the size that the numbers are for
    """
    if depth_m_HW.shape != NYU_SIZE:
        height, width = depth_m_HW.shape
        raise FrameError(
            WRONG_SIZE, f'depth of {width}x{height} is not of NYU, whose crop is for 640x480'
        )
    mask_HW = np.zeros(NYU_SIZE, dtype=bool)
    mask_HW[NYU_ROWS, NYU_COLUMNS] = True
    return mask_HW


def flat_mask(depth_m_HW: np.ndarray) -> np.ndarray:
    """
    Return where depth changes slowly, as bool: ApDepth section 4.2, for DIODE.

    Unknown depth is 0, as in the data set's files, so that its outline is left out, too.
    """
    known_m_HW = np.nan_to_num(depth_m_HW.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    slope_HW = np.abs(ndimage.sobel(known_m_HW, 0)) + np.abs(ndimage.sobel(known_m_HW, 1))
    return slope_HW <= STEEPEST_M


def everywhere(depth_m_HW: np.ndarray) -> np.ndarray:
    """Return True for every pixel."""
    return np.ones(depth_m_HW.shape, dtype=bool)


def uncropped(sample: Sample) -> Sample:
    """Return the image as it is."""
    return sample
