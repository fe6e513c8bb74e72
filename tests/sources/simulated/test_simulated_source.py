# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The simulated camera as a source of frames."""

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.simulated import expose, SimulatedSource
import numpy as np
import pytest


@pytest.fixture(scope='module')
def source():
    return SimulatedSource(seed=11, frames=6, width=160, height=120)


@pytest.fixture(scope='module')
def frames(source):
    return list(source)


def test_is_a_frame_source(source):
    assert isinstance(source, FrameSource)
    assert source.name == 'simulated_11'
    assert len(source) == 6


def test_frames_are_complete(source, frames):
    assert len(frames) == 6
    for frame in frames:
        assert frame.rgb_HW3.shape == (120, 160, 3)
        assert frame.rgb_HW3.dtype == np.uint8
        assert frame.depth_m_HW.shape == (120, 160)
        assert frame.depth_m_HW.dtype == np.float32
        assert np.isfinite(frame.depth_m_HW).all()
        assert frame.depth_m_HW.min() > 0.1
        assert frame.intrinsics == source.intrinsics
        assert frame.map_from_camera.shape == (4, 4)
        assert 20 < frame.rgb_HW3.mean() < 220
        assert frame.rgb_HW3.std() > 8


def test_stamps_start_at_one_second_and_follow_the_rate(frames):
    assert [frame.stamp_ns for frame in frames] == [
        1_000_000_000 + 100_000_000 * index for index in range(6)
    ]


def test_reading_again_gives_the_same_bits(source, frames):
    twin = SimulatedSource(seed=11, frames=6, width=160, height=120)
    for first, again, other in zip(frames, source, twin):
        for repeat in (again, other):
            np.testing.assert_array_equal(first.rgb_HW3, repeat.rgb_HW3)
            np.testing.assert_array_equal(first.depth_m_HW, repeat.depth_m_HW)
            np.testing.assert_array_equal(first.map_from_camera, repeat.map_from_camera)
            assert first.stamp_ns == repeat.stamp_ns


def test_a_caller_cannot_spoil_the_poses(source, frames):
    next(iter(source)).map_from_camera[:] = 0
    np.testing.assert_array_equal(next(iter(source)).map_from_camera, frames[0].map_from_camera)


def test_depth_pose_and_camera_agree_between_frames(frames):
    first, last = frames[0], frames[-1]
    rows, columns = np.mgrid[:120:3, :160:3]
    k, depth = first.intrinsics, first.depth_m_HW[rows, columns]
    points = np.stack(
        [
            (columns - k.cx) / k.fx * depth,
            (rows - k.cy) / k.fy * depth,
            depth,
            np.ones_like(depth),
        ],
        -1,
    )
    moved = points @ (np.linalg.inv(last.map_from_camera) @ first.map_from_camera).T
    u, v = (
        np.round(f * moved[..., axis] / moved[..., 2] + c).astype(int)
        for f, axis, c in ((k.fx, 0, k.cx), (k.fy, 1, k.cy))
    )
    inside = (u >= 0) & (u < 160) & (v >= 0) & (v < 120)
    assert inside.mean() > 0.5
    error = np.abs(last.depth_m_HW[v[inside], u[inside]] / moved[..., 2][inside] - 1)
    assert np.median(error) < 0.005
    assert (error < 0.03).mean() > 0.8


def test_mesh_explains_the_depth(source, frames):
    vertices, triangles = source.mesh()
    frame = frames[0]
    assert triangles.max() < len(vertices)
    camera = frame.map_from_camera[:3, 3]
    reach = np.linalg.norm(vertices.min(0) - vertices.max(0))
    assert frame.depth_m_HW.max() < reach
    assert (camera > vertices.min(0)).all()
    assert (camera < vertices.max(0)).all()


def test_arguments_out_of_range_are_refused(subtests):
    cases = [
        {'seed': -1},
        {'frames': 0},
        {'width': 8},
        {'rate_hz': 0.0},
        {'rate_hz': float('nan')},
    ]
    for wrong in cases:
        with subtests.test(wrong=wrong), pytest.raises(SourceError, match='simulated camera'):
            SimulatedSource(**wrong)


def test_exposure_is_repeatable_and_clips():
    light = np.linspace(0, 2, 64 * 48 * 3, dtype=np.float32).reshape(48, 64, 3)
    first = expose(light, np.random.default_rng(1))
    np.testing.assert_array_equal(first, expose(light, np.random.default_rng(1)))
    assert first.dtype == np.uint8
    assert first.max() == 255
    assert first[0, :8].mean() < 25


def test_exposure_brightens_with_light_and_noise_can_be_turned_off():
    flat = [np.full((40, 40, 3), value, np.float32) for value in (0.05, 0.1, 0.2, 0.4)]
    means = [expose(light, np.random.default_rng(2), noise=0)[20, 20, 0] for light in flat]
    assert means == sorted(means)
    assert means[0] + 20 < means[-1]
    clean = expose(flat[2], np.random.default_rng(2), noise=0)[18:22, 18:22]
    noisy = expose(flat[2], np.random.default_rng(2), noise=1.5)
    assert np.ptp(clean.astype(int), axis=(0, 1)).max() <= 1
    assert noisy.std() > clean.std()


def test_exposure_draws_its_noise_from_its_own_generator():
    light = np.full((60, 80, 3), 0.2, np.float32)
    first, second = (expose(light, np.random.default_rng(seed)).astype(int) for seed in (1, 2))
    one, two = (
        picture[20:40, 20:60].ravel() - picture[20:40, 20:60].mean() for picture in (first, second)
    )
    assert one.std() > 0.3
    assert abs(np.mean(one * two)) < 0.2 * one.std() * two.std()


def test_exposure_leaves_its_input_alone():
    light = np.full((32, 32, 3), 0.3, np.float32)
    expose(light, np.random.default_rng(0))
    assert (light == np.float32(0.3)).all()
