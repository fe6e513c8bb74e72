# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reading in other processes after OpenCV has worked in this one."""

import cv2
import numpy as np
from training.config import DataConfig, RunConfig, SourceConfig
from training.data.loader import stream
from training.data.mixture import Mixture, Part
from training.data.registry import open_samples

from tests.training.data.trees import TREES


def test_workers_start_after_opencv_has_used_its_threads(tmp_path):
    """OpenCV's threads are dead in a fork; a worker waited for them for ever."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        image = np.zeros((2000, 2000, 3), np.uint8)
        cv2.resize(image, (1500, 1500), interpolation=cv2.INTER_AREA)
        samples = open_samples(
            SourceConfig(str(TREES['images'](tmp_path / 'set')), reader='images')
        )
        data = DataConfig(crop_width=8, crop_height=8, width=8, height=8)
        mixture = Mixture([Part(name='images', samples=samples, share=1.0, cut=data)])
        batches = stream(RunConfig(steps=2, batch=2, workers=2), mixture, done=0, rank=0)
        assert len(list(batches)) == 2
    finally:
        cv2.setNumThreads(threads)
