# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.priors.focal_shift import recovered, SAMPLED
from depth_refiner_ros.priors.moge2_network import half_of, plane_of
import pytest
from scipy.optimize import least_squares
import torch
from torch.nn import functional

SIZES = [(120, 160), (97, 250), (250, 97)]


def scene(size, focal, shift, noise=0.0, seed=0):
    """Return points that a camera sees where they are once they are shifted, and their plane."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.zeros(1, 3, *size)
    plane = plane_of(*size, half_of(image))
    true_z = 3.0 + 1.2 * plane[:, 1:] + 0.5 * torch.sin(5.0 * plane[:, :1])
    points = torch.cat((plane / focal * true_z, true_z - shift), dim=1)
    points = points * (1.0 + noise * torch.randn(points.shape, generator=generator))
    return points, plane, torch.rand(1, 1, *size, generator=generator) > 0.3


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('known', [True, False])
def test_a_camera_that_fits_is_found(size, known, subtests):
    for focal, shift in ((0.7, 0.4), (2.5, 0.9), (1.6, -0.7)):
        with subtests.test(focal=focal, shift=shift):
            points, plane, usable = scene(size, focal, shift)
            given = torch.full((1, 2), focal) if known else None
            found, shifts = recovered(points, plane, usable, given)
            assert found[0].tolist() == pytest.approx([focal, focal], rel=1e-4)
            assert float(shifts) == pytest.approx(shift, abs=1e-4)


def by_scipy(points, plane, usable, focal):
    """Return focal length and shift of the same least squares by MINPACK itself."""
    few = (
        functional.interpolate(value.double(), SAMPLED, mode='nearest').flatten(2)[0]
        for value in (points, plane, usable)
    )
    points_3N, plane_2N, usable_1N = few
    keep = usable_1N[0] > 0.0
    sides, z, seen = points_3N[:2, keep].numpy(), points_3N[2, keep].numpy(), plane_2N[:, keep]

    def best(shift):
        q = sides / (z + shift)
        return q, focal or float((q * seen.numpy()).sum() / (q * q).sum())

    def residuals(shift):
        q, length = best(shift)
        return (length * q - seen.numpy()).ravel()

    shift = least_squares(residuals, x0=0.0, ftol=1e-3, method='lm', x_scale='jac').x
    return best(shift)[1], float(shift[0])


@pytest.mark.parametrize('known', [True, False])
def test_it_ends_where_minpack_ends(known, subtests):
    for noise in (0.0, 0.03, 0.2, 0.6):
        for number, size in enumerate(SIZES):
            with subtests.test(noise=noise, size=size):
                points, plane, usable = scene(size, 1.4, 0.5, noise, seed=number)
                focal = 1.4 if known else None
                expected = by_scipy(points, plane, usable, focal)
                given = torch.full((1, 2), focal) if known else None
                found, shift = recovered(points, plane, usable, given)
                assert float(found[0, 0]) == pytest.approx(expected[0], rel=1e-4)
                assert float(shift) == pytest.approx(expected[1], abs=1e-4)


def test_each_image_of_a_batch_has_its_own():
    scenes = [scene((48, 64), focal, shift) for focal, shift in ((0.8, 0.5), (2.0, -0.5))]
    points, plane, usable = (torch.cat(parts) for parts in zip(*scenes, strict=True))
    focal, shift = recovered(points, plane, usable)
    assert focal[:, 0].tolist() == pytest.approx([0.8, 2.0], rel=1e-4)
    assert shift.tolist() == pytest.approx([0.5, -0.5], abs=1e-4)


def test_pixels_need_not_be_square():
    points, plane, usable = scene((120, 160), 1.5, 0.4)
    points[:, 1] *= 1.5 / 1.2
    _, shift = recovered(points, plane, usable, torch.tensor([[1.5, 1.2]]))
    assert float(shift) == pytest.approx(0.4, abs=1e-4)
    _, wrong = recovered(points, plane, usable, torch.tensor([[1.5, 1.5]]))
    assert abs(float(wrong) - 0.4) > 0.05


def test_what_is_not_usable_does_not_count():
    points, plane, usable = scene((120, 160), 1.5, 0.4)
    points = torch.where(usable, points, math.nan)
    focal, shift = recovered(points, plane, usable)
    assert float(shift) == pytest.approx(0.4, abs=1e-4)
    assert float(focal[0, 0]) == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize('focal', [None, torch.tensor([[1.5, 1.5]])])
def test_nothing_usable_is_no_shift(focal):
    points, plane, usable = scene((120, 160), 1.5, 0.4)
    found, shift = recovered(points, plane, torch.zeros_like(usable), focal)
    assert float(shift) == 0.0
    assert found.tolist() == [[1.5, 1.5] if focal is not None else [1.0, 1.0]]


def test_a_point_at_no_depth_does_no_harm():
    points, plane, usable = scene((120, 160), 1.5, 0.0)
    points[:, 2, ::40] = 0.0
    focal, shift = recovered(points, plane, usable)
    assert focal.tolist() == [[1.0, 1.0]]
    assert float(shift) == 0.0
