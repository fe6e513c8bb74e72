# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.alignment import fit_robust, fit_scale, fit_scale_shift
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import FitStatus
import pytest
import torch

FITS = pytest.mark.parametrize('fit', [fit_scale_shift, fit_robust])


def random_map(seed, batch=2, height=24, width=32, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 1, height, width, generator=generator, dtype=dtype)


def line(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype).view(1, 1, 1, -1)


def test_hand_computed_line():
    # x = 0 1 2 3, y = 1 3 2 4: slope (Sxy 4) / (Sxx 5) = 0.8, offset 2.5 - 0.8 * 1.5 = 1.3,
    # residuals -0.3 0.9 -0.9 0.3 -> mean square 1.8 / 4 = 0.45.
    fit = fit_scale_shift(line(0, 1, 2, 3), line(1, 3, 2, 4), min_pixels=2)
    assert fit.scale_B.item() == pytest.approx(0.8)
    assert fit.shift_B.item() == pytest.approx(1.3)
    assert fit.rmse_B.item() == pytest.approx(0.45**0.5)
    assert fit.inliers_B.item() == 4
    assert fit.ok_B.item()


def test_hand_computed_weights():
    # Weight 2 equals the pixel given twice: x = 0 1 1, y = 0 1 1 and the outlier weighs 0.
    fit = fit_scale_shift(line(0, 1, 2, 5), line(0, 1, 4, -9), line(1, 2, 1, 0), min_pixels=2)
    # means 1 and 1.5; Sxx = 1 + 0 + 1 = 2, Sxy = 1.5 + 0 + 2.5 = 4 -> slope 2, offset -0.5.
    assert fit.scale_B.item() == pytest.approx(2.0)
    assert fit.shift_B.item() == pytest.approx(-0.5)
    assert fit.inliers_B.item() == 3


