# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Prior Depth Anything at tiny size with weights from a hash, at true size without weights."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES
from depth_refiner_ros.priors.dpt import enlarged
from depth_refiner_ros.priors.prior_depth_anything import (
    points_of,
    positive_inverse,
    PriorDepthAnythingPrior,
    Span,
)
from depth_refiner_ros.priors.prior_depth_anything_alignment import (
    align,
    by_all,
    by_nearest,
    nearest,
)
from depth_refiner_ros.priors.prior_depth_anything_names import renamed
from depth_refiner_ros.priors.prior_depth_anything_network import PriorDepthAnythingNetworks
import pytest
import torch
from torch import nn

from tests.priors import official_prior_depth_anything as support
from tests.priors.official_prior_depth_anything import image, points_m, sloping_m, TINY

EXPECTED = {'mask': [2.094203, 2.059455, 2.078334], 'error': [2.091693, 2.075772, 2.064985]}
"""By the authors' code with the same weights, image and points, see the official test."""


def numbers(depth_B1HW):
    """Return mean, a place off the middle and the middle of a map."""
    return [float(value) for value in (depth_B1HW.mean(), *depth_B1HW[0, 0, 35, [30, 49]])]


def tiny(condition='mask'):
    networks = PriorDepthAnythingNetworks(TINY, TINY)
    relative, fine = map(renamed, support.weights(TINY))
    networks.relative.load_state_dict(relative)
    networks.fine.load_state_dict(fine)
    networks.eval().requires_grad_(False)
    return PriorDepthAnythingPrior(networks.relative, networks.fine, condition=condition)


