# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Muon: momentum whose matrices are orthogonalised before they are applied.

K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the step is
scaled to the size of an Adam step as Liu et al., arXiv 2502.16982, section 2.2, so that learning
rates carry over. Convolutions count as matrices of (outputs, inputs x rows x columns). PyTorch's
own Muon takes plain matrices only.
"""

from collections.abc import Iterable
import math
from typing import Any

from depth_refiner_ros.backends.execution import fast_bf16
import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration; five rounds bring singular values to about 0.7 to 1.2."""
ROUNDS = 5
ADAM_LIKE = 0.2
"""Root mean square of a typical Adam step in units of the learning rate."""


class Muon(torch.optim.Optimizer):
    """
    Muon for weights with several outputs, Adam for the rest (biases, norms, one-channel heads).

    :param params: parameters or groups
    :param lr: learning rate of both, on the scale of AdamW's
    :param weight_decay: decoupled
    :param momentum: weight of the past gradient in Muon's steps
    :param betas: of Adam's steps
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        super().__init__(
            params, {'lr': lr, 'weight_decay': weight_decay, 'momentum': momentum, 'betas': betas}
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for value in group['params']:
                if value.grad is None:
                    continue
                value.mul_(1.0 - group['lr'] * group['weight_decay'])
                if is_matrix(value):
                    change = self._muon(value, value.grad, group['momentum'])
                else:
                    change = self._adam(value, value.grad, *group['betas'])
                value.add_(change, alpha=-group['lr'])

    def _muon(self, value: torch.Tensor, grad: torch.Tensor, momentum: float) -> torch.Tensor:
        past = self._state(value, 'past').lerp_(grad, 1.0 - momentum)
        ahead = grad.lerp(past, momentum)  # Nesterov
        size = ADAM_LIKE * math.sqrt(max(value.shape[0], value[0].numel()))
        return orthogonalized(ahead.flatten(1)).view_as(value) * size

    def _adam(
        self, value: torch.Tensor, grad: torch.Tensor, beta1: float, beta2: float
    ) -> torch.Tensor:
        count = self._state(value, 'count').add_(1.0)
        first = self._state(value, 'first').lerp_(grad, 1.0 - beta1)
        second = self._state(value, 'second').lerp_(grad.square(), 1.0 - beta2)
        spread = (second / (1.0 - beta2**count)).sqrt_()
        return first / (1.0 - beta1**count) / (spread + 1e-8)

    def _state(self, value: torch.Tensor, name: str) -> torch.Tensor:
        state = self.state[value]
        if name not in state:
            state[name] = torch.zeros_like(value)
        kept: torch.Tensor = state[name]
        return kept


def is_matrix(value: torch.Tensor) -> bool:
    """Whether Muon's step applies: a matrix with one row would merely be normalised."""
    return value.ndim > 1 and value.shape[0] > 1


def orthogonalized(matrix: torch.Tensor) -> torch.Tensor:
    """
    Return roughly the nearest semi-orthogonal matrix: same singular vectors, values near 1.

    :param matrix: (rows, columns)
    """
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    if x.is_cuda or fast_bf16():  # emulated, it is many times slower than float32
        x = x.bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)
