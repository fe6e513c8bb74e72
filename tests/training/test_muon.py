# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Muon's step against its definition, and what it leaves to Adam."""

import torch
from training.muon import is_matrix, Muon, orthogonalized


def test_orthogonalized_keeps_singular_vectors_and_evens_out_values():
    torch.manual_seed(0)
    left, _ = torch.linalg.qr(torch.randn(6, 6))
    right, _ = torch.linalg.qr(torch.randn(20, 6))
    matrix = left @ torch.diag(torch.tensor([5.0, 2.0, 1.0, 0.7, 0.5, 0.3])) @ right.T
    for given, kept in ((matrix, orthogonalized(matrix)), (matrix.T, orthogonalized(matrix.T).T)):
        assert given.shape == (kept.shape if given is matrix else kept.T.shape)
        inner = left.T @ kept @ right
        values = inner.diagonal()
        assert bool(((values > 0.6) & (values < 1.3)).all())
        assert float((inner - torch.diag(values)).abs().max()) < 0.05


def test_a_zero_gradient_gives_a_zero_step():
    assert not orthogonalized(torch.zeros(3, 4)).any()


def test_step_is_as_large_as_adams_whatever_the_gradient():
    weights = torch.nn.Parameter(torch.zeros(16, 8, 3, 3))
    optimizer = Muon([weights], lr=0.1)
    torch.manual_seed(1)
    weights.grad = 1e3 * torch.randn_like(weights)
    optimizer.step()
    # 0.2 sqrt(72) / sqrt(72) for 16 orthonormal rows of 72: rms 0.2 per entry times lr.
    assert 0.1 * 0.2 * 0.6 < float(weights.detach().square().mean().sqrt()) < 0.1 * 0.2 * 1.3


def test_vectors_and_single_rows_follow_adam_exactly():
    torch.manual_seed(2)
    mine = [torch.nn.Parameter(torch.randn(5)), torch.nn.Parameter(torch.randn(1, 4, 3, 3))]
    theirs = [torch.nn.Parameter(value.detach().clone()) for value in mine]
    assert not any(is_matrix(value) for value in mine)
    muon = Muon(mine, lr=0.01, weight_decay=0.1)
    adamw = torch.optim.AdamW(theirs, lr=0.01, weight_decay=0.1)
    for _ in range(5):
        for ours, other in zip(mine, theirs):
            ours.grad = torch.randn_like(ours)
            other.grad = ours.grad.clone()
        muon.step()
        adamw.step()
    for ours, other in zip(mine, theirs):
        torch.testing.assert_close(ours, other)


def test_weights_decay_by_learning_rate_times_decay():
    weights = torch.nn.Parameter(torch.ones(4, 4))
    weights.grad = torch.zeros_like(weights)
    Muon([weights], lr=0.5, weight_decay=0.1).step()
    torch.testing.assert_close(weights.detach(), torch.full((4, 4), 0.95))
