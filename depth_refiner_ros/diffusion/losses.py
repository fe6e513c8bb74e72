# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The losses of both papers as functions of maps and masks, each a mean over the mask."""

import torch
from torch.nn import functional

EPS = 1e-8


def masked_mean(values: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """Return the weighted mean; an all-zero weight gives 0, with gradient 0."""
    if weight is None:
        return values.mean()
    weight = weight.to(values.dtype).expand_as(values)
    return (values * weight).sum() / weight.sum().clamp_min(EPS)


def latent_mask(valid_B1HW: torch.Tensor, factor: int) -> torch.Tensor:
    """
    Shrink a validity mask to latent cells: one invalid pixel drops its cell (ApDepth B.4).

    :return: bool, B x 1 x h x w
    """
    return -functional.max_pool2d(-valid_B1HW.float(), factor) > 0.5


def latent_mse(
    latent: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the mean squared error of latents (ApDepth stage 2, phase 1)."""
    return masked_mean((latent - target).square(), weight)


def pixel_l1(
    depth: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
    *,
    rounding: float = 0.0,
) -> torch.Tensor:
    """
    Return the mean absolute error of decoded, unclipped normalised depth (B.4).

    :param rounding: errors below this are squared instead (Huber, in units of L1). With the sharp
        corner of L1, a network that starts as its prior is held there by the many pixels that
        are already right; 0 is the papers' L1
    """
    if rounding == 0.0:
        return masked_mean((depth - target).abs(), weight)
    huber = functional.huber_loss(depth, target, reduction='none', delta=rounding)
    return masked_mean(huber / rounding, weight)


def score_distillation(latent: torch.Tensor, teacher: torch.Tensor, weight: float) -> torch.Tensor:
    """
    Return the score distillation loss of clean latents (SharpDepth eq. 5).

    Its gradient at each element is weight * (latent - teacher) / elements; none reaches the
    teacher, and elements where the teacher is not finite have none.

    :param latent: z-hat, with gradient
    :param teacher: the frozen network's clean estimate of noised z-hat
    :param weight: w = 1 - alpha-bar of the timestep
    """
    gap = torch.nan_to_num(latent - teacher.detach(), nan=0.0, posinf=0.0, neginf=0.0)
    return 0.5 * weight * gap.square().mean()


def noise_aware_l1(
    depth: torch.Tensor,
    target: torch.Tensor,
    difference: torch.Tensor,
    *,
    mean_over: str = 'difference',
) -> torch.Tensor:
    """
    Return the L1 between maps in [-1, 1], moved to [0, 1], weighted by e (SharpDepth eq. 6).

    :param difference: e, detached; 0 also where the target is unknown
    :param mean_over: ``difference`` divides by the sum of e, as the official code does, or
        ``pixels`` by their number, as eq. 6 is written
    """
    error = 0.5 * (depth - target).abs()
    if mean_over == 'pixels':
        return (error * difference).mean()
    return masked_mean(error, difference)


def feature_alignment(features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """
    Return 1 - the mean cosine between feature vectors, 0 to 2 (ApDepth eqs. 10 and 11).

    :param features: adapted features of the UNet, B x C x h x w
    :param target: the encoder's, brought to the same size
    """
    return 1.0 - functional.cosine_similarity(features, target, dim=1).mean()


def gradient_l1(
    depth: torch.Tensor, target: torch.Tensor, valid: torch.Tensor, scales: int = 4
) -> torch.Tensor:
    """
    Return the mean absolute error of depth gradients over several scales (MegaDepth, eq. 5).

    :param valid: bool, same shape; a difference counts if both of its ends are valid
    """
    total = depth.new_zeros(())
    error = torch.where(valid, depth - target, 0.0)
    for level in range(scales):
        step = 2**level
        coarse, mask = error[..., ::step, ::step], valid[..., ::step, ::step]
        for dim in (-1, -2):
            pair = torch.diff(coarse, dim=dim).abs()
            length = mask.shape[dim] - 1
            both = mask.narrow(dim, 0, length) & mask.narrow(dim, 1, length)
            total = total + masked_mean(pair, both)
    return total / scales


def radial_weight(
    height: int, width: int, strength: float, *, device: torch.device | str = 'cpu'
) -> torch.Tensor:
    """
    Weigh shifted spectra by distance from their centre: 1 there, 1 + strength at the corner.

    ApDepth eq. 17; the centre is (height // 2, width // 2), as in the official code.
    """
    rows = torch.arange(height, device=device, dtype=torch.float32) - height // 2
    columns = torch.arange(width, device=device, dtype=torch.float32) - width // 2
    distance = (rows[:, None].square() + columns[None, :].square()).sqrt()
    return 1.0 + strength * distance / (distance.max() + EPS)


def fft_loss(
    values: torch.Tensor,
    target: torch.Tensor,
    *,
    strength: float = 0.6,
    valid: torch.Tensor | None = None,
    power: int = 1,
) -> torch.Tensor:
    """
    Compare magnitude spectra, with more weight on high frequencies (ApDepth eqs. 14 to 18).

    The paper uses decoded depth, the official code latents; here both are maps. Phase is ignored,
    so the loss does not detect circular shifts: it is used in addition to the spatial losses.

    :param valid: cells outside are zeroed in both maps
    :param power: p of the norm
    """
    if valid is not None:
        values, target = torch.where(valid, values, 0.0), torch.where(valid, target, 0.0)
    height, width = values.shape[-2:]
    weight = radial_weight(height, width, strength, device=values.device)
    dtype = torch.promote_types(
        values.dtype, torch.float32
    )  # there are no half-precision transforms
    spectra = [
        torch.fft.fftshift(torch.fft.fft2(item.to(dtype)).abs(), dim=(-2, -1))
        for item in (values, target)
    ]
    return (weight * (spectra[0] - spectra[1]).abs().pow(power)).mean()
