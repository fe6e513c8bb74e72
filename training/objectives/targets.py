# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""True depth as a network is to predict it: normalised as its conventions say, without holes."""

from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.normalization import DepthNormalizer
import torch

SPACES = {'relative': 'depth', 'disparity': 'disparity'}


def target_normalizer(spec: ModelSpec) -> DepthNormalizer:
    """
    Return the rule of a network's targets.

    Metric networks share the rule of their prior. What is predicted up to scale and shift lies
    between the truth's own 2 and 98 % quantiles (Marigold, Lotus, ApDepth B.4).
    """
    if spec.output == 'metric':
        return DepthNormalizer(space=spec.space, range=spec.range)
    return DepthNormalizer(space=SPACES[spec.output], range='quantile')


def own_target(
    depth_m_B1HW: torch.Tensor, normalizer: DepthNormalizer
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Return depth normalised by its own range and filled, and where it is known.

    :param depth_m_B1HW: metres, NaN where unknown
    """
    known = torch.isfinite(depth_m_B1HW)
    own = normalizer.normalize(depth_m_B1HW, known)
    return normalizer.apply(fill_holes(depth_m_B1HW), own).clamp(-1.0, 1.0), known
