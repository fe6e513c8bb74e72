# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""InfiniDepth at tiny size with weights from a hash, at true size without weights."""

import cv2
from depth_refiner_ros.bench.count import count
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.priors.infinidepth import (
    InfiniDepthPrior,
    InfiniDepthSensorPrior,
    LEAST_DISPARITY,
    OFFICIAL_SIZE,
    pixel_centres,
    QUERIES,
    strips,
)
from depth_refiner_ros.priors.infinidepth_names import renamed
from depth_refiner_ros.priors.infinidepth_network import (
    ARCHITECTURES,
    InfiniDepthNetworks,
    interpolated,
)
from depth_refiner_ros.priors.infinidepth_prompt import FARTHEST_M, POINTS, prompt_of, shuffled
from depth_refiner_ros.priors.infinidepth_weights import NAME, SENSOR
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.priors import official_infinidepth as support
from tests.priors.official_depth_anything_3 import scattered
from tests.priors.official_infinidepth import TINY
from tests.priors.official_prior_depth_anything import points_m, sloping_m
from tests.priors.photograph import corridor

TINY_SIZE = (64, 96)
EXPECTED = {NAME: [1.986363, 2.058754, 2.069499], SENSOR: [0.9758723, 0.9420826, 0.9458914]}
"""By the authors' code with the same weights, image and points, see the official test."""
PRIORS = {NAME: InfiniDepthPrior, SENSOR: InfiniDepthSensorPrior}


def picture() -> torch.Tensor:
    """Return an image in 0..1 in bytes, the same on every machine."""
    height, width = TINY_SIZE
    noise = scattered(3 * height * width, 1).reshape(1, 3, height, width)
    return (noise * 50.0 + 127.0).clamp(0.0, 255.0).round() / 255.0


def numbers(depth_B1HW):
    """Return mean, a place off the middle and the middle of a map."""
    return [float(value) for value in (depth_B1HW.mean(), *depth_B1HW[0, 0, 31, [30, 47]])]


def networks(prior):
    made = InfiniDepthNetworks(TINY, prompted=prior == SENSOR)
    made.load_state_dict(renamed(support.weights(TINY, prompted=prior == SENSOR)))
    return made.eval().requires_grad_(False)


def tiny(prior):
    return PRIORS[prior](networks(prior), size=lambda image: TINY_SIZE)


class Given(nn.Module):
    """Networks of which one maps an image to itself, and the other returns given disparity."""

    def __init__(self, disparity):
        super().__init__()
        self.seen, self.points = [], []

        def encoder(pixels, *points):
            self.seen.append((pixels, *points))
            return (pixels,)

        def decoder(pixels, points):
            self.points.append(points)
            return disparity(points)

        self.encoder, self.decoder = encoder, decoder


@pytest.mark.parametrize(('prior', 'millions'), [(NAME, 307.24), (SENSOR, 358.17)])
def test_every_weight_of_the_published_models_finds_its_place(prior, millions):
    one, prompted = ARCHITECTURES['large'], prior == SENSOR
    shapes = support.official_shapes(one, prompted=prompted)
    with torch.device('meta'):
        made = InfiniDepthNetworks(one, prompted=prompted)
        theirs = {name: torch.empty(shape) for name, shape in shapes.items()}
    made.load_state_dict(renamed(theirs))  # strict: names and shapes
    weights = sum(value.numel() for value in made.parameters()) / 1e6
    assert weights == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize('prior', PRIORS)
def test_depth_is_that_of_the_authors_code(prior):
    found = tiny(prior).predict(picture(), None, points_m(0.05, *TINY_SIZE))
    assert found.kind == ('disparity' if prior == NAME else 'metric')
    assert numbers(found.depth_B1HW) == pytest.approx(EXPECTED[prior], rel=1e-5)


def test_each_image_of_a_batch_has_its_own_depth():
    both = torch.cat((picture(), picture().flip(-1)))
    sensor = torch.cat((points_m(0.05, *TINY_SIZE), 3.0 * points_m(0.01, *TINY_SIZE)))
    found = tiny(SENSOR).predict(both, None, sensor).depth_B1HW
    alone = tiny(SENSOR).predict(both[1:], None, sensor[1:]).depth_B1HW
    torch.testing.assert_close(found[1:], alone, rtol=1e-5, atol=1e-5)
    assert float((found[0] - found[1]).abs().max()) > 0.1


