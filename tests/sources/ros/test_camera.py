# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera models: the same function reads CameraInfo for bags and for live nodes."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.ros.camera import CameraReader, is_rectified
import numpy as np
import pytest

from tests.sources.ros import bags

K = (50.0, 51.0, 31.0, 23.0)
P = (45.0, 46.0, 30.0, 22.0)
ANGLE = np.arctan(0.4)
BARREL = (-0.3, 0.1, 0.0, 0.0, 0.0)


def intrinsics(values, width=64, height=48) -> Intrinsics:
    return Intrinsics(**dict(zip(('fx', 'fy', 'cx', 'cy'), values)), width=width, height=height)


def camera(info, topic='image_raw', size=(64, 48)) -> Intrinsics:
    return CameraReader(topic).rectifier(info, *size).intrinsics


def test_only_the_last_name_part_promises_rectified_images(subtests):
    cases = [
        ('/cam/image_rect', True),
        ('/cam/image_rect_color', True),
        ('/cam/image_rect/compressed', True),
        ('/camera/infra1/image_rect_raw', True),
        ('image_rect', True),
        ('/cam/image_raw', False),
        ('/rect/image', False),
        ('/rectangle_cam/image_raw', False),
        ('/corrected_exposure/image_raw/compressed', False),
        ('/image_rect/image_raw', False),
        ('/cam/image_rectangle', False),
        ('image', False),
    ]
    for topic, rectified in cases:
        with subtests.test(topic):
            assert is_rectified(topic) is rectified


@pytest.mark.parametrize(
    ('topic', 'd', 'expected'),
    [
        ('/cam/image_raw', (), K),
        ('/cam/image_rect_color', BARREL, P),
        ('/cam/image_rect_color', (), P),
        ('/rect/image', (), K),
        ('/cam/image_raw', BARREL, P),
    ],
)
def test_k_describes_raw_images_and_p_rectified_ones(topic, d, expected):
    info = bags.camera_info(0, 64, 48, K, d=d, p=P)
    assert camera(info, topic) == intrinsics(expected)


def test_p_of_zeros_means_k():
    info = bags.camera_info(0, 64, 48, K, d=BARREL, p=(0.0, 0.0, 0.0, 0.0))
    assert camera(info) == intrinsics(K)
    assert camera(info, 'image_rect') == intrinsics(K)


def test_k_of_zeros_means_p_where_it_is_filled_in():
    assert camera(bags.camera_info(0, 64, 48, (0.0, 0.0, 0.0, 0.0), p=P)) == intrinsics(P)


def test_raw_images_are_undistorted_and_rectified_ones_are_not():
    lines = []
    info = bags.camera_info(0, 64, 48, K, d=(0.2, 0, 0, 0, 0))
    ramp = np.tile(np.arange(64, dtype=np.float32), (48, 1))
    raw = CameraReader('image_raw', lines.append).rectifier(info, 64, 48).depth(ramp)
    assert raw[23, 51] == round(31 + 50 * 0.4 * (1 + 0.2 * 0.16))
    assert lines == ['images of image_raw are distorted (plumb_bob); undistorting them']
    rectified = CameraReader('image_rect', pytest.fail).rectifier(info, 64, 48).depth(ramp)
    np.testing.assert_array_equal(rectified, ramp)


@pytest.mark.parametrize(
    ('model', 'd', 'factor'),
    [
        ('plumb_bob', (0.2, 0.0, 0.0, 0.0), 1 + 0.2 * 0.16),
        ('plumb_bob', (0.2, 0.0, 0.0, 0.0, 0.1), 1 + 0.2 * 0.16 + 0.1 * 0.4**6),
        (
            'rational_polynomial',
            (0.2, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0),
            (1 + 0.2 * 0.16) / (1 + 0.5 * 0.16),
        ),
        (
            'equidistant',
            (0.1, 0.0, 0.0, 0.0),
            np.arctan(0.4) / 0.4 * (1 + 0.1 * np.arctan(0.4) ** 2),
        ),
    ],
)
def test_each_distortion_model_follows_its_formula(model, d, factor):
    info = bags.camera_info(0, 64, 48, K, d=d, model=model)
    ramp = np.tile(np.arange(64, dtype=np.float32), (48, 1))
    depth = CameraReader('raw').rectifier(info, 64, 48).depth(ramp)
    assert depth[23, 51] == round(31 + 50 * 0.4 * factor)


@pytest.mark.parametrize('topic', ['image_raw', 'image_rect'])
def test_binning_and_region_of_interest_follow_the_image(topic):
    def found(size, **options):
        return camera(
            bags.camera_info(0, 128, 96, (120.0, 118.0, 60.0, 40.0), **options), topic, size
        )

    # c' = (c + 0.5) / 2 - 0.5
    assert found((64, 48), binning=(2, 2)) == intrinsics((60.0, 59.0, 29.75, 19.75))
    assert found((64, 24), binning=(2, 4)) == intrinsics((60.0, 29.5, 29.75, 9.625), 64, 24)
    assert found((64, 48), roi=(32, 24, 64, 48)) == intrinsics((120.0, 118.0, 28.0, 16.0))
    # The region is in full pixels: it is cut first, then binned.
    both = found((32, 24), roi=(32, 24, 64, 48), binning=(2, 2))
    assert both == intrinsics((60.0, 59.0, 13.75, 7.75), 32, 24)
    odd = found((16, 48), roi=(0, 0, 67, 48), binning=(4, 1))
    assert odd == intrinsics((30.0, 118.0, 14.625, 40.0), 16, 48)


