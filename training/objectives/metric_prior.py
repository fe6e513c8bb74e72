# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The small metric network of the ``bundled`` prior, on exact depth."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.metrics import MetricMean
from depth_refiner_ros.diffusion.losses import gradient_l1, masked_mean, pixel_l1
from depth_refiner_ros.models.bundle import Bundle, open_bundle
from depth_refiner_ros.priors.bundled import read_prior_network, to_log_metres, write_prior_bundle
from depth_refiner_ros.priors.network import LITE0, MetricNetwork
import torch
from torch import nn
from torch.nn import functional
from training.config import RunConfig
from training.data.batches import Batch
from training.data.camera_effects import camera_image
from training.models.imagenet import encoder_state, read_imagenet
from training.models.metric_prior import build_metric_network, MetricPriorModel
from training.objectives.base import check_weights, Figures, Objective, Parts, weighted
from training.validation import add_depth

WORST_LOG = 2.0
"""Log errors are clamped here: beyond a factor of 7, all count the same."""
LEAST_LOG = 0.01
"""Errors below one percent count as one: certainty has no bound otherwise."""
NEAREST_M = 0.05


@dataclass
class MetricPriorLoss:
    """
    Weights of the losses.

    ``relative`` is AbsRel itself, biased towards near depth because errors to the far side cost
    more; it is for the last part of a training. ``structure`` is ``depth`` without each image's
    mean error, so that an unlearnt scale does not mask the shapes.
    """

    depth: float = 0.0  # L1 of log depth, to first order the relative error
    relative: float = 0.0
    structure: float = 0.0
    gradient: float = 0.0  # L1 of the gradients of log depth
    spread: float = 0.0  # Laplace likelihood of the errors, for model.uncertainty


class MetricPrior(Objective):
    """L1 on log depth and on its gradients; the likelihood of what is left for a second head."""

    Model, Loss, best_by = MetricPriorModel, MetricPriorLoss, 'abs_rel'

    def __init__(self, config: RunConfig) -> None:
        check_weights(config.loss, 'depth', 'relative', 'structure', 'gradient')
        network, self.shape = build_metric_network(config.model)
        if self.shape.uncertainty != (config.loss.spread > 0.0):
            raise SettingsError(
                f'model.uncertainty = {self.shape.uncertainty} and loss.spread = '
                f'{config.loss.spread} do not fit: the one trains the other'
            )
        super().__init__(config, {'network': network})
        # oneDNN up to 3.12 writes beyond its memory in the gradient of the first short cut of the
        # encoder of rays, a strided 1 x 1 convolution of 5 channels (its issue 6035).
        self.channels_last = self.shape.encoder == LITE0

    def begin(self, state: Mapping[str, torch.Tensor] | None, where: str) -> None:
        super().begin(state, where)
        if state is None and self.config.model.start == 'imagenet':
            encoder = self.trained['network'].get_submodule('encoder.image')
            encoder.load_state_dict(encoder_state(read_imagenet()))
            self.ema.reset(self.trained)

    def forward(self, batch: Batch, step: int) -> Parts:
        rgb = camera_image(batch.rgb_B3HW, self.config.data, batch.generator)
        log_depth, log_spread = self._log_maps(self.trained['network'], rgb, batch)
        target, valid = _target(batch)
        error = log_depth - target
        parts = {
            'depth': pixel_l1(log_depth, target, valid),
            'relative': relative_error(error, valid),
            'structure': pixel_l1(log_depth - masked_mean_B111(error, valid), target, valid),
            'gradient': gradient_l1(log_depth, target, valid),
        }
        if self.shape.uncertainty:
            parts['spread'] = laplace_loss(error, log_spread, valid, batch.sky_B1HW)
        return weighted(parts, asdict(self.config.loss))

    def validate(self, batches: Iterable[Batch]) -> Figures:
        network, plain, scaled = self.ema.networks['network'].eval(), MetricMean(), MetricMean()
        expected, found = 0.0, 0.0
        for batch in batches:
            with torch.no_grad():
                log_depth, log_spread = self._log_maps(network, batch.rgb_B3HW, batch)
            target, valid = _target(batch)
            expected += float(log_spread.exp()[valid].sum()) if self.shape.uncertainty else 0.0
            found += float((log_depth - target)[valid].abs().sum())
            truth = torch.where(valid, target.exp(), torch.nan)
            add_depth(plain, log_depth.exp(), truth)
            gap = torch.where(valid, target - log_depth, torch.nan)
            scale = gap.flatten(1).nanmedian(dim=1).values.view(-1, 1, 1, 1)
            add_depth(scaled, (log_depth + scale).exp(), truth)
        figures = {'abs_rel': plain.mean()['abs_rel'], 'abs_rel_scaled': scaled.mean()['abs_rel']}
        if expected and found:
            figures['spread_over_error'] = expected / found
        return {name: value for name, value in figures.items() if value is not None}

    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        state = read_prior_network(open_bundle(where, 'prior')).state_dict()
        return {f'network.{name}': value for name, value in state.items()}

    def export(self, folder: Path, record: dict[str, Any]) -> Bundle:
        network = self.ema.networks['network']
        assert isinstance(network, MetricNetwork)
        return write_prior_bundle(folder, network, record)

    def pictures(self, batch: Batch) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            maps = self._log_maps(self.ema.networks['network'], batch.rgb_B3HW, batch)
        return {'image': batch.rgb_B3HW, 'prior': maps[0].exp(), 'true': batch.depth_m_B1HW}

    def _log_maps(
        self, network: nn.Module, rgb: torch.Tensor, batch: Batch
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return log depth in metres and, without channels if not predicted, log spread."""
        maps = to_log_metres(network(rgb, batch.rays_B2HW).float(), batch.focal_px_B, self.shape)
        full = functional.interpolate(maps, size=rgb.shape[-2:], mode='bilinear')
        return full[:, :1], full[:, 1:]


def laplace_loss(
    log_error_B1HW: torch.Tensor,
    log_spread_B1HW: torch.Tensor,
    valid: torch.Tensor,
    sky_B1HW: torch.Tensor,
) -> torch.Tensor:
    """
    Return the negative log likelihood |e| / b + log b of errors, apart from a constant.

    No gradient reaches the depth, whose loss stays what it is. A sky has no depth to be right
    about: there the error counts as the worst.
    """
    error = log_error_B1HW.detach().abs().clamp(LEAST_LOG, WORST_LOG)
    error = torch.where(sky_B1HW, WORST_LOG, error)
    return masked_mean(error * (-log_spread_B1HW).exp() + log_spread_B1HW, valid | sky_B1HW)


def relative_error(log_error_B1HW: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return AbsRel, |p - g| / g, from log p - log g."""
    ratio = log_error_B1HW.clamp(max=WORST_LOG).exp()
    return pixel_l1(ratio, torch.ones_like(ratio), valid)


def masked_mean_B111(values: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the mean over the valid pixels of each image."""
    count = valid.sum((1, 2, 3), keepdim=True).clamp_min(1)
    return torch.where(valid, values, 0.0).sum((1, 2, 3), keepdim=True) / count


def _target(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    valid = torch.isfinite(batch.depth_m_B1HW) & (batch.depth_m_B1HW > NEAREST_M)
    return torch.where(valid, batch.depth_m_B1HW, 1.0).log(), valid