@FITS
def test_affine_map_is_recovered_per_image(fit):
    prediction = random_map(0)
    scale, shift = torch.tensor([2.5, 0.3]), torch.tensor([0.7, -4.0])
    target = scale.view(-1, 1, 1, 1) * prediction + shift.view(-1, 1, 1, 1)
    result = fit(prediction, target)
    torch.testing.assert_close(result.scale_B, scale, rtol=1e-5, atol=0)
    torch.testing.assert_close(result.shift_B, shift, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(result.apply(prediction), target, rtol=1e-5, atol=1e-5)
    assert result.rmse_B.max() < 1e-5
    assert result.inliers_B.tolist() == [24 * 32, 24 * 32], 'rounding is no outlier'
    assert result.status_B.tolist() == [FitStatus.OK, FitStatus.OK]


def test_normalised_depth_comes_back_in_metres():
    depth_m = 0.5 + 9.0 * random_map(1)
    low, high = depth_m.amin(), depth_m.amax()
    normalised = 2 * (depth_m - low) / (high - low) - 1
    restored_m = fit_scale_shift(normalised, depth_m).apply(normalised)
    torch.testing.assert_close(restored_m, depth_m, rtol=1e-5, atol=1e-5)


def test_float32_far_from_zero_keeps_its_slope():
    prediction = 1000.0 + random_map(2)
    fit = fit_scale_shift(prediction, 3.0 * (prediction - 1000.0) + 2.0)
    torch.testing.assert_close(fit.scale_B, torch.full((2,), 3.0), rtol=1e-4, atol=0)


@FITS
def test_masked_and_missing_pixels_do_not_matter(fit):
    prediction = random_map(3)
    target = 2.0 * prediction + 1.0
    mask = torch.ones_like(prediction, dtype=torch.bool)
    mask[..., :8] = False
    target[..., :8] = 1e6
    target[..., 8:10] = torch.nan
    prediction[..., 10:12] = torch.inf
    result = fit(prediction, target, mask)
    torch.testing.assert_close(result.scale_B, torch.full((2,), 2.0), rtol=1e-5, atol=0)
    torch.testing.assert_close(result.shift_B, torch.full((2,), 1.0), rtol=1e-5, atol=0)
    if fit is fit_scale_shift:
        assert result.inliers_B.tolist() == [24 * 20, 24 * 20]


def test_bad_weights_leave_their_pixel_out():
    fit = fit_scale_shift(
        line(0, 1, 2, 3, 4, 5),
        line(0, 2, 4, 99, 99, 99),
        line(1, 1, 1, -1, torch.nan, torch.inf),
        min_pixels=3,
    )
    assert fit.inliers_B.item() == 3
    assert fit.scale_B.item() == pytest.approx(2.0)


@FITS
def test_ill_posed_input_gives_identity_and_a_reason(fit, subtests):
    cases = [
        (lambda x, y: (torch.full_like(x, 3.3), y), FitStatus.CONSTANT),
        (lambda x, y: (torch.zeros_like(x), y), FitStatus.CONSTANT),
        (lambda x, y: (x, -y), FitStatus.NEGATIVE_SCALE),
        (lambda x, y: (x, torch.full_like(y, 3.3)), FitStatus.NEGATIVE_SCALE),
        (lambda x, y: (x, torch.full_like(y, torch.nan)), FitStatus.TOO_FEW),
        (lambda x, y: (x * 1e30, y), FitStatus.NOT_FINITE),
    ]
    for change, status in cases:
        with subtests.test(status=status):
            prediction = random_map(4)
            good = fit(prediction, 2 * prediction + 1)
            bad_prediction, bad_target = change(prediction[1:], 2 * prediction[1:] + 1)
            result = fit(
                torch.cat([prediction[:1], bad_prediction]),
                torch.cat([2 * prediction[:1] + 1, bad_target]),
            )
            assert result.status_B.tolist() == [FitStatus.OK, status]
            assert result.scale_B[1] == 1.0
            assert result.shift_B[1] == 0.0
            torch.testing.assert_close(result.scale_B[0], good.scale_B[0])
            if status is FitStatus.TOO_FEW:
                assert torch.isnan(result.rmse_B[1])


def test_negative_scale_is_used_where_allowed():
    prediction = random_map(5)
    fit = fit_scale_shift(prediction, 1 - 2 * prediction, positive=False)
    torch.testing.assert_close(fit.scale_B, torch.full((2,), -2.0), rtol=1e-5, atol=0)
    assert fit.ok_B.all()


def test_fewer_pixels_than_asked_for():
    mask = torch.zeros(2, 1, 24, 32, dtype=torch.bool)
    mask[0, 0, 0, :31] = True
    mask[1, 0, 0, :32] = True
    fit = fit_scale_shift(random_map(6), random_map(6), mask, min_pixels=32)
    assert fit.status_B.tolist() == [FitStatus.TOO_FEW, FitStatus.OK]
    assert fit.inliers_B.tolist() == [31, 32]


def test_stride_looks_at_every_nth_pixel_only():
    prediction = random_map(7)
    target = torch.full_like(prediction, torch.nan)
    target[..., ::3, ::3] = 4 * prediction[..., ::3, ::3] - 1
    fit = fit_scale_shift(prediction, target, stride=3)
    assert fit.inliers_B.tolist() == [8 * 11, 8 * 11]
    torch.testing.assert_close(fit.scale_B, torch.full((2,), 4.0), rtol=1e-5, atol=0)


def test_robust_fit_shrugs_off_outliers():
    prediction = random_map(8)
    noise_m = 0.01 * (random_map(9) - 0.5)
    target = 2.0 * prediction + 1.0 + noise_m
    outliers = random_map(10) < 0.2
    target = torch.where(outliers, target + 8.0 * random_map(11), target)
    plain, robust = fit_scale_shift(prediction, target), fit_robust(prediction, target)
    assert (plain.shift_B - 1.0).abs().min() > 0.3
    torch.testing.assert_close(robust.scale_B, torch.full((2,), 2.0), rtol=0, atol=0.01)
    torch.testing.assert_close(robust.shift_B, torch.full((2,), 1.0), rtol=0, atol=0.01)
    assert (robust.inliers_B <= (~outliers).sum(dim=(1, 2, 3))).all()
    assert (robust.inliers_B >= 0.7 * (~outliers).sum(dim=(1, 2, 3))).all()
    assert robust.rmse_B.max() < 0.01


def test_robust_fit_keeps_the_plain_fit_where_a_round_is_ill_posed():
    # Twenty pixels at x = 0 agree, two at x = 1 disagree with each other: without those two the
    # prediction is constant. Plain: slope (3 + 9) / 2 - 1 = 5 from offset 1.
    prediction = line(*[0.0] * 20, 1.0, 1.0)
    target = line(*[0.99, 1.01] * 10, 3.0, 9.0)
    robust = fit_robust(prediction, target, min_pixels=6)
    assert robust.ok_B.item()
    assert robust.scale_B.item() == pytest.approx(5.0)
    assert robust.inliers_B.item() == 22


@FITS
def test_gradient_is_exact(fit):
    prediction = random_map(12, height=4, width=5, dtype=torch.float64).requires_grad_()
    target = (
        1.5 * random_map(13, height=4, width=5, dtype=torch.float64) + prediction.detach()
    ).requires_grad_()
    mask = random_map(14, height=4, width=5) > 0.2

    def restored(x, y):
        # The MSE-optimal map is a smooth function of both as long as the same pixels take part.
        result = fit(x, y, mask, min_pixels=4, **({'cut': 50.0} if fit is fit_robust else {}))
        return result.apply(x)

    assert torch.autograd.gradcheck(restored, (prediction, target))


@FITS
def test_gradient_stays_finite_with_missing_and_ill_posed_images(fit):
    prediction = random_map(15, batch=4)
    target = prediction + random_map(16, batch=4)
    target[0, 0, :5] = torch.nan
    prediction[0, 0, 5:8] = torch.inf
    prediction[1] = 2.0
    target[2] = torch.nan
    target[3] = -prediction[3]
    prediction.requires_grad_()
    result = fit(prediction, target, min_pixels=8)
    (result.scale_B.sum() + result.shift_B.sum()).backward()
    assert torch.isfinite(prediction.grad).all()
    assert prediction.grad[1:].abs().max() == 0
    assert prediction.grad[0, 0, 9:].abs().max() > 0
    assert prediction.grad[0, 0, :8].abs().max() == 0


def test_bad_arguments_are_named(subtests):
    cases = [
        (
            lambda: fit_scale_shift(torch.ones(4, 4), torch.ones(4, 4)),
            'prediction: expected shape',
        ),
        (lambda: fit_scale_shift(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 5)), 'target: shape'),
        (
            lambda: fit_scale_shift(
                torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2)
            ),
            'weight: shape',
        ),
        (
            lambda: fit_scale_shift(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), stride=0),
            'stride',
        ),
        (lambda: fit_robust(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), cut=0.5), 'cut = 0.5'),
    ]
    for call, message in cases:
        with subtests.test(message=message), pytest.raises(InputError, match=message):
            call()


