# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.alignment import fit_scale_shift
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.metric_alignment import (
    FARTHEST_M,
    from_disparity,
    NEAREST_M,
    to_metres,
)
from depth_refiner_ros.core.types import FitStatus
import pytest
import torch


def metres(batch=2, height=24, width=32):
    generator = torch.Generator().manual_seed(0)
    return 0.5 + 9.5 * torch.rand(batch, 1, height, width, generator=generator)


@pytest.mark.parametrize('fit', [None, fit_scale_shift])
@pytest.mark.parametrize('kind', ['relative', 'disparity', 'metric', 'log'])
def test_metres_come_back_exactly_from_any_scale_and_shift(kind, fit):
    truth = metres()
    values = {'disparity': 1.0 / truth, 'log': (1.0 + truth).log()}.get(kind, truth)
    given = values * torch.tensor([0.02, 30.0]).view(2, 1, 1, 1) - 7.0
    found, status = to_metres(given, kind, truth, **({} if fit is None else {'fit': fit}))
    torch.testing.assert_close(found, truth, rtol=2e-3, atol=1e-3)
    assert status.status_B.tolist() == [FitStatus.OK, FitStatus.OK]


def test_disparity_is_not_fitted_as_depth():
    truth = metres(1)
    wrong, _ = to_metres(1.0 / truth, 'relative', truth)
    assert float((wrong / truth - 1.0).abs().max()) > 0.5


@pytest.mark.parametrize('kind', ['relative', 'disparity'])
def test_pixels_that_are_left_out_have_no_say(kind):
    truth = metres(1)
    values = (1.0 / truth if kind == 'disparity' else truth) * 3.0 + 1.0
    weight = torch.ones_like(truth).bool()
    weight[..., :16] = False
    spoilt = torch.where(weight, truth, 99.0 * truth.square())
    found, status = to_metres(values, kind, spoilt, weight, fit=fit_scale_shift)
    torch.testing.assert_close(found, truth, rtol=2e-3, atol=1e-3)
    assert status.inliers_B.tolist() == [24 * 16]


def test_a_sparse_reference_is_enough():
    truth = metres(1)
    sparse = torch.full_like(truth, math.nan)
    sparse[..., ::4, ::4] = truth[..., ::4, ::4]
    found, _ = to_metres(0.1 / truth + 0.5, 'disparity', sparse)
    torch.testing.assert_close(found, truth, rtol=2e-3, atol=1e-3)


def test_beyond_infinity_is_far_and_unknown_stays_unknown():
    disparity = torch.tensor([[[[0.5, 0.0, -2.0, math.nan]]]])
    depth = from_disparity(disparity)
    assert depth[0, 0, 0, :3].tolist() == pytest.approx([2.0, FARTHEST_M, FARTHEST_M])
    assert bool(torch.isnan(depth[0, 0, 0, 3]))


def test_log_depth_ends_at_a_millimetre_and_a_kilometre():
    truth = metres(1)
    given = truth.log1p()
    given[..., 0, :3] = torch.tensor([-3.0, 100.0, math.nan])
    found, _ = to_metres(given, 'log', truth)
    assert found[0, 0, 0, :2].tolist() == pytest.approx([NEAREST_M, FARTHEST_M])
    assert bool(found[0, 0, 0, 2].isnan())


def test_log_depth_is_not_fitted_as_depth():
    truth = metres(1)
    wrong, _ = to_metres(truth.log1p(), 'relative', truth)
    assert float((wrong / truth - 1.0).abs().max()) > 0.2


def test_ill_posed_fits_are_told():
    truth = metres(3)
    given = truth.clone()
    given[0] = 4.0
    given[1] *= -1.0
    truth[2] = math.nan
    _, status = to_metres(given, 'relative', truth)
    assert status.status_B.tolist() == [
        FitStatus.CONSTANT,
        FitStatus.NEGATIVE_SCALE,
        FitStatus.TOO_FEW,
    ]


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: to_metres(metres(), 'cubic', metres()), "kind = 'cubic' is unknown"),
        (lambda: to_metres(metres(1), 'relative', metres(2)), 'reference: shape'),
        (lambda: to_metres(metres()[0], 'relative', metres()), 'depth: expected shape'),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
