# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Begin a narrower small refiner with those channels of a wider one that count most.

What the wide one has learnt is then there at once, if blurred, and distillation from it
(``loss.teacher``) brings it back in a fraction of the updates that random weights take.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from diffusers import UNet2DConditionModel
from diffusers.models.resnet import ResnetBlock2D
import torch
from torch import nn

IMAGE, RESULT = 'input', 'output'
"""The maps whose channels all stay."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """
    A convolution of a UNet.

    :param reads: names of the maps that it reads, one after the other
    :param writes: name of the map that it writes; layers that are added write the same one
    :param norm: normalises what it reads
    """

    conv: nn.Conv2d
    reads: tuple[str, ...]
    writes: str
    norm: nn.GroupNorm | None = None


def narrowed(source: OneStepNetwork, target: OneStepNetwork) -> None:
    """
    Give the target's UNet, of each map of the source's, the channels that count most.

    A channel counts by the weights with which it is read. Of each group of a normalisation the
    same number stays.

    :param source: a small refiner; its timestep becomes part of the target's biases
    :param target: with the same blocks, none of them wider
    :raises WeightsError: where the blocks differ
    """
    folded = FoldedUnet(source.unet, source.spec.timestep).unet
    wide, narrow = list(_layers(folded)), list(_layers(target.unet))
    has, wanted = (tuple(net.unet.config.block_out_channels) for net in (source, target))
    same = [layer.reads for layer in wide] == [layer.reads for layer in narrow]
    if not same or any(new > old for new, old in zip(wanted, has, strict=True)):
        raise WeightsError(
            f'channels {wanted} do not fit weights of {has}: they must be as many, none larger, '
            'and each different from the one before it where those are'
        )
    groups = target.unet.config.norm_num_groups
    sizes = {layer.writes: layer.conv.out_channels for layer in narrow}
    counts = _counts(wide)
    kept = {name: _most(count, sizes[name], groups) for name, count in counts.items()}
    kept[IMAGE] = torch.arange(folded.conv_in.in_channels)
    kept[RESULT] = torch.arange(folded.conv_out.out_channels)
    widths = {layer.writes: layer.conv.out_channels for layer in wide}
    widths[IMAGE] = folded.conv_in.in_channels
    with torch.no_grad():
        for old, new in zip(wide, narrow, strict=True):
            read, written = _read(old.reads, kept, widths), kept[old.writes]
            _take(new.conv, old.conv.weight[written][:, read], old.conv.bias, written)
            if old.norm is not None and new.norm is not None:
                _take(new.norm, old.norm.weight[read], old.norm.bias, read)
        for part in target.unet.modules():
            if isinstance(part, ResnetBlock2D) and part.time_emb_proj is not None:
                part.time_emb_proj.weight.zero_()
                part.time_emb_proj.bias.zero_()


def _take(
    layer: nn.Conv2d | nn.GroupNorm,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    written: torch.Tensor,
) -> None:
    assert layer.weight is not None
    assert layer.bias is not None
    assert bias is not None
    layer.weight.copy_(weight)
    layer.bias.copy_(bias[written])


def _layers(unet: UNet2DConditionModel) -> Iterator[Layer]:
    """Yield the convolutions of a UNet without attention."""
    yield Layer(conv=unet.conv_in, reads=(IMAGE,), writes='conv_in')
    now, skips = 'conv_in', ['conv_in']
    for level, block in enumerate(unet.down_blocks):
        for place, resnet in enumerate(block.resnets):
            now = yield from _residual(f'down{level}.{place}', resnet, now)
            skips.append(now)
        for sampler in block.downsamplers or ():
            yield Layer(conv=sampler.conv, reads=(now,), writes=f'down{level}')
            now = f'down{level}'
            skips.append(now)
    for place, resnet in enumerate(unet.mid_block.resnets):
        now = yield from _residual(f'mid.{place}', resnet, now)
    for level, block in enumerate(unet.up_blocks):
        for place, resnet in enumerate(block.resnets):
            now = yield from _residual(f'up{level}.{place}', resnet, now, skips.pop())
        for sampler in block.upsamplers or ():
            yield Layer(conv=sampler.conv, reads=(now,), writes=f'up{level}')
            now = f'up{level}'
    yield Layer(conv=unet.conv_out, reads=(now,), writes=RESULT, norm=unet.conv_norm_out)


def _residual(name: str, block: ResnetBlock2D, *reads: str) -> Generator[Layer, None, str]:
    """Yield the convolutions of a residual block; return the name of the map that it writes."""
    inside, outside = f'{name}.inside', reads[0] if block.conv_shortcut is None else name
    yield Layer(conv=block.conv1, reads=reads, writes=inside, norm=block.norm1)
    yield Layer(conv=block.conv2, reads=(inside,), writes=outside, norm=block.norm2)
    if block.conv_shortcut is not None:
        yield Layer(conv=block.conv_shortcut, reads=reads, writes=outside)
    return outside


def _counts(layers: list[Layer]) -> dict[str, torch.Tensor]:
    """Return by map how much each channel counts: the sum of the squares it is read with."""
    counts = {
        layer.writes: torch.zeros(layer.conv.out_channels)
        for layer in layers
        if layer.writes != RESULT
    }
    for layer in layers:
        if layer.reads == (IMAGE,):
            continue
        squares = layer.conv.weight.detach().square().sum((0, 2, 3))
        if layer.norm is not None:
            squares = squares * layer.norm.weight.detach().square()
        shares = squares.split([len(counts[name]) for name in layer.reads])
        for name, share in zip(layer.reads, shares, strict=True):
            counts[name] += share
    return counts


def _most(counts: torch.Tensor, kept: int, groups: int) -> torch.Tensor:
    """Return in order the channels that count most, the same number of each group."""
    in_groups = counts.view(groups, -1)
    chosen = in_groups.topk(kept // groups, dim=1).indices.sort(dim=1).values
    return (chosen + torch.arange(groups)[:, None] * in_groups.shape[1]).flatten()


def _read(
    reads: tuple[str, ...], kept: dict[str, torch.Tensor], widths: dict[str, int]
) -> torch.Tensor:
    """Return the kept channels of maps that are read one after the other."""
    parts, start = [], 0
    for name in reads:
        parts.append(kept[name] + start)
        start += widths[name]
    return torch.cat(parts)
