# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.pointcloud import CloudBuilder, POINT_BYTES
import pytest
import torch

CAMERA = Intrinsics(fx=100.0, fy=50.0, cx=2.0, cy=1.0, width=6, height=4)


def colors():
    return torch.arange(4 * 6 * 3, dtype=torch.uint8).view(4, 6, 3)


def test_hand_computed_points():
    cloud = CloudBuilder(CAMERA).build(torch.full((4, 6), 2.0), colors())
    assert cloud.shape == (4, 6, 4)
    assert cloud.is_contiguous()
    assert cloud.element_size() * 4 == POINT_BYTES
    assert cloud[1, 2, :3].tolist() == [0.0, 0.0, 2.0]
    assert cloud[3, 5, :3].tolist() == pytest.approx([2 * 3 / 100, 2 * 2 / 50, 2.0])


def test_points_project_back_onto_their_pixels():
    points_m = CloudBuilder(CAMERA).build(1 + torch.rand(4, 6), colors())[..., :3]
    pixels = points_m @ torch.from_numpy(CAMERA.matrix()).float().T
    columns, rows = pixels[..., 0] / pixels[..., 2], pixels[..., 1] / pixels[..., 2]
    torch.testing.assert_close(columns, torch.arange(6.0).expand(4, 6), rtol=0, atol=1e-5)
    torch.testing.assert_close(rows, torch.arange(4.0)[:, None].expand(4, 6), rtol=0, atol=1e-5)


def test_color_bytes_are_blue_green_red():
    cloud = CloudBuilder(CAMERA).build(torch.ones(4, 6), colors())
    assert cloud.view(torch.uint8)[0, 1, 12:].tolist() == [5, 4, 3, 0]
    packed = cloud.view(torch.int32)[..., 3] & 0xFFFFFF
    red, green, blue = colors().int().unbind(-1)
    assert torch.equal(packed, red << 16 | green << 8 | blue)


@pytest.mark.parametrize('bad', [torch.nan, torch.inf, -torch.inf, 0.0, -1.0])
def test_bad_depth_gives_a_nan_point_and_harms_no_other(bad):
    depth_m = torch.ones(4, 6)
    depth_m[1, 2] = bad
    depth_m[2, 3] = bad
    cloud = CloudBuilder(CAMERA).build(depth_m, colors())
    assert torch.isnan(cloud[1, 2, :3]).all()
    assert torch.isnan(cloud[2, 3, :3]).all()
    assert torch.isnan(cloud[..., :3]).sum() == 6


def test_stride_keeps_every_nth_pixel_with_its_own_ray():
    depth_m = 1 + torch.rand(4, 6)
    full = CloudBuilder(CAMERA).build(depth_m, colors())
    builder = CloudBuilder(CAMERA, stride=2)
    assert (builder.height, builder.width) == (2, 3)
    sparse = builder.build(depth_m, colors())
    assert sparse.is_contiguous()
    assert torch.equal(sparse.view(torch.int32), full[::2, ::2].contiguous().view(torch.int32))


def test_buffer_is_reused():
    builder = CloudBuilder(CAMERA)
    first = builder.build(torch.ones(4, 6), colors())
    second = builder.build(2 * torch.ones(4, 6), colors())
    assert first.data_ptr() == second.data_ptr()
    assert (first[..., 2] == 2).all()


def test_input_is_left_alone():
    depth_m = torch.tensor([[1.0, 0.0, torch.inf, 2.0, 3.0, 4.0]]).expand(4, 6).contiguous()
    before = depth_m.clone()
    CloudBuilder(CAMERA).build(depth_m, colors())
    assert torch.equal(depth_m, before)


def test_bad_arguments_are_named(subtests):
    cases = [
        (lambda: CloudBuilder(CAMERA, stride=0), 'stride = 0'),
        (lambda: CloudBuilder(CAMERA).build(torch.ones(6, 4), colors()), 'depth: 4x6 pixels'),
        (lambda: CloudBuilder(CAMERA).build(torch.ones(4, 6), colors()[:2]), 'color: expected'),
        (lambda: CloudBuilder(CAMERA).build(torch.ones(4, 6), colors().float()), 'expected uint8'),
    ]
    for call, message in cases:
        with subtests.test(message=message), pytest.raises(InputError, match=message):
            call()
