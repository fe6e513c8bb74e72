# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Marigold (SharpDepth eq. 1): v of a noised depth latent at any timestep.

Eq. 1 writes the noise itself; Marigold's code and weights have v, without which one step from
pure noise gives no depth.

A small network may have the layout of a prior beside the image, as in ``lotus.py``.
"""

from dataclasses import dataclass

from depth_refiner_ros.core.noise import gaussian_like
from depth_refiner_ros.diffusion.losses import latent_mask, latent_mse
from depth_refiner_ros.diffusion.noise import pyramid_noise
from depth_refiner_ros.diffusion.schedule import alpha_bars, STEPS
import torch
from training.config import RunConfig
from training.data.batches import Batch
from training.data.camera_effects import camera_image
from training.models.conventions import SMALL_MARIGOLD, TRUE_MARIGOLD
from training.objectives.base import Parts, TOTAL
from training.objectives.layout import check_layout, target_and_layout
from training.objectives.refiner_objective import RefinerObjective


@dataclass
class MarigoldLoss:
    """How the latent is noised; defaults are those of Marigold's code."""

    pyramid: float = 0.9  # strength of multi-resolution noise; 0 is Gaussian
    annealed: bool = True  # the strength falls with the timestep


class Marigold(RefinerObjective):
    """Noised depth latent beside the image latent; the network predicts v."""

    Loss = MarigoldLoss

    def __init__(self, config: RunConfig) -> None:
        super().__init__(config, SMALL_MARIGOLD, TRUE_MARIGOLD)
        check_layout(self.network.spec, self.priors)

    def forward(self, batch: Batch, step: int) -> Parts:
        codec, loss, spec = self.network.codec, self.config.loss, self.network.spec
        rgb = camera_image(batch.rgb_B3HW, self.config.data, batch.generator)
        with torch.no_grad():
            unit, known, layout = target_and_layout(
                batch, self.network, self.priors, self.normalizer
            )
            image, clean = codec.encode_rgb(rgb), codec.encode_depth(unit)
        count = len(rgb)
        timestep_B = torch.randint(STEPS, (count,), generator=batch.generator)
        if loss.pyramid:
            late = timestep_B / STEPS if loss.annealed else torch.ones(count)
            noise = pyramid_noise(clean, batch.generator, loss.pyramid * late)
        else:
            noise = gaussian_like(clean, batch.generator)
        share = alpha_bars(zero_snr=spec.zero_snr)[timestep_B].to(clean).view(-1, 1, 1, 1)
        signal, spread = share.sqrt(), (1.0 - share).sqrt()
        noised = signal * clean + spread * noise
        wanted = signal * noise - spread * clean
        timestep_B = timestep_B.to(rgb.device)
        predicted = self.network.output(noised, image, layout, timestep_B=timestep_B)
        error = latent_mse(predicted.float(), wanted, latent_mask(known, codec.factor))
        return {TOTAL: error, 'v': error.detach()}
