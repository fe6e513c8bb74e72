# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
ApDepth stage 2: from [prior latent, image latent] to the sharp depth latent, in one step.

Phase 1 is latent MSE plus pixel L1 (weights 1 : 1 in the paper), phase 2 the frequency loss
(section 3.3). The keys of ``loss`` set both; ``edge`` and ``gradient`` are additions of this
package, 0 in the papers' presets.
"""

from collections.abc import Iterable
from typing import Any

from depth_refiner_ros.core.edges import edge_band
from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.diffusion.apdepth import apdepth_inputs
from depth_refiner_ros.diffusion.losses import (
    fft_loss,
    gradient_l1,
    latent_mask,
    latent_mse,
    pixel_l1,
)
from depth_refiner_ros.diffusion.normalization import DepthNormalizer
import torch
from torch import nn
from torch.nn import functional
from training.config import check_keys, RunConfig
from training.data.batches import Batch
from training.data.degrade import degrade, Degraded, KINDS
from training.data.photometric import photometric
from training.models.small_refiner import SmallRefiner
from training.objectives.base import check_losses, Figures, Objective

PREDICTED = 'predicted'
SPATIAL = ('latent', 'pixel', 'gradient')
LOSSES = (*SPATIAL, 'edge', 'rounding', 'fft', 'fft_strength', 'phase2_step', 'phase2_spatial')


def build(config: RunConfig) -> 'ApDepthDepth':
    """Build the objective from its run's configuration."""
    return ApDepthDepth(config)


