# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the authors' code of Video Depth Anything calls its weights, and weights for them."""

from collections.abc import Iterator
from dataclasses import replace

from depth_refiner_ros.priors.depth_anything_3_network import Architecture
from depth_refiner_ros.priors.video_depth_anything_motion import positions
import numpy as np
from safetensors.torch import save_file
import torch

from tests.priors import official_depth_anything_3 as image_model
from tests.priors.official_depth_anything_3 import patterned, scattered

TINY = Architecture(
    width=32, heads=2, layers=4, taps=(0, 1, 2, 3), levels=(8, 8, 32, 32), features=32
)
HEIGHT, WIDTH = 70, 98


def _module(name: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    inside = f'{name}.temporal_transformer'
    block = f'{inside}.transformer_blocks.0'

    def layer(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f'{name}.weight', shape
        yield f'{name}.bias', shape[:1]

    for norm in (f'{inside}.norm', f'{block}.ff_norm', f'{block}.norms.0', f'{block}.norms.1'):
        yield from layer(norm, width)
    for ends in ('proj_in', 'proj_out'):
        yield from layer(f'{inside}.{ends}', width, width)
    for index in range(2):
        attention = f'{block}.attention_blocks.{index}'
        for part in ('to_q', 'to_k', 'to_v'):
            yield f'{attention}.{part}.weight', (width, width)
        yield from layer(f'{attention}.to_out.0', width, width)
    yield from layer(f'{block}.ff.net.0.proj', 8 * width, width)
    yield from layer(f'{block}.ff.net.2', width, 4 * width)


def official_shapes(one: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the authors' names and shapes of all learnt weights."""
    plain = image_model.official_shapes(replace(one, views_from=None))
    shapes = {
        name.removeprefix('backbone.'): shape
        for name, shape in plain.items()
        if 'sky_output' not in name
    }
    shapes['pretrained.mask_token'] = (1, one.width)
    unused = 'head.scratch.refinenet4.resConfUnit'
    shapes |= {
        name.replace(f'{unused}2', f'{unused}1'): shape
        for name, shape in shapes.items()
        if name.startswith(unused)
    }
    for index, width in enumerate((*one.levels[-2:], one.features, one.features)):
        shapes |= dict(_module(f'head.motion_modules.{index}', width))
    return shapes


def weights(one: Architecture) -> dict[str, torch.Tensor]:
    """Return weights that no generator sets, whose depth is above 0 and follows the past."""
    state = patterned(official_shapes(one))
    state['head.scratch.output_conv2.2.bias'].fill_(8.0)
    return state


def stored(one: Architecture) -> dict[str, torch.Tensor]:
    """Return all that the authors' file holds: weights, and positions in time."""
    state = weights(one)
    for index, width in enumerate((*one.levels[-2:], one.features, one.features)):
        for attention in range(2):
            name = (
                f'head.motion_modules.{index}.temporal_transformer.transformer_blocks.0.'
                f'attention_blocks.{attention}.pos_encoder.pe'
            )
            state[name] = positions(32, width, torch.zeros(1))[:, 0][None].clone()
    return state


def published(folder, one, *, name='metric_video_depth_anything_vits.pth', state=None):
    """Write the authors' file, a pickle or safetensors by its name, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    file, state = folder / name, stored(one) if state is None else state
    if file.suffix == '.pth':
        torch.save(state, file)
    else:
        save_file(state, file)
    return file


def frame(index: int) -> np.ndarray:
    """Return an image of 5 x 7 patches, uint8, the same on every machine."""
    noise = scattered(3 * HEIGHT * WIDTH, index).reshape(HEIGHT, WIDTH, 3)
    slow = scattered(3 * HEIGHT * WIDTH, 1000).reshape(HEIGHT, WIDTH, 3)
    return ((noise + slow.roll(index, 1)) * 30.0 + 127.0).clamp(0.0, 255.0).byte().numpy()


def unit(image_HW3: np.ndarray) -> torch.Tensor:
    """Return an image as priors take it."""
    return torch.from_numpy(image_HW3 / 255.0).float().permute(2, 0, 1)[None]