@pytest.mark.parametrize(
    ('size', 'millions'), [('small', 49.65), ('base', 194.80), ('large', 668.87)]
)
def test_every_weight_of_the_published_models_finds_its_place(size, millions):
    one = ARCHITECTURES[size]
    with torch.device('meta'):
        networks = PriorDepthAnythingNetworks(one, one)
        theirs = [
            {key: torch.empty(shape) for key, shape in shapes(one).items()}
            for shapes in (support.relative_shapes, support.fine_shapes)
        ]
    networks.relative.load_state_dict(renamed(theirs[0]))  # strict: names and shapes
    networks.fine.load_state_dict(renamed(theirs[1]))
    count = sum(value.numel() for value in networks.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize('condition', EXPECTED)
def test_depth_is_that_of_the_authors_code(condition):
    found = tiny(condition).predict(image(), None, points_m(0.05))
    assert found.kind == 'metric'
    assert numbers(found.depth_B1HW) == pytest.approx(EXPECTED[condition], rel=1e-4)


def test_each_image_of_a_batch_has_its_own_depth():
    both = torch.cat((image(), image().flip(-1)))
    sensor = torch.cat((points_m(0.05), 3.0 * points_m(0.1)))
    found = tiny().predict(both, None, sensor).depth_B1HW
    alone = tiny().predict(both[1:], None, sensor[1:]).depth_B1HW
    torch.testing.assert_close(found[1:], alone, rtol=1e-3, atol=1e-3)


class Recorded(nn.Module):
    """Return given disparity at the size of the pixels; keep what was given."""

    def __init__(self, inverse_B1HW):
        super().__init__()
        self.inverse, self.seen = inverse_B1HW, ()

    def forward(self, *inputs):
        self.seen = inputs
        return enlarged(self.inverse, inputs[0].shape[-2:])


def test_the_second_network_sees_what_was_measured_and_its_range_gives_metres():
    true_m, points = sloping_m(), points_m(0.05)
    relative = Recorded(3.0 * true_m.reciprocal() - 0.2)
    ones = torch.full((1, 1, 70, 98), 2.0)
    fine = Recorded(ones)
    found = PriorDepthAnythingPrior(relative, fine).predict(image(), None, points).depth_B1HW
    known = ~points.isnan()
    near, far = points[known].min(), points[known].max()
    torch.testing.assert_close(found, torch.full_like(found, float(near + (far - near) / 2.0)))
    (pixels,), (again, condition) = relative.seen, fine.seen
    assert torch.equal(pixels, again)
    mask, *both = enlarged(condition, (70, 98)).split(1, dim=1)
    assert float(mask.mean()) == pytest.approx(0.05, abs=0.01)
    # The relative map is the true one up to scale and shift, so both alignments restore it.
    wanted = (far - near) / (true_m - near)
    middle = (true_m > near + 0.5) & (true_m < far)
    for aligned in both:
        torch.testing.assert_close(aligned[middle], wanted[middle], rtol=0.02, atol=0.02)


def test_red_and_blue_are_swapped_as_in_the_authors_code():
    red = torch.zeros(1, 3, 70, 98)
    red[:, 0] = 1.0
    relative = Recorded(sloping_m())
    PriorDepthAnythingPrior(relative, Recorded(sloping_m())).predict(red, None, points_m(0.05))
    first, _, last = relative.seen[0][0].mean(dim=(1, 2)).tolist()
    assert first == pytest.approx(-0.485 / 0.229, abs=1e-4)
    assert last == pytest.approx((1.0 - 0.406) / 0.225, abs=1e-4)


@pytest.mark.parametrize('share', [0.002, 0.05, 0.9])
def test_the_nearest_are_those_of_all_distances(share):
    known = ~points_m(share, 40, 50)[0, 0].isnan()
    index, distance = nearest(known)
    places, others = known.nonzero().double(), (~known).nonzero().double()
    every = torch.cdist(others, places)
    wanted = every.topk(min(5, len(places)), largest=False).values
    torch.testing.assert_close(distance.double(), wanted)
    torch.testing.assert_close(every.gather(1, index), wanted)


def test_alignment_is_least_squares_weighted_as_in_the_paper():
    generator = torch.Generator().manual_seed(0)
    relative = torch.rand(1, 1, 20, 30, generator=generator) * 4.0
    measured = (0.5 * relative + torch.rand(relative.shape, generator=generator)).where(
        torch.rand(relative.shape, generator=generator) < 0.1, torch.nan
    )
    known = ~measured[0, 0].isnan()
    aligned = align(relative, measured)
    x, y = relative[0, 0].double(), measured[0, 0].double()
    rows = torch.stack((x[known], torch.ones_like(x[known])), dim=1)
    scale, shift = torch.linalg.lstsq(rows, y[known][:, None]).solution
    torch.testing.assert_close(
        aligned.globally_B1HW[0, 0].double(), scale * x + shift, rtol=1e-4, atol=1e-4
    )
    assert torch.equal(aligned.nearby_B1HW[0, 0][known], measured[0, 0][known])
    index, distance = nearest(known)
    weight = 1.0 / distance.double()
    weight = weight / weight.sum(dim=1, keepdim=True)
    rows = weight[..., None] * torch.stack((x[known][index], torch.ones_like(weight)), dim=2)
    line = torch.linalg.lstsq(rows, (weight * y[known][index])[..., None]).solution[..., 0]
    wanted = line[:, 0] * x[~known] + line[:, 1]
    torch.testing.assert_close(
        aligned.nearby_B1HW[0, 0][~known].double(), wanted, rtol=1e-3, atol=1e-3
    )


def test_where_relative_disparity_is_equal_the_mean_is_taken():
    measured = torch.full((4, 6), torch.nan)
    measured[0, :5] = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    equal = torch.full((4, 6), 7.0)
    torch.testing.assert_close(by_all(equal, measured), torch.full((4, 6), 3.0))
    filled = by_nearest(equal, measured)
    weight = 1.0 / torch.tensor([1.0, 2.0, 5.0, 10.0, 17.0]).flip(0)  # from row 1, column 4
    weight[-1] = 1.0
    wanted = (torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]) * weight).sum() / weight.sum()
    assert float(filled[1, 4]) == pytest.approx(float(wanted), rel=1e-5)


