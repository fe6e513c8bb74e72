# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where refined depth is its prior's, and where it is not."""

from depth_refiner_ros.core.agreement import CELL_PX, keep_prior
import pytest
import torch

WITHIN = 0.01


def kept(refined, prior, *, within=WITHIN, sharp=0.0):
    filled = prior.nan_to_num(nan=2.0)
    return keep_prior(refined, prior, filled_m_B1HW=filled, within=within, sharp=sharp)


def change(refined, prior):
    return kept(refined, prior) / prior - 1.0


@pytest.mark.parametrize('size', [(24, 24), (23, 30), (3, 5)])
@pytest.mark.parametrize('asked', [-0.2, -0.01, 0.001, 0.01, 0.2])
def test_a_change_all_over_is_kept_by_its_size_beside_the_bound(asked, size):
    prior = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0)) + 2.0
    found = change(prior * (1.0 + asked), prior)
    kept = asked**2 / (asked**2 + WITHIN**2)
    torch.testing.assert_close(found, torch.full_like(found, kept * asked), rtol=0.01, atol=1e-6)


def test_an_outline_is_kept_with_what_lies_around_it_and_texture_is_not():
    prior = torch.full((1, 1, 40, 40), 2.0)
    refined = prior.clone()
    refined[..., :12] = 3.0  # an outline that the prior does not have
    refined[..., 12:] *= 1.0 + 0.004 * torch.tensor([1.0, -1.0]).repeat(14)
    found, asked = change(refined, prior), refined / prior - 1.0
    near, far = 12 + CELL_PX, 12 + 3 * CELL_PX
    torch.testing.assert_close(found[..., :12], asked[..., :12], rtol=0.02, atol=1e-6)
    assert (found[..., 12:near] / asked[..., 12:near]).min() > 0.6
    assert (found[..., far:] / asked[..., far:]).abs().max() < 0.2


def test_unknown_depth_stays_unknown_and_other_images_do_not_matter():
    prior = torch.full((2, 1, 24, 24), 2.0)
    refined = prior * torch.tensor([1.002, 1.5]).view(2, 1, 1, 1)
    refined[0, :, 3, 4] = torch.nan
    together = kept(refined, prior)
    assert together.isnan().nonzero().tolist() == [[0, 0, 3, 4]]
    torch.testing.assert_close(together[1:], kept(refined[1:], prior[1:]))


def test_one_pixel_that_is_far_off_does_not_speak_for_those_around_it():
    prior = torch.full((1, 1, 24, 24), 2.0)
    refined = prior * 1.001
    refined[..., 12, 12] = torch.inf
    found = change(refined, prior)
    found[..., 12, 12] = 0.0
    assert (found.abs() < 1e-3).all()
    assert found[..., :4, :4].abs().max() < 1e-4


def step_over(px):
    """Return a slope with a step of 1 m in its middle that takes so many pixels."""
    column, row = torch.arange(64.0), torch.arange(48.0).view(1, 1, -1, 1)
    return 2.0 + 0.01 * column + 0.001 * row + ((column - 32.0) / px + 0.5).clamp(0.0, 1.0)


@pytest.mark.parametrize(('px', 'refined_share'), [(1, 0.0), (2, 0.0), (12, 1.0)])
def test_sharp_outlines_are_the_priors_and_smeared_ones_the_refiners(px, refined_share):
    prior = step_over(px)
    refined = prior.clone()
    refined[..., 24:40] *= 1.1
    found = kept(refined, prior, within=0.0, sharp=0.25)
    changed = ((found - prior) / (refined - prior))[..., 30:34]
    torch.testing.assert_close(changed, torch.full_like(changed, refined_share))
    assert torch.equal(kept(refined, prior, within=0.0), refined)


def test_outlines_of_enlarged_depth_are_refined():
    small = step_over(1)
    prior = small.repeat_interleave(3, dim=-1).repeat_interleave(3, dim=-2)
    both = torch.cat([prior, step_over(1).repeat(1, 1, 3, 3)])
    refined = 1.1 * both
    found = kept(refined, both, within=0.0, sharp=0.25)
    assert torch.equal(found[0], refined[0])
    assert not torch.equal(found[1], refined[1])