@FITS
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_input_is_fitted_in_float32(fit, dtype):
    prediction = (300 * random_map(18, height=48, width=64)).to(dtype)
    target = 4 * prediction.float() + 100
    result = fit(prediction, target)
    assert result.scale_B.dtype == torch.float32
    torch.testing.assert_close(result.scale_B, torch.full((2,), 4.0), rtol=1e-4, atol=0)
    torch.testing.assert_close(result.shift_B, torch.full((2,), 100.0), rtol=1e-4, atol=0)


def test_agrees_with_a_general_solver_at_any_weights():
    x, y, weight = (random_map(seed, batch=1, dtype=torch.float64) for seed in (19, 20, 21))
    y = y + x
    root = weight.flatten().sqrt()[:, None]
    design = torch.stack([x.flatten(), torch.ones_like(x).flatten()], dim=1)
    expected = torch.linalg.lstsq(root * design, root * y.flatten()[:, None]).solution.flatten()
    fit = fit_scale_shift(x, y, weight)
    torch.testing.assert_close(torch.cat([fit.scale_B, fit.shift_B]), expected)


@FITS
def test_nothing_waits_for_the_device(fit):
    # Meta tensors have no values: any .item(), bool() or boolean index on the way would raise.
    maps = torch.empty(2, 1, 24, 32, device='meta')
    result = fit(maps, maps, maps > 0)
    assert result.scale_B.shape == (2,)


def test_scale_alone_is_fitted_to_a_handful_of_pixels():
    depth = torch.rand(2, 1, 20, 30) + 1.0
    anchors = torch.full_like(depth, torch.nan)
    anchors[:, 0, 3, 4:9] = 1.25 * depth[:, 0, 3, 4:9]
    anchors[0, 0, 3, 4] = 9.0  # an outlier
    anchors[1, 0, 3, 4] = torch.nan
    fit = fit_scale(depth, anchors)
    assert fit.status_B.tolist() == [FitStatus.OK, FitStatus.TOO_FEW]
    assert fit.inliers_B.tolist() == [5, 4]
    torch.testing.assert_close(fit.scale_B, torch.tensor([1.25, 1.0]))
    assert fit.shift_B.tolist() == [0.0, 0.0]


def test_numbers_that_are_no_depth_do_not_take_part_in_the_scale():
    depth = torch.full((1, 1, 4, 5), 2.0)
    anchors = torch.full((1, 1, 4, 5), 3.0)
    depth[0, 0, 0], anchors[0, 0, 1] = -1.0, 0.0
    anchors[0, 0, 2, :2] = torch.tensor([torch.inf, -torch.inf])
    fit = fit_scale(depth, anchors)
    assert fit.inliers_B.tolist() == [8]
    assert float(fit.scale_B) == pytest.approx(1.5)
    assert float(fit.rmse_B) == pytest.approx(0.0, abs=1e-6)
