# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Splats are drawn as the equations of 3D Gaussian splatting say, pixel by pixel."""

from dataclasses import replace
import importlib.util

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.mapping.splats import rendering
from depth_refiner_ros.mapping.splats.compositing import composited
from depth_refiner_ros.mapping.splats.gaussians import Seeds, Splats, splats_at
from depth_refiner_ros.mapping.splats.projection import projected
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
import torch

CAMERA = Intrinsics(fx=31.0, fy=29.0, cx=14.2, cy=9.7, width=29, height=21)


def pose() -> np.ndarray:
    found = np.eye(4)
    found[:3, :3] = Rotation.from_euler('xyz', [8, -5, 20], degrees=True).as_matrix()
    found[:3, 3] = 0.1, -0.2, 0.05
    return found


def random_splats(count: int, dtype: torch.dtype = torch.float64) -> Splats:
    """Return splats of all sizes and opacities, some behind the camera and some beside it."""
    draw = torch.Generator().manual_seed(3)
    kind = {'generator': draw, 'dtype': dtype}
    mean = torch.randn(count, 3, **kind) * torch.tensor([0.9, 0.7, 1.0]) + torch.tensor([0, 0, 2])
    return Splats(
        mean_m_N3=mean.to(dtype),
        log_size_N3=-2.5 + torch.randn(count, 3, **kind),
        turn_wxyz_N4=torch.randn(count, 4, **kind),
        opacity_logit_N=1.0 + 3.0 * torch.randn(count, **kind),
        rgb_N3=torch.rand(count, 3, **kind),
    )


def plainly_drawn(splats: Splats, camera: Intrinsics, map_from_camera: np.ndarray) -> np.ndarray:
    """Draw in float64, one pixel after the other: projection, sort, and blending of 3DGS."""
    camera_from_map = np.linalg.inv(map_from_camera)
    turn, shift = camera_from_map[:3, :3], camera_from_map[:3, 3]
    drawn = []
    for mean, log_size, wxyz, logit, rgb in zip(*(part.numpy() for part in splats.tensors())):
        x, y, z = turn @ mean + shift
        if z <= 0.01:
            continue
        axes = Rotation.from_quat(wxyz, scalar_first=True).as_matrix() @ np.diag(np.exp(log_size))
        limits = (
            (camera.fx, camera.cx + 0.5, camera.width, x / z),
            (camera.fy, camera.cy + 0.5, camera.height, y / z),
        )
        slopes = [
            np.clip(s, -c / f - 0.15 * n / f, (n - c) / f + 0.15 * n / f) for f, c, n, s in limits
        ]
        jacobian = np.array(
            [
                [camera.fx / z, 0, -camera.fx * slopes[0] / z],
                [0, camera.fy / z, -camera.fy * slopes[1] / z],
            ]
        )
        spread = jacobian @ turn @ axes
        covariance = spread @ spread.T + 0.3 * np.eye(2)
        centre = np.array([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy])
        drawn.append((z, centre, np.linalg.inv(covariance), 1 / (1 + np.exp(-logit)), rgb))
    drawn.sort(key=lambda splat: splat[0])
    image = np.zeros((camera.height, camera.width, 3))
    for row in range(camera.height):
        for column in range(camera.width):
            light = 1.0
            for _, centre, conic, opacity, rgb in drawn:
                offset = np.array([column, row]) - centre
                alpha = min(0.999, opacity * np.exp(-0.5 * offset @ conic @ offset))
                if alpha < 1 / 255:
                    continue
                if light * (1 - alpha) <= 1e-4:
                    break
                image[row, column] += light * alpha * rgb
                light *= 1 - alpha
    return image


def test_every_pixel_is_that_of_the_equations():
    splats = random_splats(120)
    expected = plainly_drawn(splats, CAMERA, pose())
    seen = projected(splats, CAMERA, pose())
    assert 40 < len(seen.opacity_N) < 120, 'some are out of view'
    found = composited(seen, CAMERA.width, CAMERA.height)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)
    assert expected.max() > 0.5
    rough = rendering.rendered(replace_type(splats, torch.float32), CAMERA, pose())
    np.testing.assert_allclose(rough.numpy(), expected, atol=2e-3)
    assert np.median(np.abs(rough.numpy() - expected)) < 1e-5


def replace_type(splats: Splats, dtype: torch.dtype) -> Splats:
    return replace(splats, **{name: part.to(dtype) for name, part in vars(splats).items()})


