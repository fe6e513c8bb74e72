# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.priors.degradations.bilateral import bilateral
from depth_refiner_ros.priors.degradations.disparity import disparity
from depth_refiner_ros.priors.degradations.kinect import kinect, shadows
from depth_refiner_ros.priors.degradations.median import median, median_of_nine
from depth_refiner_ros.priors.degradations.overshoot import overshoot
from depth_refiner_ros.priors.degradations.quantised import quantised
from depth_refiner_ros.priors.degradations.regions import layered, regions
from depth_refiner_ros.priors.degradations.registered import registered
from depth_refiner_ros.priors.degradations.smeared import smear
from depth_refiner_ros.priors.degradations.table import DEGRADATIONS, degraded
from depth_refiner_ros.priors.smeared import SmearedPrior
from depth_refiner_ros.refiner.smear import Smear
from depth_refiner_ros.settings import networks
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
import numpy as np
import pytest
import torch

NEAR_M, FAR_M = 1.0, 3.0
SEEDS = range(6)


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def box(height=96, width=128):
    """Return a wall at 3 m behind a box at 1 m, rows 30 to 65 and columns 40 to 89."""
    depth = torch.full((1, 1, height, width), FAR_M)
    depth[..., 30:66, 40:90] = NEAR_M
    return depth


def grey(like):
    return torch.full((1, 3, *like.shape[-2:]), 0.5)


def near_area(depth):
    return int((depth < 0.5 * (NEAR_M + FAR_M)).sum())


def test_the_median_of_nine_is_that_of_sorting():
    values = torch.rand(2, 1, 20, 30, generator=seeded(0))
    taps = torch.stack(
        [values[..., 3 + y : 17 + y, 3 + x : 27 + x] for y in (-3, 0, 3) for x in (-3, 0, 3)]
    )
    assert torch.equal(median_of_nine(values, 3)[..., 3:17, 3:27], taps.median(0).values)


def test_a_median_keeps_straight_outlines_and_rounds_corners():
    for seed in SEEDS:
        depth = median(box(), seeded(seed))
        assert bool(((depth == NEAR_M) | (depth == FAR_M)).all())
        assert torch.equal(depth[0, 0, 48], box()[0, 0, 48])
        assert float(depth[0, 0, 30, 40]) == FAR_M
    pole = torch.full((1, 1, 60, 60), FAR_M)
    pole[..., 30:32] = NEAR_M
    assert near_area(median(pole, seeded(0))) == 0


def test_a_bilateral_blur_keeps_what_the_image_shows():
    shown = box().expand(-1, 3, -1, -1) / FAR_M
    times = []
    for seed in SEEDS:
        kept, lost = (
            float((bilateral(box(), rgb, seeded(seed)) / box()).log().abs().mean())
            for rgb in (shown, grey(box()))
        )
        assert kept < 0.03
        times.append(lost / kept)
    assert max(times) > 2.0


def test_a_bilateral_blur_copies_texture():
    wall = torch.full((1, 1, 60, 60), FAR_M)
    stripes = grey(wall)
    stripes[..., ::6] = 0.9
    off = [float((bilateral(wall, stripes, seeded(seed)) / wall - 1.0).std()) for seed in SEEDS]
    assert max(off) > 0.003
    assert min(off) < 1e-5, 'guided by depth, it sees no texture'


def test_layers_of_depth_have_scales_of_their_own():
    jumps, outlines = [], [39, 89]
    for seed in SEEDS:
        across = (layered(box(), seeded(seed)) / box())[0, 0, 48].diff().abs()
        jumps.append(float(across[outlines].amax()))
        across[outlines] = 0.0
        assert float(across.amax()) < 0.005
    assert max(jumps) > 0.03


def test_regions_jump_where_depth_does_not():
    wall, ramp = torch.full((1, 1, 96, 128), FAR_M), torch.linspace(0.0, 1.0, 128)
    for seed in SEEDS:
        depth = regions(wall, ramp.expand(1, 3, 96, 128), seeded(seed))
        assert 0.002 < float(depth.log().std()) < 0.06
    sample = degraded('regions', box(), grey(box()), seeded(0))
    assert not torch.equal(sample.target_m_B1HW, box())


def test_overshoot_leaves_the_range_of_depth():
    for seed in SEEDS:
        depth = overshoot(box(), seeded(seed))
        assert float(depth.amin()) < 0.97 * NEAR_M
        assert float(depth.amax()) > 1.02 * FAR_M


