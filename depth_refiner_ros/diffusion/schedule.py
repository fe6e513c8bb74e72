# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The part of Stable Diffusion 2's noise schedule that a one-step network needs."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.model_spec import ModelSpec
import torch

STEPS = 1000
FIRST_BETA, LAST_BETA = 0.00085, 0.012
SCHEDULE = {
    'num_train_timesteps': STEPS,
    'beta_schedule': 'scaled_linear',
    'beta_start': FIRST_BETA,
    'beta_end': LAST_BETA,
}
PREDICTIONS = {'sample': 'sample', 'v': 'v_prediction'}
"""Names of the predictions in the spec and in diffusers."""


@cache
def alpha_bars(*, zero_snr: bool = False) -> torch.Tensor:
    """
    Return the cumulative signal share of all 1000 steps: scaled linear betas, float64.

    :param zero_snr: shift and scale the square root so that the last step contains no signal
        (Lin et al. 2024), as Marigold v1-1 was trained
    """
    betas = torch.linspace(
        FIRST_BETA**0.5, LAST_BETA**0.5, STEPS, dtype=torch.float64, device='cpu'
    ).square()
    share = (1.0 - betas).cumprod(0)
    if zero_snr:
        root = share.sqrt()
        share = ((root - root[-1]) * root[0] / (root[0] - root[-1])).square()
    return share


@cache
def alpha_bar(timestep: int, *, zero_snr: bool = False) -> float:
    """Return the signal share of one timestep, see :func:`alpha_bars`."""
    return float(alpha_bars(zero_snr=zero_snr)[timestep])


def clean_from_v(noisy_BChw: torch.Tensor, v_BChw: torch.Tensor, share: float) -> torch.Tensor:
    """
    Return x0 from v: sqrt(share) x_t - sqrt(1 - share) v; at zero SNR this is -v.

    :param noisy_BChw: x_t
    :param v_BChw: the network's output
    :param share: alpha-bar of the step
    """
    return share**0.5 * noisy_BChw - (1.0 - share) ** 0.5 * v_BChw


def after_one_step(
    noisy_BChw: torch.Tensor, v_BChw: torch.Tensor, share: float, first_share: float
) -> torch.Tensor:
    """
    Return the result of one DDIM step from a late timestep to the first one.

    :param noisy_BChw: x_t
    :param v_BChw: the network's output
    :param share: alpha-bar of t
    :param first_share: alpha-bar of the first timestep; at 1 this is :func:`clean_from_v`
    """
    clean = clean_from_v(noisy_BChw, v_BChw, share)
    noise = share**0.5 * v_BChw + (1.0 - share) ** 0.5 * noisy_BChw
    return first_share**0.5 * clean + (1.0 - first_share) ** 0.5 * noise


def check_scheduler(config: Mapping[str, Any], spec: ModelSpec) -> None:
    """
    Compare a released scheduler's configuration with a spec.

    A misread output fails silently: v taken for x0 still gives a depth map.

    :param config: ``scheduler/scheduler_config.json``
    :raises WeightsError: if prediction type, betas or terminal SNR differ
    """
    expected = {**SCHEDULE, 'rescale_betas_zero_snr': spec.zero_snr}
    if spec.prediction in PREDICTIONS:
        expected['prediction_type'] = PREDICTIONS[spec.prediction]
    found = {'prediction_type': 'epsilon', 'rescale_betas_zero_snr': False, **config}
    for key, value in expected.items():
        if found.get(key) != value:
            raise WeightsError(
                f'scheduler: {key} is {shown(found.get(key))}, the spec needs '
                f'{shown(value)}; these weights are of another kind'
            )
