# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video Depth Anything at tiny size with weights from a hash, at true size without weights."""

from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import VideoPrior
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES
from depth_refiner_ros.priors.video_depth_anything import VideoDepthAnythingPrior
from depth_refiner_ros.priors.video_depth_anything_memory import Memory
from depth_refiner_ros.priors.video_depth_anything_names import renamed
from depth_refiner_ros.priors.video_depth_anything_network import VideoDepthAnythingNetwork
import pytest
import torch

from tests.priors.official_video_depth_anything import frame, official_shapes, TINY, unit, weights

SHOWN = (0, 1, 20, 44)
EXPECTED = {
    0: [5.636099, 7.52103, 4.654942],
    1: [6.411053, 8.628373, 7.146786],
    20: [6.159487, 8.473816, 5.461116],
    44: [5.944409, 8.377217, 4.636976],
}
"""Images of a video by the authors' code with the same weights, see the test of this."""


def numbers(depth_HW):
    """Return mean, a corner and the middle of a map."""
    return [float(depth_HW.mean()), float(depth_HW[0, 0]), float(depth_HW[35, 49])]


def tiny():
    network = VideoDepthAnythingNetwork(TINY)
    network.load_state_dict(renamed(weights(TINY)))
    rule = preprocess.video_depth_anything(70)
    return VideoDepthAnythingPrior(network.eval().requires_grad_(False), rule)


def depth_of(predict, *images):
    with torch.inference_mode():
        return predict(torch.cat([unit(image) for image in images]), None).depth_B1HW


@pytest.mark.parametrize(
    ('size', 'millions'), [('small', 28.96), ('base', 114.15), ('large', 383.21)]
)
def test_every_weight_of_the_published_models_finds_its_place(size, millions):
    one = ARCHITECTURES[size]
    with torch.device('meta'):
        network = VideoDepthAnythingNetwork(one)
        theirs = {key: torch.empty(shape) for key, shape in official_shapes(one).items()}
    network.load_state_dict(renamed(theirs))  # strict: names and shapes
    count = sum(value.numel() for value in network.parameters()) / 1e6
    assert count == pytest.approx(millions, abs=0.01)


def test_a_video_gives_the_numbers_of_the_authors_code():
    prior, found = tiny(), {}
    for index in range(SHOWN[-1] + 1):
        depth = depth_of(prior.predict_next if index else prior.predict, frame(index))
        found[index] = numbers(depth[0, 0])
    for index in SHOWN:
        assert found[index] == pytest.approx(EXPECTED[index], rel=1e-4)


def test_an_image_on_its_own_has_no_past():
    prior = tiny()
    alone = depth_of(tiny().predict, frame(3))
    depth_of(prior.predict, frame(0))
    after = depth_of(prior.predict_next, frame(3))
    assert float((after - alone).abs().max()) > 0.01, 'what was seen before must count'
    assert torch.equal(depth_of(prior.predict, frame(3)), alone)
    assert torch.equal(depth_of(tiny().predict_next, frame(3)), alone)
    assert isinstance(prior, VideoPrior)


def test_images_of_a_batch_are_of_as_many_videos():
    prior, first, second = tiny(), tiny(), tiny()
    depth_of(prior.predict, frame(0), frame(10))
    both = depth_of(prior.predict_next, frame(1), frame(11))
    for own, start, one in ((first, 0, both[:1]), (second, 10, both[1:])):
        depth_of(own.predict, frame(start))
        wanted = depth_of(own.predict_next, frame(start + 1))
        torch.testing.assert_close(one, wanted, rtol=1e-4, atol=1e-4)


def test_an_image_of_another_size_starts_a_video():
    prior, wide = tiny(), frame(1)[:, :84]
    depth_of(prior.predict, frame(0))
    found = depth_of(prior.predict_next, wide)
    assert torch.equal(found, depth_of(tiny().predict, wide))
    assert found.shape == (1, 1, 70, 84)
    two = depth_of(prior.predict_next, wide, wide)
    torch.testing.assert_close(two, found.expand(2, -1, -1, -1), rtol=1e-4, atol=1e-4)


def test_the_window_is_the_last_29_one_far_back_and_the_first():
    memory = Memory()
    assert memory.window() == ()
    for index in range(60):
        if index:
            (window,) = memory.window()
            near = [max(0, index - back) for back in range(29, 0, -1)]
            assert window[0, :, 0].tolist() == [0, max(0, index - 41), *near]
        memory.add([torch.tensor([[index]])])
    memory.reset()
    assert memory.window() == ()


def test_depth_that_is_cut_off_at_zero_is_unknown():
    prior = tiny()
    prior.network.head.depth_out.inner.bias.fill_(1.0)
    depth = depth_of(prior.predict, frame(0))
    assert 0.01 < float(depth.isnan().float().mean()) < 0.99
    assert float(depth.nan_to_num(1.0).min()) > 0.0


def test_long_images_get_a_shorter_side():
    rule = preprocess.video_depth_anything()
    assert rule.size((480, 640)) == (518, 686)
    assert rule.size((1080, 1920)) == (518, 924)
    assert rule.size((300, 900)) == (308, 924)
    assert preprocess.video_depth_anything(280).size((480, 640)) == (280, 378)
