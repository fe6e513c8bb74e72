# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
SharpDepth (section 4): distil a depth diffusion model into a refiner of metric depth.

No ground truth takes part. The teacher knows edges, the prior knows metres, and the difference
map between them says where which of the two counts.
"""

from collections.abc import Mapping
from contextlib import nullcontext
import copy
from dataclasses import dataclass, field

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.gating import difference_map
from depth_refiner_ros.core.noise import gaussian_like
from depth_refiner_ros.diffusion.losses import noise_aware_l1, score_distillation
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.sharpdepth import gated_latent
import torch
from training.config import check_choice, RunConfig
from training.data.batches import Batch
from training.data.camera_effects import camera_image
from training.models.conventions import check_same_inputs, SMALL_SHARPDEPTH, TRUE_SHARPDEPTH
from training.models.refiner import RefinerModel, with_guess
from training.models.teacher import build_teacher, TeacherModel
from training.objectives.base import check_weights, Parts, weighted
from training.objectives.refiner_objective import RefinerObjective

INPUTS = ('gated', 'noise', 'metric')
DIFFERENCES = ('ema', 'self', 'frozen')
MEANS = ('difference', 'pixels')


@dataclass
class SharpDepthModel(RefinerModel):
    """Keys of ``model``: the refiner's, and those of its teacher."""

    teacher: TeacherModel = field(default_factory=TeacherModel)


@dataclass
class SharpDepthLoss:
    """
    Weights, and the choices of table 3.

    The presets of paper and official code lie in ``training/configs/sharpdepth``.
    """

    sds: float = 1.0  # lambda_SDS of eq. 7
    reconstruction: float = 0.3  # lambda_recons of eq. 7; 0.4 in the official code
    input: str = 'gated'  # gated (eq. 4) | noise (setting A) | metric: z_d itself (setting B)
    gated_share: float = 0.8  # of the samples; the others are pure noise (official code)
    difference: str = 'ema'  # first pass of: ema (H, ours) | self | frozen (G, a second UNet)
    passes: int = 1  # of a small teacher, each given the layout of what the one before made
    weigh: bool = True  # False: e = 1 in the reconstruction loss (setting B)
    mean_over: str = 'difference'  # what the reconstruction loss is divided by, or pixels (eq. 6)
    prior: str = 'bundled'  # network of data.priors.computed, NAME or NAME:WEIGHTS


