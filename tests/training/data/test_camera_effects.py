# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images as cameras give them: reproducible, in range, in place."""

import cv2
import numpy as np
import pytest
import torch
from training.config import DataConfig
from training.data import camera_effects
from training.data.camera_effects import camera_image
from training.data.jpeg import jpeg
from training.data.photometric import photometric


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def effects(strength: float = 1.0, photometric: float = 0.0) -> DataConfig:
    return DataConfig(photometric=photometric, camera_effects=strength)


def draws(rgb: torch.Tensor, seed: int = 0) -> camera_effects._Draws:
    return camera_effects._Draws(rgb, 1.0, seeded(seed))


@pytest.fixture
def rgb() -> torch.Tensor:
    """Return four smooth images with a bright square."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 44), torch.linspace(0, 1, 60), indexing='ij')
    image = torch.stack([0.2 + 0.5 * x, 0.3 + 0.4 * y, 0.6 - 0.3 * x * y])
    image[:, 12:30, 20:41] = 0.9
    return image.expand(4, 3, 44, 60).clone()


def test_without_effects_runs_stay_what_they_were(rgb):
    one, two = seeded(), seeded()
    assert torch.equal(camera_image(rgb, effects(0.0, 1.0), one), photometric(rgb, 1.0, two))
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=two))


def test_the_generator_decides_and_every_image_differs(rgb):
    first = camera_image(rgb, effects(), seeded(4))
    assert torch.equal(first, camera_image(rgb, effects(), seeded(4)))
    assert not torch.equal(first, camera_image(rgb, effects(), seeded(5)))
    assert len({float(image.sum()) for image in first}) == 4
    assert 0.0 <= float(first.min()) <= float(first.max()) <= 1.0


def test_strength_is_a_dial(rgb):
    changes = [
        float((camera_image(rgb, effects(strength), seeded(1)) - rgb).abs().mean())
        for strength in (0.05, 0.5, 1.5)
    ]
    assert changes == sorted(changes)
    assert changes[0] < 0.02 < changes[2]


def test_blur_moves_nothing_and_keeps_the_light():
    dots = torch.zeros(16, 3, 33, 33)
    dots[:, :, 16, 16] = 1.0
    blurred = camera_effects._blurred(dots, draws(dots))
    torch.testing.assert_close(blurred.sum((2, 3)), torch.ones(16, 3), atol=1e-5, rtol=0)
    place = torch.arange(33.0)
    for axis in (2, 3):
        centre = (blurred.sum(5 - axis) * place).sum(2)
        torch.testing.assert_close(centre, torch.full((16, 3), 16.0), atol=1e-3, rtol=0)
    peaks = blurred[:, 0, 16, 16]
    assert float(peaks.max()) > 0.8
    assert float(peaks.min()) < 0.3


def test_corners_get_darker_and_the_middle_does_not():
    flat = torch.full((16, 3, 41, 41), 0.5)
    veiled = camera_effects._veiled(flat, draws(flat))
    torch.testing.assert_close(veiled[..., 20, 20], torch.full((16, 3), 0.5))
    corners = veiled[:, 0, 0, 0]
    assert 0.5 * 0.55 <= float(corners.min()) < 0.4 < float(corners.max()) <= 0.5


@pytest.mark.parametrize('quality', [20, 50, 90])
def test_jpeg_loses_what_opencv_loses(quality):
    rng = np.random.default_rng(3)
    noise = cv2.GaussianBlur(rng.uniform(0, 255, (60, 84, 3)), (0, 0), 1.5)
    picture = np.clip(128 + 4 * (noise - 128), 0, 255).astype(np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, data = cv2.imencode('.jpg', picture[..., ::-1], options)
    expected = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    rgb = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255.0
    found = jpeg(rgb, torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy() * 255.0
    assert found.shape == picture.shape, 'sides that are no multiples of 8'
    lost = np.abs(expected - picture).mean()
    assert np.abs(np.clip(found, 0, 255) - expected).mean() < max(0.25 * lost, 1.5)


def test_jpeg_qualities_are_each_image_s_own():
    rgb = torch.rand(2, 3, 16, 16, generator=seeded())
    change = (jpeg(rgb, torch.tensor([10.0, 100.0])) - rgb).abs().mean((1, 2, 3))
    assert float(change[1]) < 0.004 < 0.05 < float(change[0])
