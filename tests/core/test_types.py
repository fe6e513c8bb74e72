# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import dataclasses

from depth_refiner_ros.core import errors
from depth_refiner_ros.core.types import FitStatus, PriorDepth, ScaleShift
import pytest
import torch


def shift_by_image():
    return ScaleShift(
        scale_B=torch.tensor([2.0, 1.0]),
        shift_B=torch.tensor([0.5, 0.0]),
        inliers_B=torch.tensor([9, 0]),
        rmse_B=torch.tensor([0.1, 0.0]),
        status_B=torch.tensor([int(FitStatus.OK), int(FitStatus.TOO_FEW)]),
    )


def test_scale_and_shift_are_applied_per_image():
    applied = shift_by_image().apply(torch.full((2, 1, 2, 3), 4.0))
    assert applied[0].unique().tolist() == [8.5]
    assert applied[1].unique().tolist() == [4.0]


def test_only_usable_fits_are_ok():
    assert shift_by_image().ok_B.tolist() == [True, False]


def test_records_are_frozen_and_a_prior_is_metric_by_default():
    prior = PriorDepth(depth_B1HW=torch.ones(1, 1, 2, 2))
    assert prior.kind == 'metric'
    with pytest.raises(dataclasses.FrozenInstanceError):
        prior.kind = 'disparity'


def test_every_error_belongs_to_the_one_family():
    family = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind is not errors.DepthRefinerError
    ]
    assert len(family) == 7
    assert all(issubclass(kind, errors.DepthRefinerError) for kind in family)
