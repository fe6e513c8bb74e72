# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The scale-shift fit: target ~ scale * prediction + shift, one per image.

Weighted least squares in closed form, batched and differentiable; the same function serves
losses, evaluation and the robot. Values are centred before they are squared, so that float32
input far from zero loses no accuracy; torch sums float32 in cascades, so that a million pixels
cost one digit at most. There is no boolean indexing: excluded pixels have weight 0, so the cost
is fixed and nothing waits for the GPU.
"""

from depth_refiner_ros.core.checks import check_at_least, check_map, check_same_shape
from depth_refiner_ros.core.types import FitStatus, ScaleShift
import torch

FLAT = 1e-6
"""Relative spread below which a map counts as constant: ten times float32's resolution."""
MEDIAN_SAMPLES = 8192
"""Number of residuals for the median, whose error is then about 1 % of their spread."""


def fit_scale_shift(
    prediction_B1HW: torch.Tensor,
    target_B1HW: torch.Tensor,
    weight_B1HW: torch.Tensor | None = None,
    *,
    min_pixels: int = 32,
    positive: bool = True,
    stride: int = 1,
) -> ScaleShift:
    """
    Fit scale and shift by weighted least squares (SharpDepth 'restore metres', ApDepth eq. 19).

    :param prediction_B1HW: values known up to scale and shift; NaN and inf are left out
    :param target_B1HW: values to fit to, usually metres; NaN and inf are left out
    :param weight_B1HW: bool mask or weights; pixels with weight <= 0, NaN or inf are left out
    :param min_pixels: fewer sampled pixels than this give ``TOO_FEW``
    :param positive: report a scale <= 0 as ``NEGATIVE_SCALE`` instead of using it
    :param stride: look at every ``stride``-th row and column only
    :return: the fit; scale 1 and shift 0 if its status is not ``OK``
    :raises InputError: if shapes or dtypes do not match
    """
    x_BN, y_BN, weight_BN = _samples(prediction_B1HW, target_B1HW, weight_B1HW, stride)
    return _solve(x_BN, y_BN, weight_BN, min_pixels, positive)


def fit_robust(
    prediction_B1HW: torch.Tensor,
    target_B1HW: torch.Tensor,
    weight_B1HW: torch.Tensor | None = None,
    *,
    min_pixels: int = 32,
    positive: bool = True,
    stride: int = 1,
    rounds: int = 4,
    cut: float = 3.0,
) -> ScaleShift:
    """
    Fit, then re-fit on the pixels whose residual is at most ``cut`` median absolute residuals.

    The selection of pixels has no gradient. An ill-posed re-fit is discarded, so the result is
    never worse posed than the plain fit. Parameters are those of :func:`fit_scale_shift`, and:

    :param rounds: re-fits after the plain one
    :param cut: multiple of the median absolute residual (3 is two sigma of Gaussian noise)
    :return: the last usable fit, with the number of its pixels as ``inliers_B``
    :raises InputError: if shapes or dtypes do not match, or ``cut`` is below 1
    """
    check_at_least('cut', cut, 1.0)
    x_BN, y_BN, weight_BN = _samples(prediction_B1HW, target_B1HW, weight_B1HW, stride)
    fit = _solve(x_BN, y_BN, weight_BN, min_pixels, positive)
    for _ in range(rounds):
        kept_BN = weight_BN * _inliers(fit, x_BN, y_BN, weight_BN, cut)
        fit = preferred(_solve(x_BN, y_BN, kept_BN, min_pixels, positive), fit)
    return fit