def test_an_image_of_the_calibrated_size_is_neither_cut_nor_binned():
    for options in ({'binning': (2, 2)}, {'roi': (8, 8, 32, 32)}):
        assert camera(bags.camera_info(0, 64, 48, K, **options)) == intrinsics(K)


def test_a_binned_and_cut_image_is_undistorted_in_its_own_pixels():
    """The same lens at half size and through a window shows what the full image shows there."""
    full_info = bags.camera_info(0, 128, 96, (120.0, 120.0, 63.5, 47.5), d=BARREL)
    columns = np.tile(np.arange(128, dtype=np.float32), (96, 1))
    full = CameraReader('raw').rectifier(full_info, 128, 96).depth(columns)

    cut_info = bags.camera_info(
        0, 128, 96, (120.0, 120.0, 63.5, 47.5), d=BARREL, roi=(32, 24, 80, 60)
    )
    cut = CameraReader('raw').rectifier(cut_info, 80, 60).depth(columns[24:84, 32:112])
    inside = np.isfinite(cut)
    assert inside.mean() > 0.9
    np.testing.assert_array_equal(cut[inside], full[24:84, 32:112][inside])

    binned_info = bags.camera_info(
        0, 128, 96, (120.0, 120.0, 63.5, 47.5), d=BARREL, binning=(2, 2)
    )
    halves = columns.reshape(48, 2, 64, 2).mean(axis=(1, 3))
    binned = CameraReader('raw').rectifier(binned_info, 64, 48).depth(halves)
    expected = full.reshape(48, 2, 64, 2).mean(axis=(1, 3))
    assert np.nanmax(np.abs(binned - expected)) <= 1.5


def test_maps_are_kept_until_the_calibration_changes():
    reader = CameraReader('image_raw')
    first = reader.rectifier(bags.camera_info(0, 64, 48, K, d=BARREL), 64, 48)
    assert reader.rectifier(bags.camera_info(5, 64, 48, K, d=BARREL), 64, 48) is first
    other = reader.rectifier(bags.camera_info(5, 64, 48, P, d=BARREL), 64, 48)
    assert other is not first
    assert other.intrinsics == intrinsics(P)


def test_a_camera_that_is_not_calibrated_is_none():
    info = bags.camera_info(0, 64, 48, (0.0, 0.0, 0.0, 0.0))
    assert CameraReader('image').rectifier(info, 64, 48) is None
    unfilled = bags.camera_info(0, 0, 0, (0.0, 0.0, 0.0, 0.0))
    assert CameraReader('image').rectifier(unfilled, 64, 48) is None


NAN = float('nan')


def test_impossible_calibrations_are_one_line(subtests):
    cases = [
        ((NAN, 51.0, 31.0, 23.0), 'fx = nan is not a number'),
        ((50.0, 51.0, 31.0, NAN), 'cy = nan is not a number'),
        ((50.0, float('inf'), 31.0, 23.0), 'fy = inf'),
        ((-5.0, 51.0, 31.0, 23.0), 'fx = -5.0 must be positive'),
        ((50.0, 0.0, 31.0, 23.0), 'fy = 0.0 must be positive'),
        ((1e300, 1e300, 31.0, 23.0), r'fx = 1e\+300 px is implausible for 64 pixels'),
        ((1e-30, 1e-30, 31.0, 23.0), 'fx = 1e-30 px is implausible'),
        ((50.0, 51.0, 1e300, 23.0), r'cx = 1e\+300 px is implausibly far outside'),
    ]
    for k, words in cases:
        with subtests.test(words):
            with pytest.raises(InputError, match=words) as caught:
                CameraReader('image').rectifier(bags.camera_info(0, 64, 48, k), 64, 48)
            assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'d': (1.0, 2.0), 'model': 'moon'}, "distortion model 'moon' is not supported; use"),
        ({'d': (NAN, 0.0, 0.0, 0.0, 0.0)}, 'a value that is not a number'),
        ({'roi': (60, 0, 32, 24)}, r'crop 32x24\+60\+0 leaves the 64x48'),
        ({'binning': (0, 5)}, r'the image is 64x24 but camera_info describes 64x9.*info_topic'),
    ],
)
def test_unfit_fields_are_named(options, words):
    size = (64, 24) if 'binning' in options else (64, 48)
    info = bags.camera_info(0, 64, 48, K, **options)
    with pytest.raises(InputError, match=words):
        CameraReader('image').rectifier(info, *size)
