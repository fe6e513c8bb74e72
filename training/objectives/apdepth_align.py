# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
ApDepth stage 1 (section 3.2): the UNet's features follow those of a pretrained image encoder.

The paper names the alignment loss alone; its code trains the depth latent beside it.
"""

from dataclasses import dataclass, field
from typing import Any

from depth_refiner_ros.diffusion.apdepth import apdepth_inputs
from depth_refiner_ros.diffusion.losses import feature_alignment, latent_mask, latent_mse
import torch
from torch.nn import functional
from training.config import RunConfig
from training.data.batches import Batch
from training.data.camera_effects import camera_image
from training.data.priors import BatchPriors
from training.models.adapter import AdapterModel, build_adapter
from training.models.conventions import SMALL_APDEPTH, TRUE_APDEPTH
from training.models.encoder import build_encoder, EncoderModel
from training.models.refiner import RefinerModel
from training.objectives.base import check_weights, Parts, weighted
from training.objectives.refiner_objective import RefinerObjective
from training.objectives.refiner_sample import refiner_sample


@dataclass
class ApDepthAlignModel(RefinerModel):
    """Keys of ``model``: the refiner's, the adapter's and the encoder's."""

    adapter: AdapterModel = field(default_factory=AdapterModel)
    encoder: EncoderModel = field(default_factory=EncoderModel)


@dataclass
class ApDepthAlignLoss:
    """Weights of the two losses; the paper's text has depth at 0, its code at 1."""

    align: float = 1.0  # L_fa, eq. 11
    depth: float = 1.0  # masked latent MSE
    prior: str = 'bundled'  # network of data.priors.computed, NAME or NAME:WEIGHTS


class ApDepthAlign(RefinerObjective):
    """Cosine between adapted mid-block features and the encoder's, and the depth latent."""

    Model, Loss = ApDepthAlignModel, ApDepthAlignLoss
    priors: BatchPriors

    def __init__(self, config: RunConfig) -> None:
        model, loss = config.model, config.loss
        check_weights(loss, 'align', 'depth')
        encoder = build_encoder(model.encoder)
        if encoder is None:
            check_weights(loss, 'depth')
        super().__init__(
            config,
            SMALL_APDEPTH,
            TRUE_APDEPTH,
            prior=loss.prior,
            frozen={} if encoder is None else {'encoder': encoder},
        )
        self.encoder = encoder
        self.learns_depth = loss.depth > 0.0
        # The layers after the mid block have no gradient from the alignment alone, the adapter
        # none from the depth alone.
        self.some_unused = not loss.depth or not loss.align or encoder is None
        if encoder is not None:
            widest = self.network.unet.config.block_out_channels[-1]
            adapter = build_adapter(model.adapter, widest, encoder.channels)
            self.add_trained('adapter', adapter)
            self.network.unet.mid_block.register_forward_hook(self._keep)
        self._features: torch.Tensor | None = None

    def forward(self, batch: Batch, step: int) -> Parts:
        loss, codec = self.config.loss, self.network.codec
        rgb = camera_image(batch.rgb_B3HW, self.config.data, batch.generator)
        sample = refiner_sample(self.priors.draw(batch), self.network.spec)
        inputs = apdepth_inputs(self.network, rgb, sample.prior_B1HW, sample.known_B1HW)
        latent = self.network(*inputs).float()
        parts: Parts = {}
        if self.encoder is not None and loss.align:
            parts['align'] = self._alignment(rgb, batch.rays_B2HW)
        if loss.depth:
            with torch.no_grad():
                wanted = codec.encode_depth(sample.target_B1HW)
            cells = latent_mask(sample.valid_B1HW, codec.factor)
            parts['depth'] = latent_mse(latent, wanted, cells)
        return weighted(parts, vars(loss))

    def _alignment(self, rgb: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
        assert self.encoder is not None
        assert self._features is not None
        mine = self.trained['adapter'](self._features).float()
        self._features = None
        wanted = self.encoder(rgb, rays).float()
        wanted = functional.interpolate(wanted, size=mine.shape[-2:], mode='bicubic')
        return feature_alignment(mine, wanted)

    def _keep(self, module: Any, inputs: Any, output: torch.Tensor) -> None:
        self._features = output
