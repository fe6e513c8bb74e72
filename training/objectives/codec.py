# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Distil a refiner's autoencoder into the small latent codec for Jetson.

The small encoder learns the latents that the UNet knows, of images and of depth; the small
decoder learns depth from them. The UNet itself stays as it is.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.losses import gradient_l1, masked_mean, pixel_l1
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.tiny_codec import tiny_depth_vae, WIDTH
from depth_refiner_ros.models.bundle import Bundle, open_bundle
import torch
from training.config import RunConfig
from training.data.batches import Batch
from training.data.camera_effects import camera_image
from training.models.conventions import SMALL_APDEPTH, TRUE_APDEPTH
from training.models.refiner import build_refiner, export_refiner, RefinerModel
from training.objectives.base import check_weights, Figures, Objective, Parts, weighted
from training.objectives.targets import own_target, target_normalizer


@dataclass
class CodecModel(RefinerModel):
    """Keys of ``model``: the refiner whose autoencoder is replaced, and the codec's width."""

    width: int = WIDTH  # features of every layer


@dataclass
class CodecLoss:
    """Weights of the losses."""

    image: float = 1.0  # MSE of the image's latent
    depth: float = 1.0  # MSE of the depth's latent
    decoded: float = 1.0  # L1 of depth decoded from the full encoder's latent
    round_trip: float = 0.5  # L1 of depth decoded from the small encoder's
    gradient: float = 0.5  # L1 of the gradients of decoded depth


class CodecDistillation(Objective):
    """A small encoder and depth decoder in the latents of a frozen autoencoder."""

    Model, Loss, best_by = CodecModel, CodecLoss, 'depth_l1'

    def __init__(self, config: RunConfig) -> None:
        check_weights(config.loss, 'image', 'depth', 'decoded', 'round_trip')
        refiner = build_refiner(config.model, SMALL_APDEPTH, TRUE_APDEPTH)
        if not isinstance(refiner.codec, VaeCodec):
            raise SettingsError(
                'model: this refiner works on unshuffled pixels, which have no autoencoder to '
                'distil; name weights of a Stable Diffusion 2 shape'
            )
        full = refiner.codec
        vae = tiny_depth_vae(
            config.model.width,
            latent_channels=full.depth_channels,
            levels=full.factor.bit_length(),
        )
        super().__init__(config, {'vae': vae}, {'full': full})
        self.network, self.full = refiner, full
        self.normalizer = target_normalizer(refiner.spec)

    def forward(self, batch: Batch, step: int) -> Parts:
        loss, small = self.config.loss, VaeCodec(self.trained['vae'])
        rgb = camera_image(batch.rgb_B3HW, self.config.data, batch.generator)
        unit, known = own_target(batch.depth_m_B1HW, self.normalizer)
        with torch.no_grad():
            image, depth = self.full.encode_rgb(rgb), self.full.encode_depth(unit)
        latent = small.encode_depth(unit)
        decoded = small.decode_depth(depth)
        parts = {
            'image': masked_mean((small.encode_rgb(rgb) - image).square()),
            'depth': masked_mean((latent - depth).square()),
            'decoded': pixel_l1(decoded, unit, known),
            'round_trip': pixel_l1(small.decode_depth(latent), unit, known),
            'gradient': gradient_l1(decoded, unit, known),
        }
        return weighted(parts, asdict(loss))

    def validate(self, batches: Iterable[Batch]) -> Figures:
        """Return the error of decoded depth in [-1, 1], of the small codec and of the full one."""
        small = VaeCodec(self.ema.networks['vae'])
        errors: dict[str, list[float]] = {'depth_l1': [], 'full_l1': []}
        for batch in batches:
            unit, known = own_target(batch.depth_m_B1HW, self.normalizer)
            with torch.no_grad():
                for name, codec in (('depth_l1', small), ('full_l1', self.full)):
                    decoded = codec.decode_depth(codec.encode_depth(unit))
                    errors[name].append(float(pixel_l1(decoded, unit, known)))
        return {name: sum(values) / max(1, len(values)) for name, values in errors.items()}

    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        codec = read_refiner(open_bundle(where, 'refiner')).codec
        if not isinstance(codec, VaeCodec):
            raise SettingsError(f'init_from = {where} holds no autoencoder')
        return {f'vae.{name}': value for name, value in codec.vae.state_dict().items()}

    def export(self, folder: Path, record: dict[str, Any]) -> Bundle:
        network = self.network
        codec = VaeCodec(self.ema.networks['vae'])
        small = OneStepNetwork(
            network.unet, codec, network.spec, network.text_1LC, network.unet_guess
        )
        return export_refiner(folder, small.eval(), self.config.model, record)
