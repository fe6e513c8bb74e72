# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
ApDepth stage 2: from [prior latent, image latent] to the sharp depth latent, in one step.

Phase 1 is latent MSE plus pixel L1 (weights 1 : 1 in the paper), phase 2 the frequency loss
(section 3.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from depth_refiner_ros.core.edges import edge_band
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.apdepth import apdepth_inputs
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.losses import (
    fft_loss,
    gradient_l1,
    latent_mask,
    latent_mse,
    pixel_l1,
)
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.models.bundle import open_bundle
import torch
from torch.nn import functional
from training.config import check_choice, check_keys, RunConfig
from training.data.batches import Batch
from training.data.camera_effects import camera_image
from training.data.priors import BatchPriors
from training.models.conventions import check_same_inputs, SMALL_APDEPTH, TRUE_APDEPTH
from training.objectives.base import check_weights, Parts, weighted
from training.objectives.refiner_objective import RefinerObjective
from training.objectives.refiner_sample import refiner_sample, RefinerSample

METHOD = 'apdepth'
NEVER = 10**9
SHARED = (
    'unshuffle_factor',
    'codec',
    'condition',
    'channel_order',
    'detail',
    'detail_gain',
    'known',
    'layout',
    'space',
    'range',
)
"""Conventions in which a teacher and what learns from it must agree, as they see the same."""
SPECTRA = ('decoded', 'latent')
Inputs = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]


@dataclass
class ApDepthDepthLoss:
    """
    Weights and phases; ``edge``, ``gradient`` and ``rounding`` are this package's own.

    The presets of paper and official code lie in ``training/configs/apdepth``.
    """

    latent: float = 0.0
    pixel: float = 0.0
    gradient: float = 0.0
    edge: float = 0.0  # extra weight of pixels near outlines
    rounding: float = 0.0  # of the pixel loss at 0, see pixel_l1
    fft: float = 0.5  # lambda_freq: of the frequency loss in phase 2
    fft_strength: float = 0.6  # lambda of eq. 17
    fft_of: str = 'decoded'  # maps (paper, eq. 14) or latent cells (official code)
    phase2_step: int = NEVER  # first update of phase 2
    phase2_spatial: float = 0.0  # share of the spatial losses that stays in phase 2
    teacher: str = ''  # a bundle of apdepth, or bundled; '': true depth is all that is learnt
    taught: list[str] = field(default_factory=list)  # kinds of priors for which it knows better
    prior: str = 'bundled'  # network of data.priors.computed, NAME or NAME:WEIGHTS
    stage1: bool = False  # the weights must come from stage 1, by init_from


class ApDepthDepth(RefinerObjective):
    """Depth stage of ApDepth on any prior that ``data.priors`` names."""

    Loss = ApDepthDepthLoss
    priors: BatchPriors

    def __init__(self, config: RunConfig) -> None:
        loss: ApDepthDepthLoss = config.loss
        check_weights(loss, 'latent', 'pixel', 'gradient')
        check_choice('loss.fft_of', loss.fft_of, SPECTRA)
        if loss.stage1 and not config.init_from:
            raise SettingsError(
                'init_from is not set; stage 2 goes on from stage 1: name the checkpoint of its '
                'run, or set loss.stage1=false to begin with the weights of model'
            )
        if not config.data.priors:
            raise SettingsError(
                'data.priors is not set; it says what the refiner is given, such as '
                'data.priors={smeared: 1}'
            )
        teacher = _teacher(loss, config.data.priors)
        super().__init__(
            config,
            SMALL_APDEPTH,
            TRUE_APDEPTH,
            prior=loss.prior,
            frozen={} if teacher is None else {'teacher': teacher},
        )
        self.teacher = teacher
        used = {kind for kind, share in config.data.priors.items() if share > 0.0}
        self.learns_depth = not used <= set(loss.taught)
        if teacher is not None:
            check_same_inputs(self.network.spec, teacher.spec, SHARED)

    def forward(self, batch: Batch, step: int) -> Parts:
        loss, codec = self.config.loss, self.network.codec
        rgb = camera_image(batch.rgb_B3HW, self.config.data, batch.generator)
        kinds = self.priors.drawn(batch)
        drawn = self.priors.of(batch, kinds)
        sample = refiner_sample(drawn, self.network.spec)

        inputs = apdepth_inputs(self.network, rgb, sample.prior_B1HW, sample.known_B1HW)
        latent = self.network(*inputs).float()
        target, valid = self._target(sample, inputs, kinds)

        second_phase = step >= loss.phase2_step
        share = loss.phase2_spatial if second_phase else 1.0
        in_maps = second_phase and loss.fft_of == 'decoded'
        refined = None
        if in_maps or (share and (loss.pixel or loss.gradient)):
            refined = codec.decode_depth(latent)  # once: a decoder's activations fill a GPU
        parts: Parts = {}
        if share:
            focus = (1.0 + loss.edge * edge_band(drawn.target_m_B1HW).float()) * valid
            parts = self._spatial(latent, refined, target, valid, focus)
        weights = {name: share * getattr(loss, name) for name in parts}
        if in_maps and refined is not None:
            parts['fft'] = fft_loss(refined, target, strength=loss.fft_strength, valid=valid)
        elif second_phase:
            cells = latent_mask(valid, codec.factor)
            wanted = codec.encode_depth(target)
            parts['fft'] = fft_loss(latent, wanted, strength=loss.fft_strength, valid=cells)
        return weighted(parts, {**weights, 'fft': loss.fft})

    def _target(
        self, sample: RefinerSample, inputs: Inputs, kinds: list[str]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is learnt, and where: true depth, or the teacher's of kinds it teaches."""
        target, valid = sample.target_B1HW, sample.valid_B1HW
        taught = [kind in self.config.loss.taught for kind in kinds]
        if self.teacher is None or not any(taught):
            return target, valid
        which = torch.tensor(taught, device=target.device)
        with torch.no_grad():
            latent = self.teacher(*(part if part is None else part[which] for part in inputs))
            target, valid = target.clone(), valid.clone()
            target[which] = self.teacher.decode(latent).float()
            valid[which] = True
        return target, valid

    def _spatial(
        self,
        latent: torch.Tensor,
        refined: torch.Tensor | None,
        target: torch.Tensor,
        valid: torch.Tensor,
        focus: torch.Tensor,
    ) -> Parts:
        loss, codec = self.config.loss, self.network.codec
        parts: Parts = {}
        if loss.pixel and refined is not None:
            parts['pixel'] = pixel_l1(refined, target, focus, rounding=loss.rounding)
        if loss.latent:
            cells = functional.avg_pool2d(focus, codec.factor) * latent_mask(valid, codec.factor)
            parts['latent'] = latent_mse(latent, codec.encode_depth(target), cells)
        if loss.gradient and refined is not None:
            parts['gradient'] = gradient_l1(refined, target, valid)
        return parts


def _teacher(loss: ApDepthDepthLoss, priors: Mapping[str, float]) -> OneStepNetwork | None:
    """Return the refiner that is learnt from, frozen."""
    check_keys('loss.taught', loss.taught, tuple(priors))
    if bool(loss.teacher) is not bool(loss.taught):
        raise SettingsError(
            f'loss.teacher = {shown(loss.teacher)} and loss.taught = {shown(loss.taught)} belong '
            'together: whose depth is learnt, and for which kinds of data.priors'
        )
    return read_refiner(open_bundle(loss.teacher, 'refiner', METHOD)) if loss.teacher else None
