# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.priors.focal import (
    canonical_factor,
    correction,
    depth_of_canonical_inverse,
    focal_of_fov,
    known_camera,
    TRAINING_FOCAL,
)
from depth_refiner_ros.priors.registry import build_prior
import pytest
import torch

HYPERSIM = Intrinsics(fx=886.81, fy=886.81, cx=511.5, cy=383.5, width=1024, height=768)


def test_the_training_camera_needs_no_correction():
    assert correction(HYPERSIM, TRAINING_FOCAL['hypersim']) == pytest.approx(1.0)
    assert correction(HYPERSIM.resized(320, 240), TRAINING_FOCAL['hypersim']) == pytest.approx(1.0)


def test_twice_the_focal_length_is_twice_the_depth():
    longer = Intrinsics(fx=2 * 886.81, fy=2 * 886.81, cx=511.5, cy=383.5, width=1024, height=768)
    assert correction(longer, TRAINING_FOCAL['hypersim']) == pytest.approx(2.0)
    zoomed = HYPERSIM.cropped(256, 192, 512, 384)
    assert correction(zoomed, TRAINING_FOCAL['hypersim']) == pytest.approx(2.0)


def test_an_unknown_camera_is_left_alone():
    assert correction(None, TRAINING_FOCAL['kitti']) == 1.0
    assert known_camera('none', HYPERSIM) is None
    assert known_camera('auto', HYPERSIM) is HYPERSIM
    with pytest.raises(SettingsError, match="prior_focal_rule = 'maybe' must be one of auto"):
        build_prior('sensor', focal_rule='maybe')


def test_portrait_and_landscape_agree():
    landscape = Intrinsics(fx=600.0, fy=600.0, cx=319.5, cy=239.5, width=640, height=480)
    portrait = Intrinsics(fx=600.0, fy=600.0, cx=239.5, cy=319.5, width=480, height=640)
    assert correction(landscape, 1.0) == correction(portrait, 1.0) == pytest.approx(1.25)


def test_canonical_inverse_depth_by_hand():
    inverse = torch.tensor([0.5, 0.25, 0.0]).view(1, 1, 1, 3)
    depth = depth_of_canonical_inverse(inverse, torch.tensor([300.0]), 600)
    assert depth.flatten().tolist() == pytest.approx([1.0, 2.0, 1e4])


def test_focal_length_of_a_field_of_view():
    focal = focal_of_fov(torch.tensor([90.0, 60.0]), 640)
    assert focal.tolist() == pytest.approx([320.0, 554.2563])
    assert float(focal[1]) == pytest.approx(Intrinsics.from_fov(640, 480, 60.0).fx)


def test_the_canonical_camera_follows_the_resize():
    assert canonical_factor(HYPERSIM, 0.5) == pytest.approx(0.443405)
