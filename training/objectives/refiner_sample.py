# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a network that sees a prior is given, and what it is to predict, as its conventions say."""

from dataclasses import dataclass

from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.normalization import DepthNormalizer
from depth_refiner_ros.priors.degradations.table import Degraded
import torch
from training.objectives.targets import own_target, target_normalizer


@dataclass(frozen=True, kw_only=True)
class RefinerSample:
    """
    Normalised maps of a batch.

    :param prior_B1HW: what is refined, filled everywhere
    :param known_B1HW: bool, where the prior had a value
    :param target_B1HW: sharp depth, filled everywhere
    :param valid_B1HW: bool, where the true depth is known
    """

    prior_B1HW: torch.Tensor
    known_B1HW: torch.Tensor
    target_B1HW: torch.Tensor
    valid_B1HW: torch.Tensor


def refiner_sample(sample: Degraded, spec: ModelSpec) -> RefinerSample:
    """
    Normalise a prior and its target.

    A metric prior shares its map with the target, so that metres can be restored. Disparity comes
    up to scale and shift and is normalised by itself; its target is the true depth between its
    own 2 and 98 % quantiles.
    """
    valid, known = torch.isfinite(sample.target_m_B1HW), torch.isfinite(sample.prior_m_B1HW)
    filled, everywhere = fill_holes(sample.prior_m_B1HW), torch.ones_like(known)
    normalizer = target_normalizer(spec)
    if spec.condition == 'metric':
        prior = normalizer.normalize(filled, everywhere)
        target = normalizer.apply(fill_holes(sample.target_m_B1HW), prior)
    else:
        disparity = DepthNormalizer(space='depth', range=spec.range)  # as it comes
        prior = disparity.normalize(1.0 / filled, everywhere)
        target, _ = own_target(sample.target_m_B1HW, normalizer)
    return RefinerSample(
        prior_B1HW=prior.unit_B1HW, known_B1HW=known, target_B1HW=target, valid_B1HW=valid
    )
