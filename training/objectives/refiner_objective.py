# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the objectives of one-step refiners share: codec, averaged network, bundle, validation."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.models.bundle import Bundle
import torch
from torch import nn
from training.config import RunConfig
from training.data.batches import Batch
from training.data.degrade import KINDS
from training.data.priors import BatchPriors
from training.models.conventions import with_layout
from training.models.refiner import (
    build_refiner,
    export_refiner,
    frozen_parts,
    read_unet,
    RefinerModel,
    with_unet,
)
from training.objectives.base import Figures, Objective
from training.objectives.targets import target_normalizer
from training.validation import compare_refined, refine


class RefinerObjective(Objective):
    """
    An objective whose UNet becomes a refiner bundle.

    :param small: conventions of the small network
    :param true_size: function from a preset to those of the true size
    :param prior: network of the priors of kind ``computed``
    :param frozen: networks that are used beside the codec
    """

    Model, best_by = RefinerModel, 'score'

    def __init__(
        self,
        config: RunConfig,
        small: ModelSpec,
        true_size: Callable[..., ModelSpec],
        *,
        prior: str = 'bundled',
        frozen: Mapping[str, nn.Module] | None = None,
    ) -> None:
        if config.model.spec.get('layout'):
            small = with_layout(small)
        network = build_refiner(config.model, small, true_size)
        super().__init__(
            config, {'unet': network.unet}, {**frozen_parts(network), **(frozen or {})}
        )
        self.network = network
        self.priors = BatchPriors(config.data.priors, prior) if config.data.priors else None
        self.normalizer = target_normalizer(network.spec)

    @cached_property
    def averaged(self) -> OneStepNetwork:
        """
        Return the network with the averaged weights, which the average changes in place.

        First asked for by a step or a validation, once everything is on its device.
        """
        return with_unet(self.network, self.ema.networks['unet'])

    def validate(self, batches: Iterable[Batch]) -> Figures:
        return compare_refined(self.averaged, batches, self._priors())

    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        return read_unet(where, self.network.spec.method)

    def export(self, folder: Path, record: dict[str, Any]) -> Bundle:
        return export_refiner(folder, self.averaged, self.config.model, record)

    def pictures(self, batch: Batch) -> dict[str, torch.Tensor]:
        priors = self._priors()
        kind = priors.kinds[0]
        known = batch.with_depth() if kind in KINDS else batch
        if known is None:
            return {}
        batch, sample = known, priors.of(known, [kind] * len(known.rgb_B3HW))
        refined = refine(self.averaged, batch.rgb_B3HW, sample.prior_m_B1HW)
        return {
            'image': batch.rgb_B3HW,
            'prior': sample.prior_m_B1HW,
            'refined': refined.depth_m_B1HW,
            'difference': refined.difference_B1HW,
            'true': sample.target_m_B1HW,
        }

    def _priors(self) -> BatchPriors:
        # The scale of a network that sees no prior is compared on the smoothest one.
        return self.priors or BatchPriors({'smeared': 1.0})