def test_metres_follow_those_of_the_points():
    points = points_m(0.05, *TINY_SIZE)
    near, far = (tiny(SENSOR).predict(picture(), None, by * points).depth_B1HW for by in (1, 3))
    torch.testing.assert_close(far, 3.0 * near, rtol=1e-4, atol=1e-4)


def test_any_size_is_decoded_at_its_own_pixels():
    for size in ((37, 53), (480, 640), (1, 9000), (13, 700)):
        given = Given(lambda points: points[..., 0] + 10.0 * points[..., 1])
        map_HW = InfiniDepthPrior(given).predict(torch.zeros(2, 3, *size), None).depth_B1HW
        height, width = size
        down = ((torch.arange(height) + 0.5) / height * 2.0 - 1.0)[:, None]
        right = (torch.arange(width) + 0.5) / width * 2.0 - 1.0
        wanted = (right + 10.0 * down).expand(2, 1, height, width)
        torch.testing.assert_close(map_HW, wanted, rtol=1e-5, atol=1e-5)
        assert {tuple(one.shape) for one in given.points} == {tuple(given.points[0].shape)}
        assert given.points[0].shape[1] <= max(QUERIES, width)
        assert given.seen[0][0].shape[-2:] == OFFICIAL_SIZE
    assert strips((100, 1000)) == [(8 * i, 8) for i in range(12)] + [(92, 8)]


def test_strips_do_not_change_what_is_decoded(monkeypatch):
    rgb = corridor(50, 70)
    whole = tiny(NAME).predict(rgb, None).depth_B1HW
    monkeypatch.setattr('depth_refiner_ros.priors.infinidepth.QUERIES', 3 * 70)
    assert len(strips((50, 70))) == 17
    torch.testing.assert_close(tiny(NAME).predict(rgb, None).depth_B1HW, whole)


def test_features_fade_to_nothing_at_the_border_as_in_the_authors_code():
    ones = torch.ones(1, 1, 4, 4)
    points = torch.tensor([[[0.0, 0.0], [-0.75, 0.75], [1.0, 0.0], [-1.0, -1.0]]])
    assert interpolated(ones, points)[0, :, 0].tolist() == [1.0, 1.0, 0.5, 0.25]


@pytest.mark.parametrize('size', [(480, 640), (270, 480), (1536, 2048), (1080, 1920)])
def test_images_are_resized_as_by_opencv(size):
    rgb = (corridor(*size) * 255.0).round() / 255.0
    bytes_HW3 = (rgb[0] * 255.0).round().byte().permute(1, 2, 0).numpy()
    wanted = cv2.resize(bytes_HW3, OFFICIAL_SIZE[::-1], interpolation=cv2.INTER_AREA)
    given = Given(lambda points: points[..., 0])
    InfiniDepthPrior(given).disparity(rgb)
    found = given.seen[0][0][0].permute(1, 2, 0) * 255.0
    torch.testing.assert_close(found, found.round(), rtol=0.0, atol=1e-4, msg='not in bytes')
    off = (found - torch.from_numpy(wanted)).abs()
    assert float(off.max()) < 1.5
    assert float((off > 0.5).float().mean()) < 0.05, 'half a byte: up there, even here'


def test_points_are_where_they_were_measured_over_their_median():
    depth = torch.full((1, 1, 4, 8), torch.nan)
    depth[0, 0, 1, 2], depth[0, 0, 3, 7], depth[0, 0, 0, 0] = 2.0, 0.25, 1.0
    depth[0, 0, 2, 2] = FARTHEST_M  # too far to count
    prompt = prompt_of(depth)
    assert prompt.median_B1.tolist() == [[1.0]]
    there = prompt.values_BP[0] > 0.0
    found = {
        (float(right), float(down)): float(value)
        for (right, down), value in zip(
            prompt.places_BP2[0][there], prompt.values_BP[0][there], strict=True
        )
    }
    assert found == {(2.5 / 8, 1.5 / 4): 0.5, (7.5 / 8, 3.5 / 4): 4.0, (0.5 / 8, 0.5 / 4): 1.0}
    two = prompt_of(torch.tensor([[[[1.0, 0.5]]]]))
    assert two.median_B1.item() == 1.5, 'between two, as torch.quantile'


