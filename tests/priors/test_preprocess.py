# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import itertools

import cv2
from depth_refiner_ros.priors import preprocess
import numpy as np
import pytest
import torch


def image(height=37, width=53, batch=1):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


def ramp(height, width):
    """Return a map that is linear over the image's area: any sound resize keeps it."""
    rows = (torch.arange(height) + 0.5) / height
    columns = (torch.arange(width) + 0.5) / width
    return (1.0 + rows[:, None] + 2.0 * columns)[None, None]


def test_images_reach_the_network_at_the_documented_size(subtests):
    cases = [
        (preprocess.depth_anything(), (480, 640), (518, 686)),
        (preprocess.depth_anything(), (640, 480), (686, 518)),
        (preprocess.depth_anything(), (1080, 1920), (518, 924)),
        (preprocess.depth_anything(), (240, 320), (518, 686)),
        (preprocess.depth_anything(), (518, 518), (518, 518)),
        (preprocess.depth_anything(), (375, 1242), (518, 1722)),
        (preprocess.depth_anything(280), (480, 640), (280, 378)),
        (preprocess.depth_anything(300), (480, 640), (308, 406)),
        (preprocess.official_compat(), (480, 640), (490, 644)),
        (preprocess.official_compat(), (14, 15), (14, 28)),
        (preprocess.prompt_depth_anything(), (480, 640), (560, 756)),
        (preprocess.prompt_depth_anything(), (1440, 1920), (756, 1008)),
        (preprocess.prompt_depth_anything(480), (480, 640), (490, 644)),
        (preprocess.zoedepth(), (480, 640), (384, 512)),
        (preprocess.depth_pro(), (480, 640), (1536, 1536)),
        (preprocess.metric3d(), (480, 640), (616, 1064)),
    ]
    for rule, size, expected in cases:
        with subtests.test(rule=rule, size=size):
            prepared = rule.prepare(torch.zeros(1, 3, *size))
            assert tuple(prepared.shape[-2:]) == expected


@pytest.mark.parametrize('size', [(37, 53), (600, 801), (1080, 1920)])
def test_depth_anything_sees_what_its_own_code_shows_it(size):
    rgb = image(*size)
    prepared = preprocess.depth_anything().prepare(rgb)
    rows, columns = prepared.shape[-2:]
    picture = cv2.resize(
        rgb[0].permute(1, 2, 0).numpy(), (columns, rows), interpolation=cv2.INTER_CUBIC
    )
    expected = (picture - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(prepared[0].permute(1, 2, 0).numpy(), expected, atol=1e-3)


@pytest.mark.parametrize('size', [(480, 640), (375, 1242), (1440, 1920), (640, 480)])
def test_prompt_depth_anything_has_the_size_of_the_processor_of_transformers(size):
    from transformers import PromptDepthAnythingImageProcessorPil

    processor = PromptDepthAnythingImageProcessorPil(
        size={'height': 756, 'width': 756}, keep_aspect_ratio=True, ensure_multiple_of=14
    )
    expected = processor(np.zeros((*size, 3), np.uint8), return_tensors='pt')['pixel_values']
    prepared = preprocess.prompt_depth_anything().prepare(torch.zeros(1, 3, *size))
    assert prepared.shape == expected.shape


def test_apdepth_feeds_minus_one_to_one_without_imagenet_numbers():
    rgb = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1).expand(1, 3, 28, 42)
    prepared = preprocess.official_compat().prepare(rgb)
    for channel, value in enumerate((-1.0, 0.0, 1.0)):
        assert torch.equal(prepared[0, channel], torch.full((28, 42), value))
    corners = preprocess.official_compat().prepare(image(20, 30))
    assert corners.shape[-2:] == (28, 42)
    torch.testing.assert_close(corners[..., 0, 0], image(20, 30)[..., 0, 0] * 2.0 - 1.0)
    torch.testing.assert_close(corners[..., -1, -1], image(20, 30)[..., -1, -1] * 2.0 - 1.0)


def test_zoedepth_sees_what_the_processor_of_transformers_shows_it():
    from transformers import ZoeDepthImageProcessorPil

    processor = ZoeDepthImageProcessorPil(ensure_multiple_of=32)
    for height, width in ((37, 53), (480, 640), (200, 90)):
        pixels = torch.randint(
            0,
            256,
            (3, height, width),
            dtype=torch.uint8,
            generator=torch.Generator().manual_seed(1),
        )
        expected = processor(
            pixels.numpy(), return_tensors='pt', input_data_format='channels_first'
        ).pixel_values
        prepared = preprocess.zoedepth().prepare(pixels[None].float() / 255.0)
        torch.testing.assert_close(prepared, expected, atol=1e-4, rtol=0.0)


def test_depth_pro_squashes_every_aspect_into_its_square():
    rgb = image(20, 60)
    prepared = preprocess.depth_pro(64).prepare(rgb)
    picture = cv2.resize(rgb[0].permute(1, 2, 0).numpy(), (64, 64), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(
        prepared[0].permute(1, 2, 0).numpy(), picture * 2.0 - 1.0, atol=1e-4
    )


def test_metric3d_fits_the_image_between_grey_borders():
    rule = preprocess.metric3d(40, 60)
    prepared = rule.prepare(torch.ones(1, 3, 20, 20))
    assert prepared.shape == (1, 3, 40, 60)
    assert float(prepared[..., :10].abs().max()) == 0.0
    assert float(prepared[..., 50:].abs().max()) == 0.0
    assert float(prepared[0, 0, 0, 10]) == pytest.approx((1.0 - 0.485) / 0.229, rel=1e-5)
    assert rule.scale((20, 20)) == pytest.approx(2.0)
    assert rule.scale((80, 20)) == pytest.approx(0.5)
    assert rule.prepare(torch.ones(1, 3, 7, 61)).shape == (1, 3, 40, 60)


def test_a_map_comes_back_where_it_belongs(subtests):
    cases = [
        preprocess.depth_anything(56),
        preprocess.official_compat(),
        preprocess.zoedepth(),
        preprocess.prompt_depth_anything(56),
        preprocess.depth_pro(64),
        preprocess.metric3d(77, 133),
    ]
    for rule, size in itertools.product(cases, [(37, 53), (61, 40), (90, 20)]):
        with subtests.test(rule=rule, size=size):
            picture = ramp(*size).expand(2, 3, -1, -1)
            mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in rule.mean_std)
            seen = rule.prepare(picture) * std + mean
            back = rule.restore(seen[:, :1], size)
            assert back.shape == (2, 1, *size)
            inner = (..., slice(4, -4), slice(4, -4))
            # A step of the ramp is up to 0.1; aligned corners move small maps a third of that.
            torch.testing.assert_close(
                back[inner], ramp(*size).expand(2, -1, -1, -1)[inner], atol=0.03, rtol=0.0
            )


def test_images_smaller_than_their_mirrored_borders_are_served():
    assert preprocess.zoedepth().prepare(image(3, 4)).shape[-2] % 32 == 0
