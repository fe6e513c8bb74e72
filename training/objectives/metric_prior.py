# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Train the small metric network of the ``bundled`` prior on exact depth."""

from collections.abc import Iterable

from depth_refiner_ros.diffusion.losses import gradient_l1, pixel_l1
from depth_refiner_ros.priors.bundled import to_log_metres
import torch
from torch import nn
from torch.nn import functional
from training.config import RunConfig
from training.data.batches import Batch
from training.data.photometric import photometric
from training.models.metric_network import MetricPriorModel
from training.objectives.base import check_losses, Figures, Objective

LOSSES = ('depth', 'relative', 'structure', 'gradient')
WORST_LOG = 2.0
"""Log errors are clamped here: beyond a factor of 7, all count the same."""


def build(config: RunConfig) -> 'MetricPrior':
    """Build the objective from its run's configuration."""
    return MetricPrior(config)


class MetricPrior(Objective):
    """
    L1 on log depth, to first order the relative error, and on its gradients.

    Loss keys: ``depth``, ``relative`` (AbsRel itself, biased towards near depth because errors to
    the far side cost more; for the last part of a training), ``structure`` (``depth`` without each
    image's mean error, so that an unlearnt scale does not mask the shapes), ``gradient``.
    """

    def __init__(self, config: RunConfig) -> None:
        check_losses(config.loss, LOSSES, LOSSES)
        model = MetricPriorModel(config.model)
        super().__init__(model)
        self.config, self.shape = config, model.shape

    @property
    def best_by(self) -> str:
        return 'abs_rel'

    def loss(self, network: nn.Module, batch: Batch, step: int) -> tuple[torch.Tensor, Figures]:
        rgb = photometric(batch.rgb_B3HW, self.config.data.photometric, batch.generator)
        log_depth = self._log_depth_m(network, rgb, batch)
        target, valid = _target(batch)
        mean_error = masked_mean_B111(log_depth - target, valid)
        parts = {
            'depth': pixel_l1(log_depth, target, valid),
            'relative': relative_error(log_depth - target, valid),
            'structure': pixel_l1(log_depth - mean_error, target, valid),
            'gradient': gradient_l1(log_depth, target, valid),
        }
        total = sum(
            (self.config.loss.get(name, 0.0) * part for name, part in parts.items()),
            start=torch.zeros(()),
        )
        return total, {name: float(part.detach()) for name, part in parts.items()}

    def validate(self, batches: Iterable[Batch]) -> Figures:
        errors, scale_free = [], []
        for batch in batches:
            with torch.no_grad():
                log_depth = self._log_depth_m(self.network, batch.rgb_B3HW, batch)
            target, valid = _target(batch)
            for mine, true, mask in zip(log_depth, target, valid):
                if not bool(mask.any()):
                    continue
                gap = (mine - true)[mask]
                errors.append(float((gap.exp() - 1.0).abs().mean()))
                scale_free.append(float(((gap - gap.median()).exp() - 1.0).abs().mean()))
        count = max(1, len(errors))
        return {'abs_rel': sum(errors) / count, 'abs_rel_scaled': sum(scale_free) / count}

    def _log_depth_m(self, network: nn.Module, rgb: torch.Tensor, batch: Batch) -> torch.Tensor:
        canonical = network(rgb, batch.rays_B2HW).float()
        log_depth = to_log_metres(canonical, batch.focal_px_B, self.shape)
        return functional.interpolate(log_depth, size=rgb.shape[-2:], mode='bilinear')


def relative_error(log_error_B1HW: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return AbsRel, |p - g| / g, from log p - log g."""
    ratio = log_error_B1HW.clamp(max=WORST_LOG).exp()
    return pixel_l1(ratio, torch.ones_like(ratio), valid)


def masked_mean_B111(values: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the mean over the valid pixels of each image."""
    count = valid.sum((1, 2, 3), keepdim=True).clamp_min(1)
    return torch.where(valid, values, 0.0).sum((1, 2, 3), keepdim=True) / count


def _target(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    valid = torch.isfinite(batch.depth_m_B1HW) & (batch.depth_m_B1HW > 0.05)
    return torch.where(valid, batch.depth_m_B1HW, 1.0).log(), valid
