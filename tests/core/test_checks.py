# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core import checks
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
import numpy as np
import pytest
import torch

CAMERA = Intrinsics.from_fov(4, 3, 60.0)


def test_good_input_passes():
    checks.check_map('depth', torch.ones(2, 1, 3, 4))
    checks.check_plane('depth', torch.ones(3, 4, dtype=torch.float64))
    checks.check_same_shape('a', torch.ones(2, 3), 'b', torch.zeros(2, 3))
    checks.check_camera('depth', torch.ones(3, 4), CAMERA)
    checks.check_color('color', torch.zeros(3, 4, 3, dtype=torch.uint8), 3, 4)
    checks.check_at_least('px', 0, 0)
    checks.check_one_of('mode', 'a', ('a', 'b'))


def test_bad_input_is_named_in_one_line(subtests):
    cases = [
        (
            lambda: checks.check_map('depth', np.ones((1, 1, 3, 4))),
            r'depth: expected a torch tensor, got ndarray',
        ),
        (
            lambda: checks.check_map('depth', torch.ones(3, 4)),
            r'depth: expected shape \(batch, 1, rows, columns\), got \(3, 4\)',
        ),
        (lambda: checks.check_map('depth', torch.ones(1, 3, 3, 4)), r'got \(1, 3, 3, 4\)'),
        (lambda: checks.check_map('depth', torch.ones(1, 1, 0, 4)), r'has no pixels'),
        (
            lambda: checks.check_map('depth', torch.ones(1, 1, 3, 4, dtype=torch.int32)),
            r'expected floating point, got torch.int32',
        ),
        (
            lambda: checks.check_plane('gt', torch.ones(1, 3, 4)),
            r'gt: expected shape \(rows, columns\), got \(1, 3, 4\)',
        ),
        (
            lambda: checks.check_same_shape('a', torch.ones(2, 3), 'b', torch.ones(3, 2)),
            r'a: shape \(2, 3\) differs from b \(3, 2\)',
        ),
        (
            lambda: checks.check_same_shape('a', torch.ones(2, device='meta'), 'b', torch.ones(2)),
            r'a is on meta, b on cpu',
        ),
        (
            lambda: checks.check_camera('depth', torch.ones(4, 3), CAMERA),
            r'depth: 3x4 pixels but the intrinsics are for 4x3',
        ),
        (
            lambda: checks.check_color('color', torch.zeros(3, 4, dtype=torch.uint8), 3, 4),
            r'expected shape \(3, 4, 3\), got \(3, 4\)',
        ),
        (
            lambda: checks.check_color('color', torch.zeros(3, 4, 3), 3, 4),
            r'expected uint8 colors in 0..255, got torch.float32',
        ),
        (lambda: checks.check_at_least('px', -1, 0), r'px = -1 must be at least 0'),
        (lambda: checks.check_at_least('px', float('nan'), 0), r'px = nan'),
        (
            lambda: checks.check_one_of('mode', 'c', ('a', 'b')),
            r"mode = 'c' is unknown; use one of a, b",
        ),
    ]
    for call, message in cases:
        with subtests.test(message=message):
            with pytest.raises(InputError, match=message) as error:
                call()
            assert '\n' not in str(error.value)


def test_masks_are_asked_on_the_cpu_alone():
    mask = torch.tensor([[True, False]])
    assert checks.surely_everywhere(mask[:, :1])
    assert not checks.surely_everywhere(mask)
    assert checks.surely_somewhere(mask)
    assert not checks.surely_somewhere(mask[:, 1:])
    elsewhere = torch.ones(2, 2, dtype=torch.bool, device='meta')  # raises where it is asked
    assert not checks.surely_everywhere(elsewhere)
    assert not checks.surely_somewhere(elsewhere)


def test_finite_is_isfinite():
    values = torch.tensor([0.0, -0.0, -3.5, 3.4e38, 1e-45, torch.inf, -torch.inf, torch.nan])
    assert torch.equal(checks.finite(values), torch.isfinite(values))
    assert torch.equal(checks.finite(values.half()), torch.isfinite(values.half()))


def test_numbers_everywhere_are_seen_by_their_sum():
    values = torch.rand(1, 1, 3, 4)
    assert checks.surely_finite(values)
    for odd in (torch.nan, torch.inf, -torch.inf):
        values[0, 0, 1, 2] = odd
        assert not checks.surely_finite(values)
    values[0, 0, 1, 2], values[0, 0, 0, 0] = torch.inf, -torch.inf
    assert not checks.surely_finite(values), 'infinities do not cancel'
    assert not checks.surely_finite(torch.ones(1, 1, 2, 2, device='meta'))


def test_masked_is_where_without_a_needless_pass():
    values, other = torch.rand(1, 1, 3, 4), torch.rand(1, 1, 3, 4)
    some = values > 0.5
    assert torch.equal(checks.masked(values, some, other), torch.where(some, values, other))
    assert torch.equal(checks.masked(values, some, 0.0), torch.where(some, values, 0.0))
    assert checks.masked(values, torch.ones_like(some), other) is values