def test_of_many_points_some_are_taken_evenly_and_always_the_same():
    depth = sloping_m(480, 640)
    prompt = prompt_of(depth)
    assert prompt.values_BP.shape == (1, POINTS)
    assert torch.equal(prompt.places_BP2, prompt_of(2.0 * depth).places_BP2)
    assert len({tuple(place) for place in prompt.places_BP2[0].tolist()}) == POINTS
    cells = (prompt.places_BP2[0] * torch.tensor([6.0, 5.0])).long()
    held = torch.bincount(cells[:, 1] * 6 + cells[:, 0], minlength=30)
    # Random places: 50 in each cell, and 7 is their deviation.
    assert float(held.float().mean()) == POINTS / 30
    assert 4.0 < float(held.float().std()) < 11.0
    numbers_of = shuffled(307_200, depth.device)
    assert len(numbers_of.unique()) == 307_200
    assert int(numbers_of.max()) < 2**32


def test_places_that_hold_no_point_change_nothing():
    points = points_m(0.05, *TINY_SIZE)
    prompt, made = prompt_of(points), networks(SENSOR)
    there = prompt.values_BP[0] > 0.0
    assert 100 < int(there.sum()) < POINTS
    few = made.encoder(picture(), prompt.values_BP[:, there], prompt.places_BP2[:, there])[0]
    whole = made.encoder(picture(), prompt.values_BP, prompt.places_BP2)[0]
    torch.testing.assert_close(whole, few, rtol=1e-5, atol=1e-5)
    none = made.encoder(picture(), torch.zeros(1, 5), torch.rand(1, 5, 2))[0]
    assert bool(none.isfinite().all())
    assert float((none - whole).abs().max()) > 0.1


def test_what_is_farther_than_the_network_tells_apart_is_unknown():
    def disparity(points):
        return points[..., 0]

    prior = InfiniDepthSensorPrior(Given(disparity))
    wall = torch.full((1, 1, 2, 400), 2.0)
    depth = prior.predict(torch.zeros(1, 3, 2, 400), None, wall).depth_B1HW
    right = pixel_centres(0, 1, (1, 400), wall.device)[0, :, 0]
    known = right * 0.5 > LEAST_DISPARITY
    assert torch.equal(depth[0, 0, 0].isfinite(), known)
    torch.testing.assert_close(depth[0, 0, 0][known], 2.0 / right[known])


def test_depth_that_is_missing_is_named():
    rgb = picture()
    for sensor, message in (
        (None, 'prior infinidepth_sensor needs a depth image, of a few points at least; conn'),
        (torch.full((1, 1, 64, 96), torch.nan), 'the depth image has no valid pixel; check its'),
        (torch.full((1, 1, 64, 96), 300.0), 'no pixel of depth image 0 of the batch is nearer'),
        (torch.ones(2, 1, 64, 96), '1 images but 2 depth images'),
        (torch.ones(1, 64, 96), 'sensor depth: expected shape'),
    ):
        with pytest.raises(InputError) as caught:
            tiny(SENSOR).predict(rgb, None, sensor)
        assert message in str(caught.value)
        assert '\n' not in str(caught.value)


@pytest.mark.parametrize(('prior', 'gflop'), [(NAME, 3258.7), (SENSOR, 4063.2)])
def test_the_decoder_costs_a_tenth_of_the_encoder(prior, gflop):
    points = (torch.zeros(1, POINTS), torch.zeros(1, POINTS, 2)) if prior == SENSOR else ()
    with FakeTensorMode(allow_non_fake_inputs=True):
        made = InfiniDepthNetworks(ARCHITECTURES['large'], prompted=prior == SENSOR)
        rgb, pixels = torch.zeros(1, 3, 480, 640), torch.zeros(1, 3, *OFFICIAL_SIZE)
        whole = count(lambda: PRIORS[prior](made).disparity(rgb, *points)).flops
        encoder = count(lambda: made.encoder(pixels, *points)).flops
    assert whole / 1e9 == pytest.approx(gflop, rel=1e-4)
    assert whole - encoder < 0.1 * encoder