class ApDepthDepth(Objective):
    """
    Depth stage of ApDepth on any prior that the data configuration degrades depth to.

    Priors are of the kinds of ``training/data/degrade.py``, or ``predicted``: stored beside the
    rooms by ``training.tools.predict_prior``.

    Loss keys: ``latent``, ``pixel``, ``gradient``, ``edge`` (extra weight near outlines),
    ``rounding`` (of the pixel loss, see :func:`pixel_l1`), ``fft``,
    ``fft_strength`` (lambda of eq. 17), ``phase2_step`` (update at which the frequency loss
    starts; the spatial losses then keep the share ``phase2_spatial``).
    """

    model: SmallRefiner

    def __init__(self, config: RunConfig) -> None:
        shares = config.data.degradations
        check_losses(config.loss, LOSSES, SPATIAL)
        check_keys('data.degradations', shares, (*KINDS, PREDICTED))
        if not shares or min(shares.values()) < 0.0 or sum(shares.values()) <= 0.0:
            raise SettingsError(
                f'data.degradations = {shares} must hold shares, not all of them 0'
            )
        model = SmallRefiner(config.model)
        super().__init__(model)
        self.config = config
        self.normalizer = DepthNormalizer(space=model.spec.space, range=model.spec.range)

    @property
    def best_by(self) -> str:
        return 'score'

    def loss(self, network: Any, batch: Batch, step: int) -> tuple[torch.Tensor, Figures]:
        rgb = photometric(batch.rgb_B3HW, self.config.data.photometric, batch.generator)
        sample = self.degraded(batch, self._draw_kinds(batch))
        refined, target, latent = self._forward(network, rgb, sample)
        parts = self._spatial(refined, target, latent, sample)
        weights = self.config.loss
        second_phase = step >= weights.get('phase2_step', float('inf'))
        share = weights.get('phase2_spatial', 0.0) if second_phase else 1.0
        total = sum(
            (weights.get(name, 0.0) * share * part for name, part in parts.items()),
            start=torch.zeros(()),
        )
        if second_phase:
            parts['fft'] = fft_loss(
                refined,
                target,
                strength=weights.get('fft_strength', 0.6),
                valid=torch.isfinite(sample.target_m_B1HW),
            )
            total = total + weights.get('fft', 0.5) * parts['fft']
        return total, {name: float(part.detach()) for name, part in parts.items()}

    def degraded(self, batch: Batch, kinds: list[str]) -> Degraded:
        """
        Make the prior and the target of a batch, one kind of prior per image.

        :return: a target that is NaN where the true depth is unknown
        :raises SourceError: where a prediction is asked for and none is stored
        """
        exact = batch.depth_m_B1HW
        made = ['sharp' if kind == PREDICTED else kind for kind in kinds]
        sample = degrade(fill_holes(exact), made, batch.generator)
        prior, target = sample.prior_m_B1HW, sample.target_m_B1HW
        for index, kind in enumerate(kinds):
            if kind == PREDICTED:
                if batch.prior_m_B1HW is None:
                    raise SourceError(
                        'degradation predicted needs stored predictions; run '
                        'python -m training.tools.predict_prior on these rooms'
                    )
                prior[index] = batch.prior_m_B1HW[index]
                target[index] = exact[index] * (prior[index] / exact[index]).nanmedian()
        return Degraded(
            prior_m_B1HW=prior, target_m_B1HW=torch.where(torch.isfinite(exact), target, torch.nan)
        )

    def validate(self, batches: Iterable[Batch]) -> Figures:
        sums: dict[str, list[float]] = {}
        for batch in batches:
            for kind in self.config.data.degradations:
                sample = self.degraded(batch, [kind] * len(batch.rgb_B3HW))
                with torch.no_grad():
                    refined, target, _ = self._forward(self.network, batch.rgb_B3HW, sample)
                    prior = self._unit_prior(sample)
                band = edge_band(sample.target_m_B1HW)
                known = torch.isfinite(sample.target_m_B1HW)
                for name, mask in (('all', known), ('band', band & known)):
                    if not bool(mask.any()):
                        continue
                    for who, unit in (('refined', refined), ('prior', prior)):
                        error = (unit - target).abs()[mask].mean()
                        sums.setdefault(f'{kind}/{name}/{who}', []).append(float(error))
        figures = {key: sum(values) / len(values) for key, values in sums.items()}
        figures['score'] = sum(value for key, value in figures.items() if key.endswith('refined'))
        return figures

    def _draw_kinds(self, batch: Batch) -> list[str]:
        kinds = list(self.config.data.degradations)
        shares = torch.tensor(list(self.config.data.degradations.values()))
        drawn = torch.multinomial(
            shares, len(batch.rgb_B3HW), replacement=True, generator=batch.generator
        )
        return [kinds[int(index)] for index in drawn]

    def _unit_prior(self, sample: Degraded) -> torch.Tensor:
        filled = fill_holes(sample.prior_m_B1HW)
        everywhere = torch.ones_like(filled, dtype=torch.bool)
        return self.normalizer.normalize(filled, everywhere).unit_B1HW

    def _forward(
        self, network: nn.Module, rgb: torch.Tensor, sample: Degraded
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        known = torch.isfinite(sample.prior_m_B1HW)
        filled = fill_holes(sample.prior_m_B1HW)
        prior = self.normalizer.normalize(filled, torch.ones_like(known))
        target = self.normalizer.apply(fill_holes(sample.target_m_B1HW), prior)
        # Inputs come from the plain network: the loop may have wrapped the one that is called.
        inputs = apdepth_inputs(self.model.network, rgb, prior.unit_B1HW, known)
        latent = network(*inputs).float()
        return self.model.network.codec.decode_depth(latent), target, latent

    def _spatial(
        self, refined: torch.Tensor, target: torch.Tensor, latent: torch.Tensor, sample: Degraded
    ) -> dict[str, torch.Tensor]:
        weights, codec = self.config.loss, self.model.network.codec
        valid = torch.isfinite(sample.target_m_B1HW)
        band = edge_band(sample.target_m_B1HW).float()
        focus = (1.0 + weights.get('edge', 0.0) * band) * valid
        rounding = weights.get('rounding', 0.0)
        parts = {'pixel': pixel_l1(refined, target, focus, rounding=rounding)}
        if weights.get('latent', 0.0):
            cells = functional.avg_pool2d(focus, codec.factor) * latent_mask(valid, codec.factor)
            parts['latent'] = latent_mse(latent, codec.encode_depth(target), cells)
        if weights.get('gradient', 0.0):
            parts['gradient'] = gradient_l1(refined, target, valid)
        return parts