def fit_scale(
    prediction_B1HW: torch.Tensor, target_B1HW: torch.Tensor, *, min_pixels: int = 5
) -> ScaleShift:
    """
    Fit the scale alone by the median of target / prediction, for a handful of pixels.

    :param prediction_B1HW: metres; only positive numbers count
    :param target_B1HW: metres; only positive numbers count
    :param min_pixels: fewer common pixels than this give ``TOO_FEW``
    :return: the fit; scale 1 if its status is not ``OK``
    :raises InputError: if shapes do not match
    """
    check_map('prediction', prediction_B1HW)
    check_same_shape('target', target_B1HW, 'prediction', prediction_B1HW)
    x_BN, y_BN = prediction_B1HW.detach().flatten(1).float(), target_B1HW.flatten(1).float()
    log_BN = y_BN.log() - x_BN.log()
    usable_BN = torch.isfinite(log_BN)
    log_BN = torch.where(usable_BN, log_BN, torch.nan)
    inliers_B = usable_BN.sum(dim=1)
    enough_B = inliers_B >= min_pixels
    scale_B = torch.where(enough_B, log_BN.nanmedian(dim=1).values.exp(), 1.0)
    residual_BN = torch.where(usable_BN, y_BN - scale_B[:, None] * x_BN, 0.0)
    mean_square_B = residual_BN.square().sum(dim=1) / inliers_B
    return ScaleShift(
        scale_B=scale_B,
        shift_B=torch.zeros_like(scale_B),
        inliers_B=inliers_B,
        rmse_B=mean_square_B.sqrt(),
        status_B=torch.where(enough_B, int(FitStatus.OK), int(FitStatus.TOO_FEW)),
    )


def preferred(first: ScaleShift, second: ScaleShift) -> ScaleShift:
    """Return the first fit where it is usable, else the second one."""
    ok_B = first.ok_B
    return ScaleShift(
        scale_B=torch.where(ok_B, first.scale_B, second.scale_B),
        shift_B=torch.where(ok_B, first.shift_B, second.shift_B),
        inliers_B=torch.where(ok_B, first.inliers_B, second.inliers_B),
        rmse_B=torch.where(ok_B, first.rmse_B, second.rmse_B),
        status_B=torch.where(ok_B, first.status_B, second.status_B),
    )


def identity_fit(like_B1HW: torch.Tensor) -> ScaleShift:
    """Return the identity fit."""
    batch, pixels = like_B1HW.shape[0], like_B1HW[0].numel()
    zeros = like_B1HW.new_zeros(batch)
    counts = torch.zeros(batch, dtype=torch.int64, device=like_B1HW.device)
    return ScaleShift(
        scale_B=zeros + 1.0,
        shift_B=zeros,
        inliers_B=counts + pixels,
        rmse_B=zeros,
        status_B=counts + int(FitStatus.OK),
    )


