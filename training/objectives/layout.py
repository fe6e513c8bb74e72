# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a teacher without a prior predicts, and the layout of one that a small teacher is given."""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.normalization import DepthNormalizer
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch
from training.data.batches import Batch
from training.data.priors import BatchPriors
from training.objectives.refiner_sample import refiner_sample
from training.objectives.targets import own_target


def check_layout(spec: ModelSpec, priors: BatchPriors | None) -> None:
    """
    Raise where a network is to be given the layout of a prior, and there is none.

    :raises SettingsError: naming the key
    """
    if spec.layout and priors is None:
        raise SettingsError(
            'data.priors is not set; model.spec.layout=true is the layout of a prior, so say '
            'of which, such as data.priors={smeared: 1}'
        )


def target_and_layout(
    batch: Batch, network: OneStepNetwork, priors: BatchPriors | None, normalizer: DepthNormalizer
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """
    Return normalised true depth, where it is known, and the layout of a prior.

    :return: (B, 1, H, W) twice; the layout as :meth:`OneStepNetwork.condition` has it, None for a
        network that is given the image alone
    """
    if not network.spec.layout or priors is None:
        return *own_target(batch.depth_m_B1HW, normalizer), None
    sample = refiner_sample(priors.draw(batch), network.spec)
    layout = network.condition(sample.prior_B1HW, sample.known_B1HW)
    return sample.target_B1HW, sample.valid_B1HW, layout
