# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibrations as users have them: plain, of ROS' camera_calibration, of ORB-SLAM."""

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.calibration import read_calibration
import numpy as np
import pytest

CAMERA = Intrinsics(fx=526.4, fy=525.1, cx=320.85, cy=238.4, width=640, height=480)
COEFFICIENTS = (0.2, -0.1, 0.001, 0.002, 0.0)
PLAIN = """width: 640
height: 480
fx: 526.4
fy: 525.1
cx: 320.85
cy: 238.4
"""
ROS = """image_width: 640
image_height: 480
camera_name: head
camera_matrix:
  rows: 3
  cols: 3
  data: [526.4, 0.0, 320.85, 0.0, 525.1, 238.4, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.2, -0.1, 0.001, 0.002, 0.0]
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
"""
ORB_SLAM = """%YAML:1.0
Camera.type: "PinHole"
Camera.fx: 526.4
Camera.fy: 525.1
Camera.cx: 320.85
Camera.cy: 238.4
Camera.k1: 0.2
Camera.k2: -0.1
Camera.p1: 0.001
Camera.p2: 0.002
Camera.width: 640
Camera.height: 480
DepthMapFactor: 5000.0
"""
IMAGE = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)


def read(tmp_path, text, lines=None):
    (tmp_path / 'calibration.yaml').write_text(text)
    return read_calibration(
        tmp_path / 'calibration.yaml', [].append if lines is None else lines.append
    )


@pytest.mark.parametrize(
    'text',
    [PLAIN + 'distortion: [0.2, -0.1, 0.001, 0.002, 0]\n', ROS, ORB_SLAM],
    ids=['plain', 'ros', 'orb_slam'],
)
def test_each_format_gives_the_same_camera(tmp_path, text):
    found = read(tmp_path, text)
    assert found.rectifier.intrinsics == CAMERA
    wanted = cv2.undistort(IMAGE, CAMERA.matrix(), np.array(COEFFICIENTS))
    gap = np.abs(found.rectifier.rgb(IMAGE).astype(int) - wanted.astype(int))
    assert np.median(gap) <= 1
    assert found.depth_scale == (5000.0 if text is ORB_SLAM else None)


@pytest.mark.parametrize(
    'text',
    [
        PLAIN + 'distortion_model: equidistant\ndistortion: [0.1, 0.01, 0.0, 0.0]\n',
        ORB_SLAM.replace('PinHole', 'KannalaBrandt8')
        .replace('k1: 0.2', 'k1: 0.1')
        .replace('k2: -0.1', 'k2: 0.01')
        .replace('p1: 0.001', 'k3: 0')
        .replace('p2: 0.002', 'k4: 0'),
    ],
    ids=['plain', 'orb_slam'],
)
def test_a_fisheye_lens_is_one(tmp_path, text):
    found = read(tmp_path, text)
    wanted = cv2.fisheye.undistortImage(
        IMAGE, CAMERA.matrix(), np.array([0.1, 0.01, 0.0, 0.0]), Knew=CAMERA.matrix()
    )
    gap = np.abs(found.rectifier.rgb(IMAGE).astype(int) - wanted.astype(int))
    assert np.median(gap) <= 1


@pytest.mark.parametrize(
    ('more', 'told'),
    [
        (
            'distortion_coefficients: [0.3, -0.1, 0, 0, 0]\n',
            "distortion_coefficients' is not read",
        ),
        ('Distorsion: [0.3]\n', "'Distorsion' is not read; did you mean distortion?"),
        ('depth_scle: 5000\n', "'depth_scle' is not read; did you mean depth_scale?"),
        ('distortion_model: bent\ndistortion: [1, 0, 0, 0]\n', "distortion model 'bent' is not"),
        ('distortion_model: equidistant\ndistortion: [1, 0]\n', 'equidistant takes k1 k2 k3 k4'),
    ],
)
def test_a_key_that_would_be_lost_is_refused(tmp_path, more, told):
    with pytest.raises(SourceError, match=told):
        read(tmp_path, PLAIN + more)


def test_other_keys_are_said(tmp_path):
    lines = []
    assert read(tmp_path, PLAIN + 'serial: 17\n', lines).rectifier.intrinsics == CAMERA
    assert len(lines) == 1
    assert "calibration.yaml: 'serial' not read; known are width, height, fx" in lines[0]


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        (ROS.replace('526.4, 0.0, 320', '320'), 'camera_matrix = .* must be a list of 9 numbers'),
        (ROS.replace('image_width: 640\n', ''), "lacks 'image_width'"),
        (ROS.replace('  data: [0.2', '  dat: [0.2'), "lacks 'data'"),
        (ORB_SLAM.replace('Camera.width: 640\n', ''), "lacks 'width'"),
    ],
)
def test_what_a_foreign_format_lacks_is_named(tmp_path, text, told):
    with pytest.raises(SourceError, match=told):
        read(tmp_path, text)
