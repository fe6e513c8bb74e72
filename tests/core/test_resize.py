# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.resize import resized, View, with_longest_edge
from diffusers.pipelines.marigold.marigold_image_processing import MarigoldImageProcessor
import pytest
import torch


def test_the_longest_edge_decides_and_the_other_is_rounded_down(subtests):
    cases = [
        ((352, 1216), 1024, (296, 1024)),
        ((480, 640), 1024, (768, 1024)),
        ((375, 1242), 768, (231, 768)),
        ((1242, 375), 768, (768, 231)),
        ((480, 640), 0, (480, 640)),
        ((3, 1000), 100, (1, 100)),
    ]
    for size, edge_px, expected in cases:
        with subtests.test(size=size, edge_px=edge_px):
            assert with_longest_edge(size, edge_px) == expected


@pytest.mark.parametrize('edge_px', [40, 90, 131])
def test_images_are_resized_as_the_published_pipelines_do(edge_px):
    image = torch.rand(1, 3, 61, 87, generator=torch.Generator().manual_seed(0))
    expected = MarigoldImageProcessor.resize_to_max_edge(image, edge_px, 'bilinear')
    torch.testing.assert_close(resized(image, with_longest_edge((61, 87), edge_px)), expected)


def test_the_same_size_is_the_same_tensor():
    image = torch.rand(1, 3, 4, 5)
    assert resized(image, (4, 5)) is image


def test_small_images_are_enlarged_unless_they_may_not_be():
    assert with_longest_edge((30, 40), 80, enlarge=False) == (30, 40)
    assert with_longest_edge((30, 40), 80) == (60, 80)
    assert with_longest_edge((300, 400), 80, enlarge=False) == (60, 80)


def test_a_factor_loses_a_pixel_of_some_widths_as_marigolds_code_does():
    assert with_longest_edge((100, 606), 640) == (105, 640)
    assert with_longest_edge((100, 606), 640, by_factor=True) == (105, 639)
    assert with_longest_edge((480, 640), 768, by_factor=True) == (576, 768)


def test_a_view_pads_at_the_end_and_takes_it_off_again():
    view = View(max_edge_px=13, multiple=8)
    rgb = torch.rand(1, 3, 20, 26, generator=torch.Generator().manual_seed(1))
    shown = view.image(rgb)
    assert shown.shape[-2:] == view.padded_size((20, 26)) == (16, 16)
    torch.testing.assert_close(shown[..., :10, :13], resized(rgb, (10, 13)))
    assert torch.equal(shown[..., 13:], shown[..., 12:13].expand(-1, -1, -1, 3))
    expected = resized(shown[..., :10, :13], (20, 26))
    torch.testing.assert_close(view.restored(shown, (20, 26)), expected)


def test_a_view_may_show_bytes():
    levels = torch.randint(0, 256, (1, 3, 20, 30), generator=torch.Generator().manual_seed(2))
    whole = resized(levels.float(), (8, 12)).round()
    shown = View(max_edge_px=12, rounding='nearest').image(levels / 255.0)
    assert torch.equal(shown * 255.0, whole)
    exact = resized(levels / 255.0, (8, 12)) * 255.0
    cut = View(max_edge_px=12, rounding='down').image(levels / 255.0) * 255.0
    torch.testing.assert_close(cut, exact.floor(), rtol=0, atol=1e-3)
    assert not torch.equal(cut, whole)


def test_unknown_views_are_refused_by_name():
    with pytest.raises(InputError, match='rounding'):
        View(rounding='up')
    with pytest.raises(InputError, match='back'):
        View(back='bicubic')
