from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.nodes.conversions.camera import (
    info_from_intrinsics,
    intrinsics_from_info,
    intrinsics_of_image,
    is_distorted,
)
from depth_refiner_ros.nodes.conversions.headers import header_of
import pytest
from sensor_msgs.msg import CameraInfo, RegionOfInterest


def info(fx=500.0, fy=510.0, cx=319.5, cy=239.5, width=640, height=480, **more):
    k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    return CameraInfo(width=width, height=height, k=k, **more)


def test_k_is_read_where_p_is_not_filled_in():
    assert intrinsics_from_info(info()) == Intrinsics(
        fx=500, fy=510, cx=319.5, cy=239.5, width=640, height=480
    )


def test_p_describes_the_rectified_image():
    p = [400.0, 0.0, 300.0, -40.0, 0.0, 410.0, 200.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    camera = intrinsics_from_info(info(p=p, d=[0.1, 0.0, 0.0, 0.0, 0.0]))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (400, 410, 300, 200)


def test_binning_scales_with_the_half_pixel():
    camera = intrinsics_from_info(info(binning_x=2, binning_y=4))
    # c' = (c + 0.5) / 2 - 0.5
    assert (camera.fx, camera.fy) == (250.0, 127.5)
    assert (camera.cx, camera.cy) == (159.5, 59.5)
    assert (camera.width, camera.height) == (320, 120)


def test_region_of_interest_is_in_full_pixels_and_binned_after():
    roi = RegionOfInterest(x_offset=100, y_offset=80, width=200, height=100)
    camera = intrinsics_from_info(info(roi=roi, binning_x=2, binning_y=2))
    assert (camera.width, camera.height) == (100, 50)
    assert camera.cx == (319.5 - 100 + 0.5) / 2 - 0.5
    assert camera.cy == (239.5 - 80 + 0.5) / 2 - 0.5


def test_message_round_trip():
    camera = Intrinsics(fx=500.5, fy=499.25, cx=320.75, cy=238.0, width=640, height=480)
    message = info_from_intrinsics(header_of(7, 'optical'), camera)
    assert intrinsics_from_info(message) == camera
    assert not is_distorted(message)
    assert list(message.k[:6]) == [500.5, 0.0, 320.75, 0.0, 499.25, 238.0]
    assert list(message.p) == [500.5, 0, 320.75, 0, 0, 499.25, 238.0, 0, 0, 0, 1, 0]
    assert (message.header.frame_id, message.header.stamp.nanosec) == ('optical', 7)


def test_distortion_is_noticed():
    assert is_distorted(info(d=[0.0, 0.0, 1e-4]))
    assert not is_distorted(info(d=[0.0, 0.0]))
    assert not is_distorted(info())


def test_unfit_camera_info_is_refused(subtests):
    cases = [
        (CameraInfo(width=640, height=480), r'K\[0\] = 0, so the camera is not calibrated'),
        (info(fx=float('nan')), r'K\[0\] = nan'),
        (info(fx=-5.0), r'K\[0\] = -5'),
        (info(cy=float('nan')), 'cy = nan is not a number'),
        (info(fy=float('inf')), 'fy = inf'),
        (info(width=0), 'width = 0 must be positive'),
        (info(roi=RegionOfInterest(x_offset=600, width=100, height=100)), 'leaves the 640x480'),
    ]
    for message, complaint in cases:
        with subtests.test(complaint), pytest.raises(InputError, match=complaint):
            intrinsics_from_info(message)


def test_size_must_be_that_of_the_image():
    assert intrinsics_of_image(info(), 640, 480).width == 640
    with pytest.raises(InputError, match='the image is 320x240 but camera_info describes 640x480'):
        intrinsics_of_image(info(), 320, 240)
