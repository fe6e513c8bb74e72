# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ORB features (Rublee et al. 2011) by OpenCV: no network, some 10 ms for a VGA image."""

import cv2
import numpy as np

DESCRIPTOR_BYTES = 32
USUAL_CONTRAST, LOW_CONTRAST = 20, 7
"""Steps of grey around a corner; the lower one is for images that are dark, blurred or plain."""
FEW = 0.25


class Orb:
    """
    The detector that needs nothing but OpenCV.

    :param most: largest number of features
    """

    norm = cv2.NORM_HAMMING

    def __init__(self, most: int = 1000) -> None:
        self._few = FEW * most
        self._usual, self._sensitive = (
            # Its newer name ORB.create is unknown to the OpenCV of Ubuntu 22.04.
            cv2.ORB_create(most, fastThreshold=contrast)  # type: ignore[attr-defined]
            for contrast in (USUAL_CONTRAST, LOW_CONTRAST)
        )

    def detect(self, rgb_HW3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels and descriptors, see :class:`FeatureDetector`."""
        grey_HW = cv2.cvtColor(rgb_HW3, cv2.COLOR_RGB2GRAY)
        corners, descriptors_ND = self._usual.detectAndCompute(grey_HW, None)
        if len(corners) < self._few:
            corners, descriptors_ND = self._sensitive.detectAndCompute(grey_HW, None)
        if not corners:
            return np.empty((0, 2)), np.empty((0, DESCRIPTOR_BYTES), np.uint8)
        # Strength is compared within a level of the image pyramid and across levels alike.
        order = np.argsort([-corner.response for corner in corners], kind='stable')
        pixels_N2 = np.array([corner.pt for corner in corners], dtype=np.float64)
        return pixels_N2[order], descriptors_ND[order]
