# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metric depth at the scale of a few measured points."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.priors.base import WithoutNetwork
from depth_refiner_ros.priors.sensor import SensorPrior
import pytest
import torch

CAMERA = Intrinsics.from_fov(64, 48, 60.0)
RGB = torch.zeros(1, 3, 48, 64)
TRUE_M = 2.0 + torch.rand(1, 1, 48, 64, generator=torch.Generator().manual_seed(0))


class TooNear(WithoutNetwork):
    """Metric depth that is right but for its scale."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=0.8 * TRUE_M)

    def describe(self):
        return []


def anchors(count: int) -> torch.Tensor:
    sparse = torch.full_like(TRUE_M, torch.nan)
    chosen = torch.randperm(TRUE_M.numel(), generator=torch.Generator().manual_seed(1))[:count]
    sparse.view(-1)[chosen] = TRUE_M.view(-1)[chosen]
    return sparse


@pytest.fixture
def prior():
    return AnchoredPrior(TooNear(), SensorPrior())


@pytest.mark.parametrize('count', [5, 20, 100, 3072])
def test_all_of_the_depth_gets_the_scale_of_the_anchors(prior, count):
    found = prior.predict(RGB, CAMERA, anchors(count))
    torch.testing.assert_close(found.depth_m_B1HW, TRUE_M, atol=1e-3, rtol=1e-3)
    assert not found.unknown_B1HW.any()
    assert found.fit.ok_B.all()


@pytest.mark.parametrize('count', [0, 4])
def test_without_enough_anchors_the_scale_of_the_frames_before_holds(prior, count):
    prior.predict(RGB, CAMERA, anchors(100))
    found = prior.predict(RGB, CAMERA, anchors(count), continues=True)
    torch.testing.assert_close(found.depth_m_B1HW, TRUE_M, atol=1e-3, rtol=1e-3)
    # Another video has nothing to hold.
    found = prior.predict(RGB, CAMERA, anchors(count), continues=False)
    torch.testing.assert_close(found.depth_m_B1HW, 0.8 * TRUE_M)


def test_refined_depth_is_fitted_to_many_anchors_or_to_the_prior_at_their_scale(prior):
    few = prior.predict(RGB, CAMERA, anchors(100))
    torch.testing.assert_close(few.reference_m_B1HW, few.depth_m_B1HW)
    many = prior.predict(RGB, CAMERA, anchors(2000))
    assert torch.isfinite(many.reference_m_B1HW).sum() == 2000


class Doubtful(TooNear):
    """A prior that is right and trusts itself by a share."""

    def __init__(self, share, kind='metric'):
        self.share, self.kind = share, kind

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        trusted = torch.full_like(TRUE_M, self.share)
        return PriorDepth(depth_B1HW=TRUE_M, kind=self.kind, confidence_B1HW=trusted)


def test_trust_is_the_priors_own_and_that_of_its_scale():
    def trusted(prior, scale=None, sensor=None):
        return AnchoredPrior(prior, scale).predict(RGB, CAMERA, sensor).trusted_B1HW

    assert trusted(TooNear()) is None
    assert trusted(TooNear(), SensorPrior(), sensor=anchors(100)) is None
    for sensor in (anchors(100), anchors(0)):
        alone = trusted(Doubtful(0.5), SensorPrior(), sensor=sensor)
        torch.testing.assert_close(alone, torch.full_like(TRUE_M, 0.5))
    both = trusted(Doubtful(0.5, 'relative'), Doubtful(0.5))
    torch.testing.assert_close(both, torch.full_like(TRUE_M, 0.25))
    reference = trusted(Relative(), Doubtful(0.5))
    torch.testing.assert_close(reference, torch.full_like(TRUE_M, 0.5))


class Relative(TooNear):
    """Depth up to scale and shift, without a notion of trust."""

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=TRUE_M, kind='relative')
