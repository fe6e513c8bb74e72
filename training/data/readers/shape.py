# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sets of which every image is changed: cut or resized as Marigold's recipe does it."""

from collections.abc import Callable
from dataclasses import replace

from depth_refiner_ros.sources.lost_frames import FrameError, WRONG_SIZE
import numpy as np
from training.data.sample import Sample, SampleSet

BENCHMARK_WIDTH, BENCHMARK_HEIGHT = 1216, 352
Change = Callable[[Sample], Sample]


class Changed:
    """
    A set of which every image is changed.

    :param change: a function of a module, so that other processes can call it
    """

    def __init__(self, samples: SampleSet, change: Change) -> None:
        self.samples, self._change = samples, change

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self._change(self.samples[index])


def benchmark_crop(sample: Sample) -> Sample:
    """
    Return the window of KITTI's depth benchmark: 1216x352, bottom rows, centred columns.

    :raises FrameError: if the image is smaller
    """
    height, width = sample.rgb_HW3.shape[:2]
    top, left = height - BENCHMARK_HEIGHT, (width - BENCHMARK_WIDTH) // 2
    if top < 0 or left < 0:
        raise FrameError(
            WRONG_SIZE,
            f'{sample.name} is {width}x{height}, too small for the benchmark crop of '
            f'{BENCHMARK_WIDTH}x{BENCHMARK_HEIGHT}; use the images at their own size',
        )
    window = np.s_[top : top + BENCHMARK_HEIGHT, left : left + BENCHMARK_WIDTH]
    depth, camera = sample.depth_m_HW, sample.intrinsics
    return replace(
        sample,
        rgb_HW3=sample.rgb_HW3[window],
        depth_m_HW=None if depth is None else depth[window],
        edges_HW=None if sample.edges_HW is None else sample.edges_HW[window],
        intrinsics=camera and camera.cropped(left, top, BENCHMARK_WIDTH, BENCHMARK_HEIGHT),
    )


def nearest_exact(sample: Sample, width: int, height: int) -> Sample:
    """
    Return a resized sample, color too by the nearest pixel as in Marigold's recipe.

    Pixels are those of torch's ``nearest-exact``. OpenCV's rounds differently where a place lies
    exactly between two pixels: at 1024 to 640, 28 of 640 columns are others.
    """
    old_height, old_width = sample.rgb_HW3.shape[:2]
    rows = (2 * np.arange(height) + 1) * old_height // (2 * height)
    columns = (2 * np.arange(width) + 1) * old_width // (2 * width)
    picked = np.ix_(rows, columns)
    depth, camera = sample.depth_m_HW, sample.intrinsics
    return replace(
        sample,
        rgb_HW3=sample.rgb_HW3[picked],
        depth_m_HW=None if depth is None else depth[picked],
        intrinsics=camera and camera.resized(width, height),
    )


def to_640x480(sample: Sample) -> Sample:
    """Return the sample at Marigold's size of Hypersim (methods B.5)."""
    return nearest_exact(sample, 640, 480)