def test_a_range_of_depth_turns_into_disparity_and_back():
    span = Span.of(torch.tensor([[[[2.0, torch.nan, 6.0]]]]))
    depth_m = torch.tensor([[[[3.0, 6.0, 10.0]]]])
    inside = span.inside(depth_m.reciprocal())
    torch.testing.assert_close(inside, torch.tensor([[[[4.0, 1.0, 0.5]]]]))
    torch.testing.assert_close(span.metres(inside), depth_m)
    outside = span.inside(torch.tensor([[[[1.0, 0.5, 0.0, -1.0]]]]))
    assert outside.tolist() == [[[[0.0, 0.0, 0.0, 0.0]]]], 'nearer than all, and no distance'
    assert bool(span.metres(outside).isnan().all())
    wall = Span.of(torch.full((1, 1, 2, 2), 3.0))
    assert wall.depth_m_B111.tolist() == [[[[1.0]]]]
    assert positive_inverse(torch.tensor([0.0, -2.0, 4.0])).tolist() == [0.0, 0.0, 0.25]


def test_small_depth_images_are_points_of_the_image():
    depth = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    points = points_of(depth, (5, 7))
    found = {
        (row, column): float(points[0, 0, row, column])
        for row, column in (~points[0, 0].isnan()).nonzero().tolist()
    }
    assert found == {(0, 0): 1.0, (0, 2): 2.0, (0, 4): 3.0, (2, 0): 4.0, (2, 2): 5.0, (2, 4): 6.0}
    assert points_of(depth, (2, 3)) is depth
    assert points_of(depth, (1, 3)) is depth, 'larger: taken by the nearest pixel'
    fine = Recorded(sloping_m())
    relative = Recorded(sloping_m().reciprocal())
    small = sloping_m(14, 14)
    PriorDepthAnythingPrior(relative, fine).predict(image(), None, small)
    mask = enlarged(fine.seen[1][:, :1], (70, 98))
    assert float(mask.mean()) == pytest.approx(14 * 14 / (70 * 98), rel=0.1)


def test_depth_that_is_missing_or_too_little_is_named():
    few = torch.full((2, 1, 70, 98), torch.nan)
    few[0] = 2.0
    few[1, 0, 3, :4] = 2.0
    both = image().expand(2, -1, -1, -1)
    for sensor, message in (
        (None, 'prior prior_depth_anything needs a depth image, of a few points at least; conn'),
        (few, 'depth image 1 of the batch has 4 valid pixels, and prior prior_depth_anything nee'),
        (few[:1], '2 images but 1 depth images'),
        (few * 0.0, 'the depth image has no valid pixel; check its range and encoding'),
        (few[:, 0], 'sensor depth: expected shape'),
    ):
        with pytest.raises(InputError) as caught:
            tiny().predict(both, None, sensor)
        assert message in str(caught.value)
        assert '\n' not in str(caught.value)


def test_a_wall_and_a_whole_map_are_no_special_cases():
    wall = torch.full((1, 1, 70, 98), 2.0)
    for sensor in (wall, wall.where(points_m(0.01).isfinite(), torch.nan)):
        depth = tiny().predict(image(), None, sensor).depth_B1HW
        assert bool(depth.isfinite().all())
        assert float(depth.min()) >= 2.0


def test_error_map_is_the_share_by_which_the_alignments_differ():
    points = points_m(0.05)
    fine = Recorded(sloping_m())
    relative = Recorded(torch.rand(1, 1, 70, 98, generator=torch.Generator().manual_seed(0)))
    prior = PriorDepthAnythingPrior(relative, fine, condition='error')
    prior.predict(image(), None, points)
    error = fine.seen[1][:, 0]
    assert float(error.min()) == pytest.approx(0.0, abs=1e-3)
    assert 0.9 < float(error.max()) <= 1.0
    assert float(error.mean()) > 0.001
