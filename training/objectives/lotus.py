# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Lotus (SharpDepth eq. 2): clean depth from noise in one step, the image as a second task.

A small network may have the layout of a prior beside the image (``model.spec.layout``): it then
predicts sharp depth at that prior's scale.
"""

from dataclasses import dataclass

from depth_refiner_ros.core.edges import edge_band
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.noise import gaussian_like
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.codec import LatentCodec, UnshuffleCodec
from depth_refiner_ros.diffusion.losses import gradient_l1, latent_mask, latent_mse, pixel_l1
from depth_refiner_ros.models.bundle import open_bundle
import torch
from training.config import RunConfig
from training.data.batches import Batch
from training.data.camera_effects import camera_image
from training.models.conventions import RGB_TASK, SMALL_LOTUS, TRUE_LOTUS
from training.models.from_apdepth import weights_from_apdepth
from training.objectives.base import check_weights, Parts, weighted
from training.objectives.layout import check_layout, target_and_layout
from training.objectives.refiner_objective import RefinerObjective


@dataclass
class LotusLoss:
    """
    Weights of the two tasks; both are 1 in Lotus' code.

    ``pixel``, ``gradient`` and ``edge`` are this package's own.
    """

    depth: float = 1.0  # squared error of the latent
    image: float = 1.0  # reconstruct the image, which keeps its detail in the features
    pixel: float = 0.0  # absolute error of the decoded depth
    gradient: float = 0.0  # of its differences over several scales
    edge: float = 0.0  # extra weight of pixels near outlines
    prior: str = 'bundled'  # network of data.priors.computed, NAME or NAME:WEIGHTS


class Lotus(RefinerObjective):
    """Both latents from [image latent, noise] at t = 999, told apart by the task switcher."""

    Loss = LotusLoss

    def __init__(self, config: RunConfig) -> None:
        loss: LotusLoss = config.loss
        check_weights(loss, 'depth', 'pixel')
        if loss.edge and not loss.pixel:
            raise SettingsError(
                f'loss.edge = {loss.edge:g} weighs the pixels of loss.pixel, which is 0; set both'
            )
        super().__init__(config, SMALL_LOTUS, TRUE_LOTUS, prior=loss.prior)
        check_layout(self.network.spec, self.priors)

    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        network = read_refiner(open_bundle(where, 'refiner'))
        if network.spec.method != 'apdepth':
            return super().bundle_weights(where)
        state = weights_from_apdepth(network, self.network)
        return {f'unet.{name}': value for name, value in state.items()}

    def forward(self, batch: Batch, step: int) -> Parts:
        codec, loss = self.network.codec, self.config.loss
        rgb = camera_image(batch.rgb_B3HW, self.config.data, batch.generator)
        with torch.no_grad():
            unit, valid, layout = target_and_layout(
                batch, self.network, self.priors, self.normalizer
            )
            image, depth = codec.encode_rgb(rgb), codec.encode_depth(unit)
            noise = gaussian_like(depth, batch.generator)
        latent = self.network(noise, image, layout).float()
        cells = latent_mask(valid, codec.factor)
        parts = {'depth': latent_mse(latent, depth, cells)}
        if loss.pixel or loss.gradient:
            decoded = codec.decode_depth(latent)
            focus = (1.0 + loss.edge * edge_band(batch.depth_m_B1HW).float()) * valid
            parts['pixel'] = pixel_l1(decoded, unit, focus)
            parts['gradient'] = gradient_l1(decoded, unit, valid)
        if loss.image:
            task = torch.tensor(RGB_TASK, device=rgb.device)
            seen = self.network.output(noise, image, layout, task_C=task).float()
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
