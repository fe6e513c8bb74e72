# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lotus (SharpDepth eq. 2): clean depth from noise in one step, the image as a second task."""

from dataclasses import dataclass

from depth_refiner_ros.diffusion.codec import LatentCodec, UnshuffleCodec
from depth_refiner_ros.diffusion.losses import latent_mask, latent_mse
from depth_refiner_ros.diffusion.noise import gaussian_like
import torch
from training.config import RunConfig
from training.data.batches import Batch
from training.data.photometric import photometric
from training.models.conventions import RGB_TASK, SMALL_LOTUS, TRUE_LOTUS
from training.objectives.base import check_weights, Parts, weighted
from training.objectives.refiner_objective import RefinerObjective
from training.objectives.targets import own_target


@dataclass
class LotusLoss:
    """Weights of the two tasks; both are 1 in Lotus' code."""

    depth: float = 1.0
    image: float = 1.0  # reconstruct the image, which keeps its detail in the features


class Lotus(RefinerObjective):
    """Both latents from [image latent, noise] at t = 999, told apart by the task switcher."""

    Loss = LotusLoss

    def __init__(self, config: RunConfig) -> None:
        check_weights(config.loss, 'depth')
        super().__init__(config, SMALL_LOTUS, TRUE_LOTUS)

    def forward(self, batch: Batch, step: int) -> Parts:
        codec, loss = self.network.codec, self.config.loss
        rgb = photometric(batch.rgb_B3HW, self.config.data.photometric, batch.generator)
        unit, known = own_target(batch.depth_m_B1HW, self.normalizer)
        with torch.no_grad():
            image, depth = codec.encode_rgb(rgb), codec.encode_depth(unit)
            noise = gaussian_like(depth, batch.generator)
        cells = latent_mask(known, codec.factor)
        parts = {'depth': latent_mse(self.network(noise, image).float(), depth, cells)}
        if loss.image:
            task = torch.tensor(RGB_TASK, device=rgb.device)
            seen = self.network.output(noise, image, task_C=task).float()
            parts['image'] = latent_mse(seen, image_as_depth(codec, rgb, image))
        return weighted(parts, vars(loss))


def image_as_depth(
    codec: LatentCodec, rgb_B3HW: torch.Tensor, image_BChw: torch.Tensor
) -> torch.Tensor:
    """
    Return the image as a latent of the depth's channels.

    An autoencoder's latents are alike for both. Unshuffled pixels are not: there, the image is
    its luminance.
    """
    if not isinstance(codec, UnshuffleCodec):
        return image_BChw
    return codec.encode_depth(rgb_B3HW.mean(dim=1, keepdim=True) * 2.0 - 1.0)
