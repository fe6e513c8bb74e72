# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of the final fit compared with the model specification."""

from dataclasses import replace
from functools import partial

from depth_refiner_ros.diffusion.estimator import Estimate
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
import pytest
import torch

from tests.refiner.relative_depth import (
    camera,
    Exact,
    Fixed,
    HEIGHT,
    image,
    refiner,
    settings,
    WIDTH,
)


class Graded(Fixed):
    """Half of the image is right, half is off by a quarter of a difference."""

    def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
        difference = torch.zeros_like(prior_B1HW)
        difference[..., : HEIGHT // 2, :] = 0.25
        depth = prior_B1HW + 4.0 * difference
        return Estimate(depth_B1HW=depth, difference_B1HW=difference)


@pytest.mark.parametrize(
    ('spec', 'option', 'shift'),
    [(0.5, 0.0, 'pulled'), (0.2, 0.0, 'exact'), (0.5, 0.2, 'exact'), (0.2, 0.5, 'pulled')],
)
def test_the_option_wins_over_the_recipes_threshold_unless_it_is_0(spec, option, shift):
    chosen = replace(sharpdepth_spec('paper'), agree_below=spec)
    result = refiner(Graded(chosen), Exact(), agree_below=option).refine(image(), camera())
    off = abs(float(result.scale_shift.shift_B))
    assert off < 1e-4 if shift == 'exact' else off > 0.1


@pytest.mark.parametrize(
    ('fit', 'align', 'inliers'),
    [
        ('lstsq', 'auto', 'all'),
        ('robust', 'auto', 'some'),
        ('lstsq', 'robust', 'some'),
        ('robust', 'lstsq', 'all'),
    ],
)
def test_the_option_wins_over_the_recipes_fit_unless_it_is_auto(fit, align, inliers):
    chosen = replace(ModelSpec(), fit=fit, agree_below=1.0)

    class Outlying(Fixed):
        def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
            depth = prior_B1HW.clone()
            depth[..., :5, :] += 3.0
            return Estimate(depth_B1HW=depth, difference_B1HW=torch.zeros_like(depth))

    result = refiner(Outlying(chosen), Exact(), align=align).refine(image(), camera())
    counted = int(result.scale_shift.inliers_B)
    assert counted == HEIGHT * WIDTH if inliers == 'all' else counted <= (HEIGHT - 5) * WIDTH


@pytest.mark.parametrize(('samples', 'counted'), [(0, HEIGHT * WIDTH), (480, HEIGHT * WIDTH // 4)])
def test_the_fit_looks_at_every_pixel_where_the_spec_says_so(samples, counted):
    made = refiner(Fixed(replace(lotus_spec('g'), fit_samples=samples)), Exact())
    assert int(made.refine(image(), camera()).scale_shift.inliers_B) == counted


def test_all_presets_fit_every_pixel(subtests):
    for make, presets in (
        (sharpdepth_spec, ('released', 'official_code', 'paper', 'paper_tables')),
        (apdepth_spec, ('released', 'official_compat', 'paper', 'paper_tables', 'normalized')),
        (partial(lotus_spec, 'g'), ('released', 'official_code')),
        (partial(marigold_spec, 'v1-1'), ('released', 'official_code')),
    ):
        for preset in presets:
            with subtests.test(f'{make} {preset}'):
                assert make(preset=preset).fit_samples == 0


def test_runtime_options_are_adopted_and_others_are_not():
    made = refiner(Graded(sharpdepth_spec('paper')), Exact())
    before = made.refine(image(), camera())
    assert made.update_settings(settings(agree_below=0.2))
    after = made.refine(image(), camera())
    assert abs(float(after.scale_shift.shift_B)) < 1e-4 < abs(float(before.scale_shift.shift_B))
    assert made.update_settings(settings(align='none'))
    unfitted = made.refine(image(), camera())
    assert float(unfitted.scale_shift.scale_B) == 1.0
    for change in (
        {'seed': 9},
        {'refiner_weights': 'other'},
        {'scale_prior': 'bundled'},
        {'max_edge_px': 320},
        {'device': 'auto'},
    ):
        assert not made.update_settings(settings(align='none', **change)), change
    torch.testing.assert_close(made.refine(image(), camera()).depth_m_B1HW, unfitted.depth_m_B1HW)
