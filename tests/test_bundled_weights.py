# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The weights that come with the package do what they are for."""

from depth_refiner_ros import DepthRefiner
from depth_refiner_ros.core.image_errors import image_errors
from depth_refiner_ros.core.images import depth_batch, image_batch
from depth_refiner_ros.models.bundle import BUNDLED, open_bundle
from depth_refiner_ros.sources.registry import open_source
import pytest
import torch

LARGEST_MB = 32
REFINERS = [name for name, kind in BUNDLED.items() if kind == 'refiner']


@pytest.fixture(scope='module')
def room():
    """A view of a room that took no part in any training."""
    return next(iter(open_source('rooms:950003:1')))


def test_all_of_them_are_small_and_may_be_used_by_anyone():
    bundles = [open_bundle('bundled', kind, name) for name, kind in BUNDLED.items()]
    assert {bundle.manifest['licence'] for bundle in bundles} == {'Apache-2.0'}
    assert sum(bundle.size_bytes for bundle in bundles) < LARGEST_MB * 1e6


@pytest.mark.parametrize('name', REFINERS)
def test_a_smeared_prior_gets_sharp_at_its_scale(room, name):
    refiner, _, quick = name.partition('_')
    made = DepthRefiner.load(
        prior='smeared', refiner=refiner, refiner_weights=quick or 'bundled', precision='fp32'
    )
    assert open_bundle('bundled', 'refiner', name).describe() in made.describe()[-2]
    sensor = depth_batch(room.depth_m_HW)
    refined = made.refine(image_batch(room.rgb_HW3), room.intrinsics, sensor_depth_m_B1HW=sensor)
    errors = {
        name: image_errors(depth[0, 0].float(), torch.from_numpy(room.depth_m_HW))
        for name, depth in (('prior', refined.prior_m_B1HW), ('refined', refined.depth_m_B1HW))
    }
    (before, edges_before), (after, edges_after) = errors['prior'], errors['refined']
    assert after.abs_rel < before.abs_rel
    assert edges_after.dbe_acc_px < 0.7 * edges_before.dbe_acc_px
    assert edges_after.dbe_compl_px < 0.5 * edges_before.dbe_compl_px
