from depth_refiner_ros.core.resize import resized, with_longest_edge
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
