# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The frozen image encoder whose features ApDepth's stage 1 aligns to (section 3.2, table 5)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from depth_refiner_ros.core.errors import SettingsError, WeightsError
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.models.hub import fetch, is_hub_id
from depth_refiner_ros.priors.bundled import read_prior_network
from depth_refiner_ros.priors.transformers_model import load_model
import torch
from torch import nn
from torch.nn import functional
from training.config import check_choice

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CLASSES = {'dinov2': 'Dinov2Model', 'openclip': 'CLIPVisionModel', 'sam': 'SamVisionModel'}
KINDS = (*CLASSES, 'prior', 'none')
WANTED = ('config.json', 'model*.safetensors', 'model.safetensors.index.json')
"""Files of a repository on the hub."""
PRIOR_STAGE = 3
"""Of a prior's encoder: features at 1/16, as DINOv2's are at 1/14."""


@dataclass
class EncoderModel:
    """
    Keys of ``model.encoder``.

    ``dinov2``, ``openclip`` and ``sam`` are folders or hub ids that transformers reads; the
    encoder of Depth Anything V2, which the official code takes, is a ``dinov2`` folder, too
    (its ``backbone``, saved by itself).
    ``prior`` is the encoder of a prior bundle, the small relative of it.
    """

    kind: str = 'dinov2'  # dinov2 | openclip | sam | prior | none (no alignment, table 5)
    weights: str = ''
    scale: float = 0.875  # of the image before the encoder: 14 of its pixels for 16
    normalize_twice: bool = False  # official code: ImageNet's mean and deviation on [-1, 1]


def build_encoder(model: EncoderModel) -> 'Encoder | None':
    """
    Read an encoder, frozen; None for ``none``.

    :raises SettingsError: for an unknown kind, or without weights
    :raises WeightsError: where they cannot be read
    """
    check_choice('model.encoder.kind', model.kind, KINDS)
    if model.kind == 'none':
        return None
    if not model.weights:
        raise SettingsError(
            'model.encoder.weights is not set; name a folder or hub id such as '
            'facebook/dinov2-large, a prior bundle for kind prior, or use kind none'
        )
    if model.kind == 'prior':
        return PriorEncoder(model)
    return TransformersEncoder(model)


class Encoder(nn.Module, ABC):
    """Features of an image; ``channels`` is their number."""

    channels: int
    patch: int

    def __init__(self, model: EncoderModel) -> None:
        super().__init__()
        self.model = model

    @torch.no_grad()
    def forward(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> torch.Tensor:
        """
        Return features, B x channels x rows x columns.

        :param rgb_B3HW: in 0..1
        :param rays_B2HW: viewing rays of its pixels, for encoders that read them
        """
        size = [
            max(1, round(side * self.model.scale / self.patch)) * self.patch
            for side in rgb_B3HW.shape[-2:]
        ]
        image, rays = (
            functional.interpolate(item, size=size, mode='bicubic')
            for item in (rgb_B3HW, rays_B2HW)
        )
        return self.features(image, rays)

    @abstractmethod
    def features(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> torch.Tensor:
        """Return the features of an image whose sides are multiples of ``patch``."""


class PriorEncoder(Encoder):
    """The encoder of a small metric prior, trained on depth as that of Depth Anything is."""

    def __init__(self, model: EncoderModel) -> None:
        super().__init__(model)
        self.network = read_prior_network(open_bundle(model.weights, 'prior'))
        self.patch = self.network.config.multiple
        self.channels = self.network.encoder.channels[PRIOR_STAGE]

    def features(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> torch.Tensor:
        levels: list[torch.Tensor] = self.network.encoder(rgb_B3HW, rays_B2HW)
        return levels[PRIOR_STAGE]


class TransformersEncoder(Encoder):
    """A vision transformer: its patch tokens, or SAM's neck."""

    def __init__(self, model: EncoderModel) -> None:
        super().__init__(model)
        folder = Path(model.weights).expanduser()
        try:
            if not folder.is_dir() and is_hub_id(model.weights):
                folder = fetch(model.weights, WANTED)
            # Refuses another kind of model, which transformers fills up with random weights.
            self.network = load_model(folder, CLASSES[model.kind])
        except WeightsError as error:
            raise WeightsError(
                f'model.encoder.weights = {model.weights}: {error}; name a {model.kind} folder or '
                'hub id with safetensors'
            ) from error
        config = self.network.config
        self.patch = int(config.patch_size)
        self.channels = int(config.output_channels if model.kind == 'sam' else config.hidden_size)

    def features(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> torch.Tensor:
        image = rgb_B3HW * 2.0 - 1.0 if self.model.normalize_twice else rgb_B3HW
        mean, spread = CLIP if self.model.kind == 'openclip' else IMAGENET
        image = (image - image.new_tensor(mean).view(3, 1, 1)) / image.new_tensor(spread).view(
            3, 1, 1
        )
        if self.model.kind == 'sam':
            side = self.network.config.image_size  # its position embedding has one size
            image = functional.interpolate(image, size=(side, side), mode='bicubic')
            neck: torch.Tensor = self.network(image).last_hidden_state
            return neck
        options = {'interpolate_pos_encoding': True} if self.model.kind == 'openclip' else {}
        tokens = self.network(image, **options).last_hidden_state
        rows, columns = image.shape[-2] // self.patch, image.shape[-1] // self.patch
        patches = tokens[:, tokens.shape[1] - rows * columns :]
        return patches.transpose(1, 2).reshape(len(image), self.channels, rows, columns)
