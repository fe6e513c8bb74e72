# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.sources.ros.camera import CameraReader
import pytest
from sensor_msgs.msg import CameraInfo, RegionOfInterest

CAMERA = Intrinsics(fx=500.5, fy=499.25, cx=320.75, cy=238.0, width=640, height=480)


def test_message_round_trip():
    message = info_from_intrinsics(header_of(7, 'optical'), CAMERA)
    assert (
        CameraReader('depth/image', pytest.fail).rectifier(message, 640, 480).intrinsics == CAMERA
    )
    assert list(message.k[:6]) == [500.5, 0.0, 320.75, 0.0, 499.25, 238.0]
    assert list(message.p) == [500.5, 0, 320.75, 0, 0, 499.25, 238.0, 0, 0, 0, 1, 0]
    assert (message.header.frame_id, message.header.stamp.nanosec) == ('optical', 7)


def test_live_messages_are_read_as_those_of_bags():
    info = CameraInfo(
        width=640,
        height=480,
        k=[500.0, 0.0, 319.5, 0.0, 510.0, 239.5, 0.0, 0.0, 1.0],
        d=[0.1, 0.0, 0.0, 0.0, 0.0],
        distortion_model='plumb_bob',
        roi=RegionOfInterest(x_offset=100, y_offset=80, width=200, height=100),
        binning_x=2,
        binning_y=2,
    )
    camera = CameraReader('image').rectifier(info, 100, 50).intrinsics
    assert (camera.fx, camera.fy) == (250.0, 255.0)
    assert camera.cx == (319.5 - 100 + 0.5) / 2 - 0.5
    assert camera.cy == (239.5 - 80 + 0.5) / 2 - 0.5
