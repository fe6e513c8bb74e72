# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Detectors of features by name."""

from depth_refiner_ros.mapping.odometry.features import FeatureDetector
from depth_refiner_ros.mapping.odometry.orb import Orb
from depth_refiner_ros.mapping.odometry.xfeat import XFeat

DETECTORS: dict[str, type[Orb] | type[XFeat]] = {'orb': Orb, 'xfeat': XFeat}


def detector_of(name: str) -> FeatureDetector:
    """
    Return a detector.

    :param name: ``orb`` or ``xfeat``
    :raises MappingError: if its package is missing
    """
    return DETECTORS[name]()
