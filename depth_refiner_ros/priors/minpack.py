# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Least squares in one unknown per image, by the steps of MINPACK's lmder (More, 1978).

Where a fit ends depends on its steps if the error has no clear minimum, so that a method of our
own would not give the depth that a model's authors get. Here a whole batch takes its steps at
once, on the device, without waiting for it. The unknown is scaled by its steepest derivative so
far, as SciPy does from 1.16 on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from depth_refiner_ros.core.checks import surely_everywhere
import torch

STEPS = 20
FIRST_BOUND = 100.0
"""On the scaled length of the first step."""
SLACK = 0.1
"""Part by which a step may miss its bound."""
LEAST_GAIN = 1e-4
"""Part of the expected gain without which a step is not taken."""
NOTHING = 1e-14
"""Part of the first sum of squares that is rounding."""
TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class Squares:
    """
    A sum of squares at one value of the unknown.

    :param error_B: the sum
    :param slope_B: half its derivative
    :param curve_B: sum of the squared derivatives of all residuals
    """

    error_B: torch.Tensor
    slope_B: torch.Tensor
    curve_B: torch.Tensor

    def replaced(self, where_B: torch.Tensor, other: 'Squares') -> 'Squares':
        """Return these sums, and those of another value for some images."""
        return Squares(
            error_B=torch.where(where_B, other.error_B, self.error_B),
            slope_B=torch.where(where_B, other.slope_B, self.slope_B),
            curve_B=torch.where(where_B, other.curve_B, self.curve_B),
        )


@dataclass(frozen=True, kw_only=True)
class Step:
    """
    A step of Levenberg and Marquardt.

    :param step_B: change of the unknown
    :param length_B: its scaled length
    :param damping_B: added to the curve, in scaled units; 0 for a step of Gauss and Newton
    """

    step_B: torch.Tensor
    length_B: torch.Tensor
    damping_B: torch.Tensor


def least(
    sums: Callable[[torch.Tensor], Squares], start_B: torch.Tensor, enough: float
) -> torch.Tensor:
    """
    Return the values of the unknown at which the steps from a start end.

    :param sums: sums of squares of each image
    :param start_B: fp64
    :param enough: a step ends the search that changes the sum by less than this part of it, and
        was expected to
    """
    value_B, best = start_B, sums(start_B)
    rounding_B = NOTHING * best.error_B
    scale_B = torch.zeros_like(value_B)
    bound_B = torch.full_like(value_B, FIRST_BOUND)
    damping_B, done_B = scale_B, scale_B > 0.0
    for number in range(STEPS):
        scale_B = torch.maximum(scale_B, best.curve_B.sqrt()).clamp_min(TINY)
        step = _step(best, scale_B, bound_B, damping_B)
        if number == 0:
            bound_B = torch.minimum(bound_B, step.length_B)
        trial = sums(value_B + step.step_B)
        error_B = best.error_B.clamp_min(TINY)
        close_B = 0.01 * trial.error_B < error_B
        gain_B = torch.where(close_B, 1.0 - trial.error_B / error_B, -1.0)
        # The expected gain has two parts: that of the linear model, and what damping cost.
        linear_B = best.curve_B * step.step_B.square() / error_B
        cost_B = step.damping_B * step.length_B.square() / error_B
        expected_B = linear_B + 2.0 * cost_B
        ratio_B = torch.where(expected_B > 0.0, gain_B / expected_B.clamp_min(TINY), 0.0)
        bound_B, damping_B = _bounded(
            bound_B, step, ratio_B, _shorter(gain_B, linear_B + cost_B, close_B)
        )
        better_B = (ratio_B >= LEAST_GAIN) & ~done_B
        value_B = torch.where(better_B, value_B + step.step_B, value_B)
        best = best.replaced(better_B, trial)
        done_B = done_B | (best.error_B <= rounding_B)
        done_B = done_B | ((gain_B.abs() <= enough) & (expected_B <= enough) & (ratio_B <= 2.0))
        if surely_everywhere(done_B):
            break
    return value_B


def _step(
    best: Squares, scale_B: torch.Tensor, bound_B: torch.Tensor, damping_B: torch.Tensor
) -> Step:
    """Return the step to the least error of the linear model within the bound."""
    force_B = best.slope_B.abs() / scale_B
    stiffness_B = best.curve_B / scale_B.square()

    def length_at(damping_B: torch.Tensor) -> torch.Tensor:
        return force_B / (stiffness_B + damping_B).clamp_min(TINY)

    free_B = length_at(torch.zeros_like(damping_B))
    exact_B = force_B / bound_B.clamp_min(TINY) - stiffness_B
    # The damping of the step before is good enough if it misses the bound by little.
    earlier_B = torch.maximum(damping_B, exact_B)
    earlier_B = torch.minimum(earlier_B, force_B / bound_B.clamp_min(TINY))
    near_B = (length_at(earlier_B) - bound_B).abs() <= SLACK * bound_B
    chosen_B = torch.where(near_B, earlier_B, exact_B)
    chosen_B = torch.where(free_B <= (1.0 + SLACK) * bound_B, 0.0, chosen_B)
    length_B = length_at(chosen_B)
    return Step(
        step_B=-best.slope_B.sign() * length_B / scale_B, length_B=length_B, damping_B=chosen_B
    )


def _shorter(gain_B: torch.Tensor, falling_B: torch.Tensor, close_B: torch.Tensor) -> torch.Tensor:
    """Return the factor of the bound after a poor step, by a parabola through what was found."""
    parabola_B = 0.5 * falling_B / (falling_B - 0.5 * gain_B).clamp_min(TINY)
    parabola_B = torch.where(gain_B >= 0.0, 0.5, parabola_B)
    return torch.where(close_B, parabola_B.clamp_min(0.1), 0.1)


def _bounded(
    bound_B: torch.Tensor, step: Step, ratio_B: torch.Tensor, shorter_B: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return bound and damping of the next step: farther after a good one, else less far."""
    poor_B = ratio_B <= 0.25
    good_B = ~poor_B & ((step.damping_B == 0.0) | (ratio_B >= 0.75))
    nearer_B = shorter_B * torch.minimum(bound_B, 10.0 * step.length_B)
    farther_B = torch.where(good_B, 2.0 * step.length_B, bound_B)
    factor_B = torch.where(poor_B, 1.0 / shorter_B, torch.where(good_B, 0.5, 1.0))
    return torch.where(poor_B, nearer_B, farther_B), factor_B * step.damping_B