def test_rays_end_behind_what_hides_the_rest():
    """Opaque splats one behind the other: only the first ones are to be seen."""
    camera = Intrinsics(fx=20.0, fy=20.0, cx=5.0, cy=5.0, width=11, height=11)
    count = 12
    depth = torch.linspace(1.0, 2.0, count, dtype=torch.float64)
    wall = Splats(
        mean_m_N3=torch.stack([torch.zeros(count), torch.zeros(count), depth], dim=1).double(),
        log_size_N3=torch.full((count, 3), 0.0, dtype=torch.float64),
        turn_wxyz_N4=torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64).repeat(count, 1),
        opacity_logit_N=torch.full((count,), 2.0, dtype=torch.float64),
        rgb_N3=torch.rand(count, 3, dtype=torch.float64, generator=torch.Generator()),
    )
    found = composited(projected(wall, camera, np.eye(4)), 11, 11).numpy()
    np.testing.assert_allclose(found, plainly_drawn(wall, camera, np.eye(4)), atol=1e-9)


def test_gradients_are_those_of_finite_differences():
    splats = random_splats(40)
    free = [part.clone().requires_grad_() for part in splats.tensors()]
    weights = torch.rand(CAMERA.height, CAMERA.width, 3, generator=torch.Generator()).double()

    def loss(*parts):
        named = Splats(**dict(zip(vars(splats), parts)))
        seen = projected(named, CAMERA, pose())
        return (composited(seen, CAMERA.width, CAMERA.height) * weights).sum()

    loss(*free).backward()
    draw = torch.Generator().manual_seed(0)
    for index, part in enumerate(free):
        # Thresholds make steps; most directions cross none within so short a way.
        differences = []
        for _ in range(9):
            way = torch.randn(part.shape, generator=draw, dtype=torch.float64)
            ahead, behind = (
                [other.detach() for other in free[:index]]
                + [part.detach() + sign * 1e-7 * way]
                + [other.detach() for other in free[index + 1 :]]
                for sign in (1, -1)
            )
            steepness = (loss(*ahead) - loss(*behind)) / 2e-7
            expected = (part.grad * way).sum()
            differences.append(float(abs(steepness - expected) / abs(expected).clamp(min=0.1)))
        assert np.median(differences) < 1e-4, list(vars(splats))[index]


def test_a_seed_becomes_a_splat_where_and_as_large_as_its_pixel_is():
    view = Seeds(
        column_N=np.array([10]),
        row_N=np.array([15]),
        depth_m_N=np.array([2.0]),
        rgb_N3=np.array([[1.0, 0.5, 0.25]]),
        spacing_px=4.0,
        camera=CAMERA,
        map_from_camera=pose(),
    )
    (splats, seen) = (found := splats_at([view])), projected(found, CAMERA, pose())
    np.testing.assert_allclose(seen.centre_px_N2.numpy(), [[10, 15]], atol=1e-4)
    expected = 0.5 * 4.0 * 2.0 / np.sqrt(31.0 * 29.0)
    np.testing.assert_allclose(splats.log_size_N3.exp().numpy(), [[expected] * 3], rtol=1e-5)
    image = rendering.rendered(splats, CAMERA, pose())
    np.testing.assert_allclose(image[15, 10].numpy(), [0.5, 0.25, 0.125], rtol=1e-4)


def test_no_splat_in_view_is_a_black_image():
    behind = random_splats(5, torch.float32)
    behind.mean_m_N3[:, 2] = -3.0
    image = rendering.rendered(behind, CAMERA, np.eye(4))
    assert image.shape == (21, 29, 3)
    assert not image.any()


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_gpu_that_is_not_there_is_refused():
    assert rendering.device_of('auto').type == 'cpu'
    with pytest.raises(BackendError, match=r'torch finds no CUDA GPU; take cpu'):
        rendering.device_of('cuda')


@pytest.mark.skipif(importlib.util.find_spec('gsplat') is not None, reason='gsplat is installed')
def test_a_missing_gsplat_is_named_with_the_fix():
    with pytest.raises(BackendError, match=r'pip install gsplat==1\.5\.3'):
        rendering.rasterization()


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available() or importlib.util.find_spec('gsplat') is None,
    reason='needs a CUDA GPU and gsplat',
)
def test_gsplat_draws_the_same_image_and_the_same_gradients():
    splats = replace_type(random_splats(120), torch.float32)
    weights = torch.rand(CAMERA.height, CAMERA.width, 3, generator=torch.Generator())
    images, gradients = [], []
    for device in ('cpu', 'cuda'):
        free = [part.to(device).requires_grad_() for part in splats.tensors()]
        image = rendering.rendered(Splats(**dict(zip(vars(splats), free))), CAMERA, pose())
        (image * weights.to(device)).sum().backward()
        images.append(image.detach().cpu().numpy())
        gradients.append([part.grad.cpu().numpy() for part in free])
    assert np.median(np.abs(images[0] - images[1])) < 1e-4
    np.testing.assert_allclose(images[0], images[1], atol=1e-2)
    for ours, theirs in zip(*gradients):
        assert np.abs(ours - theirs).max() < 0.02 * np.abs(ours).max()
