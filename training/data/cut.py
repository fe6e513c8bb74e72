# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A random window of an image at the network's size, with everything that belongs to it."""

from dataclasses import dataclass

import cv2
from depth_refiner_ros.core.camera import Intrinsics
import numpy as np
from training.config import DataConfig
from training.data.sample import Sample

ASSUMED_FOV_DEG = 60.0
"""Of an image whose camera is unknown; its rays serve, its focal length is not told."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """
    A window at the network's size.

    :param depth_m_HW: 0 or NaN where unknown; None of images alone
    :param camera: of the window
    :param camera_known: False where the camera is assumed
    """

    rgb_HW3: np.ndarray
    depth_m_HW: np.ndarray | None
    camera: Intrinsics
    camera_known: bool
    prior_m_HW: np.ndarray | None


def camera_of(sample: Sample, config: DataConfig) -> Intrinsics:
    """Return the camera of a sample, or an assumed one."""
    height, width = sample.rgb_HW3.shape[:2]
    assumed_deg = config.assume_fov_deg or ASSUMED_FOV_DEG
    return sample.intrinsics or Intrinsics.from_fov(width, height, assumed_deg)


def cut(sample: Sample, config: DataConfig, rng: np.random.Generator) -> Cut:
    """Return a random window of a sample."""
    height, width = sample.rgb_HW3.shape[:2]
    zoom = np.exp(rng.uniform(np.log(config.min_zoom), np.log(config.max_zoom)))
    crop_w = min(width, round(config.crop_width / zoom))
    crop_h = min(height, round(config.crop_height / zoom))
    left, top = int(rng.integers(width - crop_w + 1)), int(rng.integers(height - crop_h + 1))
    window = np.s_[top : top + crop_h, left : left + crop_w]
    camera = camera_of(sample, config).cropped(left, top, crop_w, crop_h)
    rgb = np.ascontiguousarray(sample.rgb_HW3[window])
    depth = None if sample.depth_m_HW is None else sample.depth_m_HW[window]
    prior = sample.prior_m_hw
    if prior is not None:
        prior = cv2.resize(prior, (width, height), interpolation=cv2.INTER_LINEAR)[window]
    size = (config.width, config.height)
    if (crop_w, crop_h) != size:
        shrink = crop_w > config.width
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
        depth = None if depth is None else _resized_depth(depth, size)
        prior = None if prior is None else cv2.resize(prior, size)
        camera = camera.resized(*size)
    if config.flip and rng.random() < 0.5:
        rgb, camera = rgb[:, ::-1], camera.flipped()
        depth = None if depth is None else depth[:, ::-1]
        prior = None if prior is None else prior[:, ::-1]
    return Cut(
        rgb_HW3=rgb,
        depth_m_HW=depth,
        camera=camera,
        camera_known=sample.intrinsics is not None or config.assume_fov_deg > 0.0,
        prior_m_HW=prior,
    )


def _resized_depth(depth_m_HW: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return depth at another size, every value one that was there, to keep its edges."""
    exact = cv2.INTER_NEAREST_EXACT
    return cv2.resize(depth_m_HW.astype(np.float32), size, interpolation=exact)
