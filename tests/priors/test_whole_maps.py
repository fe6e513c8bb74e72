# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Maps whose shape differs from the image's are refused for every prior."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.resize import View
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.anchored import AnchoredPrior
from depth_refiner_ros.priors.metric3d import Metric3DPrior
import pytest
import torch
from torch import nn

RGB = torch.rand(1, 3, 206, 500, generator=torch.Generator().manual_seed(0))
CAMERA = Intrinsics.from_fov(500, 206, 60.0)


class Returning:
    """A prior that always returns a map of one shape."""

    def __init__(self, *shape):
        self.shape = shape

    def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
        return PriorDepth(depth_B1HW=torch.ones(self.shape))

    def describe(self):
        return []


@pytest.mark.parametrize(
    'shape', [(1, 1, 206, 1), (1, 1, 500, 206), (1, 1, 103, 250), (2, 1, 206, 500), (1, 206, 500)]
)
def test_no_prior_is_stretched(shape):
    with pytest.raises(
        InputError, match=r'Returning returned a map of shape .* stretched'
    ) as told:
        AnchoredPrior(Returning(*shape)).predict(RGB, CAMERA)
    assert str(shape) in str(told.value)
    whole = Returning(1, 1, 206, 500)
    with pytest.raises(InputError, match='stretched'):
        AnchoredPrior(whole, Returning(*shape)).predict(RGB, CAMERA)
    assert AnchoredPrior(whole, whole).predict(RGB, CAMERA).depth_m_B1HW.shape == (1, 1, 206, 500)


def test_a_prior_that_sees_a_smaller_image_is_asked_for_that_size():
    with pytest.raises(InputError, match='stretched'):
        AnchoredPrior(Returning(1, 1, 206, 500), view=View(max_edge_px=250)).predict(RGB, CAMERA)
    found = AnchoredPrior(Returning(1, 1, 103, 250), view=View(max_edge_px=250)).predict(
        RGB, CAMERA
    )
    assert found.depth_m_B1HW.shape == (1, 1, 206, 500)


class Cropping(nn.Module):
    """A network whose map is cut off at the right."""

    def __init__(self, columns):
        super().__init__()
        self.columns = columns

    def forward(self, pixels_B3hw):
        return torch.ones_like(pixels_B3hw[:, :1, :, : self.columns])


def test_a_network_whose_map_has_another_aspect_is_refused():
    rule = preprocess.metric3d(84, 148)
    with pytest.raises(InputError, match='map of 1 x 84 for an input of 148 x 84'):
        Metric3DPrior(Cropping(1), rule).predict(RGB, CAMERA)
    with pytest.raises(InputError, match='map of 140 x 84'):
        Metric3DPrior(Cropping(140), rule).predict(RGB, CAMERA)
    depth = Metric3DPrior(Cropping(147), rule).predict(RGB, CAMERA).depth_B1HW
    assert depth.shape == (1, 1, 206, 500), 'a pixel is rounding'


def test_a_coarser_map_of_the_same_aspect_is_enlarged():
    rule = preprocess.depth_anything(56)
    prepared = rule.prepare(RGB)
    coarse = torch.rand(1, 1, prepared.shape[-2] // 2, prepared.shape[-1] // 2)
    assert rule.restore(coarse, (206, 500)).shape == (1, 1, 206, 500)
    with pytest.raises(InputError, match='stretched'):
        rule.restore(coarse.mT, (206, 500))