class SharpDepth(RefinerObjective):
    """Score distillation and noise-aware reconstruction on gated latents."""

    Model, Loss = SharpDepthModel, SharpDepthLoss
    learns_depth = False

    def __init__(self, config: RunConfig) -> None:
        loss: SharpDepthLoss = config.loss
        check_weights(loss, 'sds', 'reconstruction')
        check_choice('loss.input', loss.input, INPUTS)
        check_choice('loss.difference', loss.difference, DIFFERENCES)
        check_choice('loss.mean_over', loss.mean_over, MEANS)
        if loss.gated_share > 1.0:
            raise SettingsError(f'loss.gated_share = {loss.gated_share} must be at most 1')
        if not config.data.priors:
            raise SettingsError(
                'data.priors is not set; it says which metric depth is refined, such as '
                'data.priors={computed: 1}'
            )
        teacher = build_teacher(config.model.teacher, config.model) if loss.sds else None
        super().__init__(
            config,
            SMALL_SHARPDEPTH,
            TRUE_SHARPDEPTH,
            prior=loss.prior,
            frozen={} if teacher is None else {'teacher': teacher},
        )
        self.teacher = teacher
        self._check_latents()
        if loss.difference != 'frozen' and self.network.unet_guess is not None:
            self.network = with_guess(self.network, None)
            del self.frozen['guess']

    def forward(self, batch: Batch, step: int) -> Parts:
        loss, network, draws = self.config.loss, self.network, batch.generator
        rgb = camera_image(batch.rgb_B3HW, self.config.data, draws)
        assert self.priors is not None
        prior_m = self.priors.draw(batch).prior_m_B1HW
        known = torch.isfinite(prior_m)
        everywhere = torch.ones_like(known)
        unit = self.normalizer.normalize(fill_holes(prior_m), everywhere).unit_B1HW

        # 4.1: what the refiner does not agree with is gated.
        with torch.no_grad():
            image, metric = network.codec.encode_rgb(rgb), network.codec.encode_depth(unit)
            extra = network.condition(unit, known)
            noise = gaussian_like(metric, draws)
            guess = self._guesser()(noise, image, extra, guess=True).float()
            e = difference_map(unit, network.decode(guess), rule=network.spec.difference_rule)
            start = self._start(metric, noise, guess, e, draws)

        clean = network(start, image, extra).float()

        # 4.2: the teacher's word on edges (eq. 5), the prior's on metres (eq. 6).
        parts: Parts = {}
        if self.teacher is not None:
            parts['sds'] = self._distillation(clean, image, extra, known, draws)
        if loss.reconstruction:
            weight = (e if loss.weigh else torch.ones_like(e)) * known
            decoded = network.codec.decode_depth(clean)
            parts['reconstruction'] = noise_aware_l1(
                decoded, unit, weight, mean_over=loss.mean_over
            )
        return weighted(parts, vars(loss))

    def begin(self, state: Mapping[str, torch.Tensor] | None, where: str) -> None:
        super().begin(state, where)
        if self.config.loss.difference == 'frozen' and self.network.unet_guess is None:
            unet = copy.deepcopy(self.trained['unet']).eval().requires_grad_(False)
            self.network, self.frozen['guess'] = with_guess(self.network, unet), unet

    def _guesser(self) -> OneStepNetwork:
        return self.averaged if self.config.loss.difference == 'ema' else self.network

    def _start(
        self,
        metric: torch.Tensor,
        noise: torch.Tensor,
        guess: torch.Tensor,
        e: torch.Tensor,
        draws: torch.Generator,
    ) -> torch.Tensor:
        """Return the depth latent that the refiner starts from."""
        loss = self.config.loss
        if loss.input == 'metric':
            return metric
        if loss.input == 'noise':
            return noise
        gated = gated_latent(self.network, metric, e, guess, draws)
        is_gated = torch.rand(len(metric), generator=draws) < loss.gated_share
        # The refiner makes its own first pass from noise, so it keeps learning that, too.
        return torch.where(is_gated.to(metric.device).view(-1, 1, 1, 1), gated, noise)

    def _distillation(
        self,
        clean: torch.Tensor,
        image: torch.Tensor,
        extra: torch.Tensor | None,
        known: torch.Tensor,
        draws: torch.Generator,
    ) -> torch.Tensor:
        assert self.teacher is not None
        teacher, share = self.teacher, self.teacher.alpha_bar
        layout = extra if teacher.spec.layout else None
        # Weights held in bfloat16 need inputs of it, also in a run of fp32; other weights follow
        # the run's own precision.
        in_bf16 = self.config.model.teacher.bf16
        half = torch.autocast(clean.device.type, torch.bfloat16) if in_bf16 else nullcontext()
        with torch.no_grad(), half:
            noised = share**0.5 * clean + (1.0 - share) ** 0.5 * gaussian_like(clean, draws)
            wanted = teacher(noised, image, layout).float()
            for _ in range(1, self.config.loss.passes):
                # What is sharper has a sharper layout, so an outline that is far off moves on.
                layout = teacher.condition(teacher.codec.decode_depth(wanted), known)
                wanted = teacher(noised, image, layout).float()
        return score_distillation(clean, wanted, 1.0 - share)

    def _check_latents(self) -> None:
        """Raise where the teacher's latents are not the refiner's."""
        if self.teacher is None:
            return
        mine, its = self.network.codec, self.teacher.codec
        pairs = ((type(mine), type(its)), (mine.factor, its.factor))
        if any(one != other for one, other in pairs):
            raise SettingsError(
                f'model.teacher has latents of {type(its).__name__} at 1/{its.factor}, the '
                f'refiner of {type(mine).__name__} at 1/{mine.factor}; both must be of one codec'
            )
        if not self.teacher.spec.layout:
            if self.config.loss.passes > 1:
                raise SettingsError(
                    f'loss.passes = {self.config.loss.passes} is for a teacher that is given a '
                    'layout; use 1'
                )
            return
        keys = ('layout', 'known', 'detail', 'space', 'range')
        check_same_inputs(self.network.spec, self.teacher.spec, keys)
