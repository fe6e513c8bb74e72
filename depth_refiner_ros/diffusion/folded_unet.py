# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A UNet in which everything that is constant over frames is computed once."""

import copy
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
import torch
from torch import nn


class FoldedUnet(nn.Module):
    """
    A diffusers UNet at a fixed timestep, text and task, with the latent as its only input.

    The embedding of timestep and task is only a constant added after the first convolution of
    each residual block, so it becomes part of that convolution's bias; keys and values of the
    text become tables. All of it is computed in fp32 and from an integer timestep: in bfloat16,
    999 would be 1000.

    :param unet: in fp32; not changed; shares its other weights with this module
    :param timestep: 0 to 999
    :param text_1LC: embedding of the prompt, None for a UNet without text
    :param task_C: class label vector, None for a UNet without one
    :raises WeightsError: if blocks use the embedding in another way
    """

    timestep: torch.Tensor
    text_1LC: torch.Tensor | None

    def __init__(
        self,
        unet: UNet2DConditionModel,
        timestep: int,
        text_1LC: torch.Tensor | None = None,
        task_C: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        self.only_convolutions = True
        """Read by the backends: besides them, only norms, activations, sums and resizing."""
        with torch.no_grad(), torch.autocast(unet.device.type, enabled=False):
            embedding_1C = _embedding(unet, timestep, task_C)
            self.unet = _shared_copy(unet)
            self.unet.time_proj = _Constant(torch.zeros(1, 1))
            self.unet.time_embedding = _Nothing()
            self.unet.class_embedding = None
            self.unet.time_embed_act = None
            for part in self.unet.modules():
                if isinstance(part, ResnetBlock2D):
                    _fold_embedding(part, embedding_1C)
                self.only_convolutions &= not isinstance(part, Attention)
                if text_1LC is not None and _reads_text(part):
                    part.to_k = _Constant(part.to_k(text_1LC))
                    part.to_v = _Constant(part.to_v(text_1LC))
        self.register_buffer('timestep', torch.tensor(timestep), persistent=False)
        self.register_buffer('text_1LC', text_1LC, persistent=False)

    def forward(self, sample_BChw: torch.Tensor) -> torch.Tensor:
        """Return the UNet's output for latents."""
        text = None
        if self.text_1LC is not None:
            text = self.text_1LC.expand(sample_BChw.shape[0], -1, -1)
        output: torch.Tensor = self.unet(sample_BChw, self.timestep, text, return_dict=False)[0]
        return output


class _Constant(nn.Module):
    """Returns one value for every image of a batch, regardless of its arguments."""

    value: torch.Tensor

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer('value', value.detach().clone())

    def forward(self, like: torch.Tensor, *_: Any) -> torch.Tensor:
        """Repeat the value along the batch."""
        return self.value.expand(like.shape[0], *self.value.shape[1:])


class _Nothing(nn.Module):
    """Replaces the embedding."""

    def forward(self, *_: Any) -> None:
        """Return None, so that blocks add nothing."""


def _embedding(
    unet: UNet2DConditionModel, timestep: int, task_C: torch.Tensor | None
) -> torch.Tensor:
    """Return the UNet's embedding of timestep and task."""
    if getattr(unet.config, 'addition_embed_type', None) or getattr(
        unet.config, 'class_embeddings_concat', False
    ):
        raise WeightsError(
            'unet: additional or concatenated embeddings are not supported; use '
            'a UNet of Stable Diffusion 2'
        )
    sample_1Chw = unet.conv_in.weight.new_zeros(1, 1, 1, 1)
    step = torch.tensor(timestep, device=sample_1Chw.device)
    embedding = unet.time_embedding(unet.get_time_embed(sample_1Chw, step), None)
    if task_C is not None and unet.class_embedding is not None:
        embedding = embedding + unet.class_embedding(task_C[None].to(sample_1Chw))
    return embedding if unet.time_embed_act is None else unet.time_embed_act(embedding)


def _fold_embedding(block: ResnetBlock2D, embedding_1C: torch.Tensor) -> None:
    """Move a residual block's projection of the embedding into its first convolution's bias."""
    if block.time_emb_proj is None:
        return
    if block.time_embedding_norm != 'default' or block.skip_time_act:
        raise WeightsError(
            f'unet: residual blocks with time_embedding_norm = '
            f'{shown(block.time_embedding_norm)} cannot be folded; use a UNet of Stable '
            'Diffusion 2'
        )
    shift_C = block.time_emb_proj(block.nonlinearity(embedding_1C))[0]
    block.conv1.bias = nn.Parameter(block.conv1.bias + shift_C, requires_grad=False)
    block.time_emb_proj = None


def _reads_text(part: nn.Module) -> bool:
    return isinstance(part, Attention) and bool(part.is_cross_attention)


def _shared_copy(module: nn.Module) -> Any:
    """Copy the parts of a network, but none of its weights."""
    memo: dict[int, Any] = {
        id(value): value for value in (*module.parameters(), *module.buffers())
    }
    return copy.deepcopy(module, memo)
