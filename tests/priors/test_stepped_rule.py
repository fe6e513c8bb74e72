# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The input of Depth Anything 3 against OpenCV, which its authors' code resizes with."""

import cv2
from depth_refiner_ros.priors.area_resample import area_resampled, shares
from depth_refiner_ros.priors.stepped_rule import depth_anything_3, in_bytes
import numpy as np
import pytest
import torch


def photograph(height, width):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (height, width, 3), generator=generator, dtype=torch.uint8)


def in_units(picture_HW3):
    return picture_HW3.permute(2, 0, 1)[None].float() / 255.0


@pytest.mark.parametrize(
    ('size', 'short_side', 'expected'),
    [
        ((480, 640), 0, (378, 504)),
        ((640, 480), 0, (504, 378)),
        ((1080, 1920), 0, (280, 504)),
        ((333, 517), 0, (322, 504)),
        ((504, 504), 0, (504, 504)),
        ((8, 900), 0, (14, 504)),
        ((301, 400), 0, (378, 504)),
        ((480, 640), 280, (280, 378)),
        ((480, 640), 301, (308, 406)),
    ],
)
def test_the_size_at_the_network(size, short_side, expected):
    rule = depth_anything_3(short_side)
    prepared = rule.prepare(torch.zeros(1, 3, *size))
    assert tuple(prepared.shape[-2:]) == rule.size(size) == expected


@pytest.mark.parametrize(
    ('old', 'new', 'how'),
    [
        ((48, 64), (37, 50), cv2.INTER_AREA),
        ((48, 64), (24, 32), cv2.INTER_AREA),
        ((51, 64), (50, 64), cv2.INTER_AREA),
        ((108, 192), (28, 50), cv2.INTER_AREA),
        ((30, 40), (38, 50), cv2.INTER_CUBIC),
        ((30, 40), (28, 42), cv2.INTER_CUBIC),
    ],
)
def test_bytes_are_those_of_opencv(old, new, how):
    picture = photograph(*old)
    expected = cv2.resize(picture.numpy(), new[::-1], interpolation=how).astype(np.float32)
    found = in_bytes(in_units(picture), new)[0].permute(1, 2, 0).numpy() * 255.0
    np.testing.assert_allclose(found, np.round(found), atol=1e-3)
    difference = np.abs(found - expected)
    assert difference.max() < 1.5, 'halves may be rounded either way'
    # Of means of 2 x 2 bytes, which OpenCV rounds up, an eighth end in an even half.
    assert (difference > 0.5).mean() < (0.15 if old == (48, 64) else 0.02)


def test_an_image_of_the_networks_size_stays_as_it_is():
    rgb = torch.rand(1, 3, 378, 504)
    prepared = depth_anything_3().prepare(rgb)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    torch.testing.assert_close(prepared, (rgb - mean) / std)


def test_shares_add_up_exactly():
    for old, new in ((640, 504), (1920, 504), (7, 7), (7, 1), (13, 5)):
        share = shares(old, new)
        assert share.shape == (new, old)
        torch.testing.assert_close(share.sum(dim=1), torch.ones(new))
        torch.testing.assert_close(share.sum(dim=0), torch.full((old,), new / old))
    rgb = torch.rand(1, 3, 20, 30)
    torch.testing.assert_close(
        area_resampled(rgb, (5, 10)), torch.nn.functional.avg_pool2d(rgb, (4, 3))
    )
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(
            area_resampled(rgb, (5, 10)), torch.nn.functional.avg_pool2d(rgb, (4, 3))
        )