def _samples(
    prediction_B1HW: torch.Tensor,
    target_B1HW: torch.Tensor,
    weight_B1HW: torch.Tensor | None,
    stride: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Flatten to (B, N); excluded pixels get value 0 and weight 0."""
    check_map('prediction', prediction_B1HW)
    check_same_shape('target', target_B1HW, 'prediction', prediction_B1HW)
    check_map('target', target_B1HW)
    check_at_least('stride', stride, 1)
    # Not in half precision, in which squares and sums of metres overflow or round.
    dtype = torch.promote_types(
        torch.promote_types(prediction_B1HW.dtype, target_B1HW.dtype), torch.float32
    )
    x_BN = _flatten(prediction_B1HW, stride).to(dtype)
    y_BN = _flatten(target_B1HW, stride).to(dtype)
    # 0 * value is 0 for numbers and NaN for NaN and inf: a third of the cost of isfinite.
    finite_BN = x_BN.detach() * 0 + y_BN.detach() * 0 + 1
    if weight_B1HW is not None:
        check_same_shape('weight', weight_B1HW, 'prediction', prediction_B1HW)
        finite_BN = finite_BN * _flatten(weight_B1HW, stride).detach().to(dtype)
    weight_BN = torch.nan_to_num(finite_BN, nan=0.0, posinf=0.0, neginf=0.0).clamp_min(0)
    return _finite(x_BN), _finite(y_BN), weight_BN


def _flatten(map_B1HW: torch.Tensor, stride: int) -> torch.Tensor:
    return map_B1HW[..., ::stride, ::stride].flatten(1)


def _finite(values_BN: torch.Tensor) -> torch.Tensor:
    return torch.nan_to_num(values_BN, nan=0.0, posinf=0.0, neginf=0.0)


def _solve(
    x_BN: torch.Tensor,
    y_BN: torch.Tensor,
    weight_BN: torch.Tensor,
    min_pixels: int,
    positive: bool,
) -> ScaleShift:
    inliers_B = weight_BN.sign().sum(dim=1).long()
    total_B = _sum(weight_BN)
    total_B = torch.where(total_B > 0, total_B, 1.0)
    mean_x_B = _sum(weight_BN * x_BN) / total_B
    mean_y_B = _sum(weight_BN * y_BN) / total_B
    dx_BN = x_BN - mean_x_B.to(x_BN.dtype)[:, None]
    dy_BN = y_BN - mean_y_B.to(y_BN.dtype)[:, None]
    weighted_dx_BN = weight_BN * dx_BN
    var_x_B = _sum(weighted_dx_BN * dx_BN) / total_B
    cov_B = _sum(weighted_dx_BN * dy_BN) / total_B

    constant_B = var_x_B <= FLAT**2 * (var_x_B + mean_x_B**2)
    slope_B = cov_B / torch.where(constant_B, 1.0, var_x_B)
    offset_B = mean_y_B - slope_B * mean_x_B
    # A slope that explains less than the rounding of the target is not significant.
    vanishing_B = slope_B * var_x_B.sqrt() <= FLAT * mean_y_B.abs()
    status_B = _status(
        inliers_B < max(min_pixels, 2),
        constant_B,
        vanishing_B if positive else torch.zeros_like(vanishing_B),
        ~torch.isfinite(offset_B + var_x_B),
    )
    usable_B = status_B == int(FitStatus.OK)
    scale_B = torch.where(usable_B, slope_B, 1.0).to(x_BN.dtype)
    shift_B = torch.where(usable_B, offset_B, 0.0).to(x_BN.dtype)

    residual_BN = y_BN - (scale_B[:, None] * x_BN + shift_B[:, None])
    mean_square_B = _sum(weight_BN * residual_BN.detach() ** 2) / total_B
    rmse_B = torch.where(inliers_B > 0, mean_square_B, torch.nan).sqrt().to(x_BN.dtype)
    return ScaleShift(
        scale_B=scale_B, shift_B=shift_B, inliers_B=inliers_B, rmse_B=rmse_B, status_B=status_B
    )


def _sum(values_BN: torch.Tensor) -> torch.Tensor:
    return values_BN.sum(dim=1).double()


def _status(
    too_few_B: torch.Tensor,
    constant_B: torch.Tensor,
    negative_B: torch.Tensor,
    not_finite_B: torch.Tensor,
) -> torch.Tensor:
    """Return the first status that applies, in the order of the computation."""
    status_B = torch.full_like(too_few_B, int(FitStatus.OK), dtype=torch.int64)
    for reason, holds_B in (
        (FitStatus.NEGATIVE_SCALE, negative_B),
        (FitStatus.CONSTANT, constant_B),
        (FitStatus.NOT_FINITE, not_finite_B),
        (FitStatus.TOO_FEW, too_few_B),
    ):
        status_B = torch.where(holds_B, int(reason), status_B)
    return status_B


@torch.no_grad()
def _inliers(
    fit: ScaleShift, x_BN: torch.Tensor, y_BN: torch.Tensor, weight_BN: torch.Tensor, cut: float
) -> torch.Tensor:
    residual_BN = (y_BN - (fit.scale_B[:, None] * x_BN + fit.shift_B[:, None])).abs()
    # An odd step does not always hit the same column of an image of even width.
    step = max(1, residual_BN.shape[1] // MEDIAN_SAMPLES) | 1
    sample_BN = torch.where(weight_BN[:, ::step] > 0, residual_BN[:, ::step], torch.nan)
    median_B = torch.nan_to_num(sample_BN.nanmedian(dim=1).values)
    # Residuals of an exact fit are only rounding; without a floor, half of them would be cut.
    rounding_B = FLAT * y_BN.abs().amax(dim=1)
    return residual_BN <= (cut * median_B + rounding_B)[:, None]
