# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Each profile gives its consumer what the consumer's own source reads, restated here.

The depth has a hole, doubtful pixels, and surfaces nearer and farther than any range.
"""

from dataclasses import replace
import math

from depth_refiner_ros.core.alignment import identity_fit
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.cloud import cloud_from_points
from depth_refiner_ros.nodes.conversions.depth import image_from_depth, image_from_depth_mm
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.outputs import profiles
from depth_refiner_ros.refiner.published_depth import published_depth
from depth_refiner_ros.settings.nodes import PROFILES, RefinerNodeSettings
from depth_refiner_ros.settings.options import options
import numpy as np
import pytest
import torch

CAMERA = Intrinsics(fx=60.0, fy=62.0, cx=31.5, cy=23.5, width=64, height=48)
HOLE, NEAR, FAR, DOUBTFUL = np.s_[4:8, 4:8], np.s_[20:24, 4:8], np.s_[4:8, 40:44], np.s_[40:44, :]


class Outputs:
    """The messages of one frame under a profile."""

    def __init__(self, profile: str) -> None:
        settings = settings_of(profile)
        depth = torch.full((1, 1, 48, 64), 2.0)
        confidence = torch.ones_like(depth)
        depth[0, 0][HOLE], depth[0, 0][NEAR], depth[0, 0][FAR] = math.nan, 0.03, 200.0
        confidence[0, 0][DOUBTFUL] = 0.1
        result = RefinedDepth(
            depth_m_B1HW=depth,
            prior_m_B1HW=depth,
            difference_B1HW=torch.zeros_like(depth),
            confidence_B1HW=confidence,
            scale_shift=identity_fit(depth),
        )
        published = published_depth(result, replace(settings, edge_filter=no_filter(settings)))
        header, points = header_of(3, 'camera_optical_frame'), settings.points
        self.depth = image_from_depth(header, published.numpy())
        self.depth_mm = image_from_depth_mm(header, published.numpy())
        self.info = info_from_intrinsics(header, CAMERA)
        rgb = torch.zeros((48, 64, 3), dtype=torch.uint8)
        cloud = CloudBuilder(CAMERA, points.stride).build(published, rgb).numpy()
        self.points = cloud_from_points(header, cloud, points.layout, organized=points.organized)

    @property
    def metres_HW(self) -> np.ndarray:
        """Return the depth as a consumer of 32FC1 sees it."""
        image = self.depth
        assert (image.encoding, image.is_bigendian) == ('32FC1', 0)
        assert image.step == 4 * image.width
        return np.frombuffer(image.data, '<f4').reshape(image.height, image.width)


def settings_of(profile: str) -> RefinerNodeSettings:
    changes = dict(profiles.changes({'profile': profile}))
    unknown = set(changes) - set(options(RefinerNodeSettings))
    assert not unknown, f'{profile} changes options that do not exist'
    points = {
        name.removeprefix('points.'): changes.pop(name)
        for name in list(changes)
        if name.startswith('points.')
    }
    settings = RefinerNodeSettings(profile=profile, **changes)
    return replace(settings, points=replace(settings.points, **points))


def no_filter(settings):
    return replace(settings.edge_filter, enable=False)


@pytest.fixture(params=PROFILES)
def outputs(request):
    return request.param, Outputs(request.param)


def test_camera_info_fits_its_image_and_has_no_distortion(outputs):
    _, found = outputs
    info = found.info
    assert (info.width, info.height) == (found.depth.width, found.depth.height)
    assert info.header == found.depth.header == found.points.header
    np.testing.assert_allclose(info.k, CAMERA.matrix().ravel())
    np.testing.assert_allclose(np.reshape(info.p, (3, 4))[:, :3], CAMERA.matrix())
    assert not any(info.d)


def test_millimetres_are_zero_where_metres_are_unknown_or_do_not_fit(outputs):
    _, found = outputs
    mm_HW = np.frombuffer(found.depth_mm.data, '<u2').reshape(48, 64)
    known_HW = np.isfinite(found.metres_HW) & (found.metres_HW > 0)
    known_HW &= found.metres_HW < 65.5355
    np.testing.assert_array_equal(mm_HW > 0, known_HW)
    assert set(mm_HW[mm_HW > 0].tolist()) == {2000}


def test_nvblox_meets_no_infinity_which_it_takes_for_a_surface():
    metres_HW = Outputs('nvblox').metres_HW
    # Its kernels integrate every pixel above 0, and compare with the largest distance only then.
    assert metres_HW[metres_HW > 0].max() <= 20.0
    assert not np.isinf(metres_HW).any()


def test_rtabmap_reads_metres_or_nothing():
    found = Outputs('rtabmap')
    assert found.depth.encoding in ('32FC1', '16UC1', 'mono16')
    # util2d::getDepth: a depth is used if it is finite and above 0.
    used_HW = np.isfinite(found.metres_HW) & (found.metres_HW > 0)
    assert not used_HW[HOLE].any()
    assert not used_HW[NEAR].any()
    assert not used_HW[FAR].any()
    assert used_HW[DOUBTFUL].all()


def test_depth_image_proc_makes_a_point_of_every_finite_depth():
    metres_HW = Outputs('depth_image_proc').metres_HW
    # DepthTraits<float>::valid is std::isfinite alone, so 0 would be a point in the camera.
    valid_HW = np.isfinite(metres_HW)
    assert (metres_HW[valid_HW] > 0.1).all()
    assert not valid_HW[FAR].any()


def test_monogs_multiplies_the_mask_and_stays_finite():
    metres_HW = Outputs('monogs').metres_HW
    mask_HW = metres_HW > 0.01
    loss = np.abs(metres_HW - 1.0) * mask_HW
    assert np.isfinite(loss).all()
    assert not mask_HW[HOLE].any()
    assert not mask_HW[FAR].any()


def test_realsense_clouds_are_those_of_pcl():
    points = Outputs('realsense_compat').points
    assert points.point_step == 32
    assert {field.name: field.offset for field in points.fields} == {
        'x': 0,
        'y': 4,
        'z': 8,
        'rgb': 16,
    }


def test_nav2_marks_within_its_heights_and_clears_to_the_farthest_point():
    points = Outputs('nav2').points
    offsets = {field.name: field.offset for field in points.fields}
    names = ('x', 'y', 'z')
    # ObservationBuffer::bufferCloud reads float x, y and z of every point.
    assert all(field.datatype == 7 for field in points.fields if field.name in names)
    read = np.dtype(
        {
            'names': names,
            'formats': ['<f4'] * 3,
            'offsets': [offsets[name] for name in names],
            'itemsize': points.point_step,
        }
    )
    cloud = np.frombuffer(points.data, read)
    assert len(cloud) == points.width * points.height
    assert all(np.isfinite(cloud[name]).all() for name in names)
    # A camera that looks ahead, 0.5 m above the floor: height is -y.
    height_m = 0.5 - cloud['y']
    kept = cloud[(height_m >= 0.1) & (height_m <= 2.0)]
    assert 0 < len(kept) < len(cloud) < 64 * 48 / 12
    # No doubtful pixel is an obstacle; rows 40 to 43 lie at y = 0.53 m and below.
    assert not ((cloud['y'] > 0.52) & (cloud['y'] < 0.63)).any()


def test_rep118_tells_too_near_from_too_far_and_unknown():
    metres_HW = Outputs('rep118').metres_HW
    assert np.isnan(metres_HW[HOLE]).all()
    assert (metres_HW[NEAR] == -np.inf).all()
    assert (metres_HW[FAR] == np.inf).all()
