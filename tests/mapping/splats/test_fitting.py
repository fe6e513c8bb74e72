# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Similarity of images, and splats that are fitted to images."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.splats.fitting import fitted, Photo
from depth_refiner_ros.mapping.splats.gaussians import Seeds, splats_at
from depth_refiner_ros.mapping.splats.rendering import rendered
from depth_refiner_ros.mapping.splats.similarity import photometric_loss, psnr_db, ssim
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
import torch

CAMERA = Intrinsics.from_fov(32, 24, 60.0)


@pytest.fixture
def pair():
    """Return an image and one that differs from it, float64 in 0..1."""
    draw = np.random.default_rng(1)
    one = draw.random((24, 32, 3))
    return one, np.clip(one + 0.2 * draw.normal(size=one.shape), 0, 1)


def test_psnr_and_ssim_are_those_of_scikit_image(pair):
    one, other = (torch.from_numpy(image) for image in pair)
    assert psnr_db(one, other) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=1.0))
    expected = structural_similarity(
        *pair,
        data_range=1.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert float(ssim(one, other)) == pytest.approx(expected, abs=1e-9)
    assert float(ssim(one, one)) == pytest.approx(1.0)
    assert psnr_db(one, one) == float('inf')


def test_the_loss_is_four_parts_difference_and_one_part_structure(pair):
    one, other = (torch.from_numpy(image) for image in pair)
    expected = 0.8 * np.abs(pair[0] - pair[1]).mean() + 0.2 * (1 - float(ssim(one, other)))
    assert float(photometric_loss(one, other)) == pytest.approx(expected)


def test_a_fit_brings_new_views_nearer_and_repeats_bit_for_bit():
    def wall(right_m, depth_m=2.0):
        """Return seeds of a colored wall, and the photo that they were taken from."""
        rows, columns = (grid.ravel() for grid in np.mgrid[0:24:2, 0:32:2])
        pose = np.eye(4)
        pose[0, 3] = right_m
        across_m = right_m + depth_m * (np.arange(32) - CAMERA.cx) / CAMERA.fx
        rgb = np.stack([0.5 + 0.4 * np.sin(k * 3 * across_m) for k in (1, 2, 3)], axis=1)
        rgb_HW3 = np.tile(rgb[None], (24, 1, 1))
        seeds = Seeds(
            column_N=columns,
            row_N=rows,
            depth_m_N=np.full(len(rows), depth_m),
            rgb_N3=rgb_HW3[rows, columns] * 0.5,  # too dark, as the fit is to find out
            spacing_px=2.0,
            camera=CAMERA,
            map_from_camera=pose,
        )
        photo = Photo(
            name=f'{right_m}',
            rgb_HW3=torch.tensor(rgb_HW3, dtype=torch.float32),
            camera=CAMERA,
            map_from_camera=pose,
        )
        return seeds, photo

    (first, left), (second, right) = wall(0.0), wall(0.2)
    _, between = wall(0.1)
    start = splats_at([first, second])
    before = start.mean_m_N3.clone()
    counted = []
    ways = [
        fitted(
            start,
            [left, right],
            steps=30,
            seed=seed,
            extent_m=2.0,
            advanced=lambda: counted.append(1),
        )
        for seed in (0, 0, 1)
    ]
    assert len(counted) == 90
    assert torch.equal(start.mean_m_N3, before), 'what is given stays as it is'
    assert all(map(torch.equal, ways[0].tensors(), ways[1].tensors()))
    assert not torch.equal(ways[0].mean_m_N3, ways[2].mean_m_N3)
    gained_db = [
        psnr_db(rendered(splats, CAMERA, between.map_from_camera).detach(), between.rgb_HW3)
        for splats in (start, ways[0])
    ]
    assert gained_db[1] > gained_db[0] + 2.0