def test_near_things_grow_in_disparity():
    for seed in SEEDS:
        assert near_area(disparity(box(), seeded(seed))) > 1.08 * near_area(box())


@pytest.mark.parametrize('to_the_right', [False, True])
def test_a_shadow_is_as_wide_as_the_difference_of_parallax_less_a_pixel(to_the_right):
    parallax_px = 9.0 / box()  # 9 px at the box and 3 at the wall
    rows = shadows(parallax_px, to_the_right=to_the_right)[0, 0]
    columns = torch.nonzero(rows[48]).flatten().tolist()
    assert columns == (list(range(90, 95)) if to_the_right else list(range(35, 40)))
    assert not bool(rows[10].any())


def test_a_kinect_sees_most_and_nothing_in_shadows():
    for seed in SEEDS:
        depth = kinect(box(), grey(box()), seeded(seed))
        lost = torch.isnan(depth)
        beside = lost[0, 0, 35:60, 34:96].float().mean(0)
        assert float(beside.amax()) > 0.9
        assert float(lost.float().mean()) < 0.5
        off = (depth / box() - 1.0).abs()
        assert 1e-4 < float(off.nanmedian()) < 0.02
    dark = grey(box())
    dark[..., 70:80, :] = 0.0
    lost = [
        float(kinect(box(), dark, seeded(seed)).isnan()[..., 70:80, :].float().mean())
        for seed in SEEDS
    ]
    assert min(lost) > 0.5


def test_steps_of_depth_are_small():
    slope = torch.linspace(1.0, 4.0, 128).expand(1, 1, 96, 128)
    for seed in SEEDS:
        off = (quantised(slope, seeded(seed)) / slope - 1.0).abs()
        assert 2e-4 < float(off.mean()) < 0.02


def test_registered_depth_is_moved_and_not_resized():
    rows, columns = torch.arange(96.0)[:, None], torch.arange(128.0)
    for seed in SEEDS:
        depth = registered(box(), seeded(seed))
        near = (depth < 0.5 * (NEAR_M + FAR_M)).float()[0, 0]
        assert float(near.sum()) == pytest.approx(near_area(box()), rel=0.04)
        away = torch.stack([(near * rows).sum(), (near * columns).sum()]) / near.sum()
        moved_px = float((away - torch.tensor([47.5, 64.5])).norm())
        assert 0.8 < moved_px < 4.6


@pytest.mark.parametrize('kind', DEGRADATIONS)
def test_depth_of_any_size_keeps_its_size(kind):
    for height, width in ((1, 1), (7, 5), (33, 64)):
        depth = 1.0 + torch.rand(1, 1, height, width, generator=seeded(0))
        sample = degraded(kind, depth, grey(depth), seeded(1))
        assert sample.prior_m_B1HW.shape == sample.target_m_B1HW.shape == depth.shape
        assert sample.prior_m_B1HW.dtype == torch.float32


def test_the_option_has_the_name_of_every_degradation():
    assert set(networks.DEGRADATIONS) == set(DEGRADATIONS)


def test_evaluation_spoils_depth_as_training_does():
    errorless = {'warp': 0.0, 'scale': 0.0, 'seed': 4}
    found = SmearedPrior(kind='median', **errorless).predict(grey(box()), None, box())
    drawn = seeded(4)
    torch.randn(13, generator=drawn)  # of the scale error
    assert torch.equal(found.depth_B1HW, median(box(), drawn))
    default = SmearedPrior(**errorless).predict(grey(box()), None, box())
    assert torch.equal(default.depth_B1HW, smear(box(), 12.0))


def test_a_degradation_is_chosen_by_its_option():
    model, rgb = ModelSettings(prior='smeared'), np.full((96, 128, 3), 128, np.uint8)
    depth = {
        kind: Smear(SmearSettings(kind=kind), model)(rgb, box()[0, 0].numpy(), 0)
        for kind in ('smeared', 'kinect')
    }
    assert np.isnan(depth['kinect']).any()
    assert np.isfinite(depth['smeared']).all()


def test_images_of_bytes_guide_as_those_in_0_to_1_do():
    generator = seeded(0)
    rgb = torch.randint(0, 256, (1, 3, 96, 128), generator=generator, dtype=torch.uint8)
    for seed in SEEDS:
        prior = SmearedPrior(kind='bilateral', seed=seed)
        of_bytes, of_floats = (
            prior.predict(image, None, box()).depth_B1HW for image in (rgb, rgb / 255.0)
        )
        torch.testing.assert_close(of_bytes, of_floats)
