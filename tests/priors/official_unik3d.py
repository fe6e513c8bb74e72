# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the authors' code of UniK3D calls its weights, and weights for them."""

from collections.abc import Iterator
import json

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.lens import Camera, Lens
from depth_refiner_ros.priors.unik3d_network import Architecture
from safetensors.torch import save_file
import torch

from tests.priors.official_depth_anything_3 import patterned, scattered

TINY = Architecture(width=32, heads=2, layers=4, taps=(0, 1, 2, 3), features=32)
HEIGHT, WIDTH = 70, 98
Shapes = Iterator[tuple[str, tuple[int, ...]]]


def fisheye(matrix: Intrinsics, *coefficients: float) -> Lens:
    """Return a fisheye lens."""
    view = Intrinsics.from_fov(matrix.width, matrix.height, 90.0)
    return Lens(model='equidistant', matrix=matrix, coefficients=coefficients, view=view)


CAMERAS: dict[str, Camera | None] = {
    'pinhole': Intrinsics.from_fov(WIDTH, HEIGHT, 70.0),
    'fisheye': fisheye(
        Intrinsics(fx=45.0, fy=46.0, cx=50.0, cy=33.0, width=WIDTH, height=HEIGHT), 0, 0, 0, 0
    ),
    '': None,
}
"""Of the image; the authors' rays of this fisheye are exact, as it takes them no iteration."""


def _layer(name: str, *shape: int) -> Shapes:
    yield f'{name}.weight', shape
    yield f'{name}.bias', shape[:1]


def _encoder(one: Architecture) -> Shapes:
    width = one.width
    yield 'cls_token', (1, 1, width)
    yield 'pos_embed', (1, 1370, width)
    yield 'mask_token', (1, width)
    yield 'register_tokens', (1, 1, width)
    yield from _layer('patch_embed.proj', width, 3, 14, 14)
    yield from _layer('norm', width)
    for index in range(one.layers):
        block = f'blocks.{index}'
        for norm in ('norm1', 'norm2'):
            yield from _layer(f'{block}.{norm}', width)
        yield from _layer(f'{block}.attn.qkv', 3 * width, width)
        yield from _layer(f'{block}.attn.proj', width, width)
        yield from _layer(f'{block}.mlp.fc1', 4 * width, width)
        yield from _layer(f'{block}.mlp.fc2', width, 4 * width)
        yield f'{block}.ls1.gamma', (width,)
        yield f'{block}.ls2.gamma', (width,)


def _hidden(name: str, width: int, wide: int, outputs: int) -> Shapes:
    yield from _layer(f'{name}.norm', width)
    yield from _layer(f'{name}.proj1', wide, width)
    yield from _layer(f'{name}.proj2', outputs, wide)


def _attention(name: str, width: int, *, scaled: bool) -> Shapes:
    yield from _hidden(f'{name}.mlp', width, 4 * width, width)
    yield f'{name}.kv.weight', (2 * width, width)
    yield f'{name}.q.weight', (width, width)
    yield f'{name}.out.weight', (width, width)
    for norm in ('norm_attnx', 'norm_attnctx'):
        yield from _layer(f'{name}.{norm}', width)
    if scaled:
        yield f'{name}.ls1_1.gamma', (width,)
        yield f'{name}.ls2.gamma', (width,)


def _decoder(one: Architecture) -> Shapes:
    width = one.features
    yield 'level_embeds', (1, 1, 4, width)
    for index in range(4):
        yield from _layer(f'input_adapter.input_adapters.{index}', width, one.width)
        yield from _layer(f'camera_token_adapter.input_adapters.{index}', width, one.width)
        name = f'radial_module.prompt_camera.{index}.layers.0'
        yield from _attention(name, width, scaled=False)
    angular, radial = 'angular_module', 'radial_module'
    yield f'{angular}.latents_pos', (1, 18, width)
    for place in (1, 2):
        yield from _attention(f'{angular}.aggregate{place}', width, scaled=True)
    for name, count, outputs in (('pin', 3, 1), ('deg1', 3, 3), ('deg2', 5, 3), ('deg3', 7, 3)):
        yield f'{angular}.project_{name}.weight', (count * width, width)
        out = 'out_pinhole' if name == 'pin' else f'out_{name}'
        yield from _hidden(f'{angular}.{out}', width, width, outputs)
    yield from _layer(f'{radial}.to_latents', width, width)
    for index, inside in enumerate((width, width, width // 2)):
        entry, side = f'{radial}.process_features.{index}', max(1, 2 * index)
        yield f'{entry}.weight', (width, inside, side, side)
        yield f'{entry}.bias', (inside,)
        stage = f'{radial}.ups.{index}'
        for unit in range(2):
            yield f'{stage}.convs.{unit}.gamma', (1, inside, 1, 1)
            for conv in ('conv1', 'conv2'):
                yield from _layer(f'{stage}.convs.{unit}.{conv}', inside, inside, 3, 3)
        yield from _layer(f'{stage}.up.0', width // 2**index, inside, 1, 1)
    last = width // 4
    for name in ('depth_mlp.2', 'confidence_mlp'):
        yield from _layer(f'{radial}.{name}.0', last)
        yield from _layer(f'{radial}.{name}.1', last, last)
    for name in ('depth', 'confidence'):
        yield from _layer(f'{radial}.to_{name}_lr', last // 2, last, 3, 3)
        yield from _layer(f'{radial}.to_{name}_hr.0', 32, last // 2, 3, 3)
        yield from _layer(f'{radial}.to_{name}_hr.2', 1, 32, 1, 1)


def official_shapes(one: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the authors' names and shapes of all weights."""
    return {
        **{f'pixel_encoder.{name}': shape for name, shape in _encoder(one)},
        **{f'pixel_decoder.{name}': shape for name, shape in _decoder(one)},
    }


def weights(one: Architecture) -> dict[str, torch.Tensor]:
    """Return weights that no generator sets, whose estimated rays are those of a wide lens."""
    state = patterned(official_shapes(one))
    for name in ('deg1', 'deg2', 'deg3'):
        state[f'pixel_decoder.angular_module.out_{name}.proj2.weight'] *= 0.05
        state[f'pixel_decoder.angular_module.out_{name}.proj2.bias'] *= 0.05
    ahead = torch.tensor([0.0, 0.0, 2.0])
    state['pixel_decoder.angular_module.out_deg1.proj2.bias'] = ahead
    return state


def published(folder, one, *, size='vits', config=None, pickle=False):
    """Write a folder as on the hub."""
    folder.mkdir(parents=True, exist_ok=True)
    state = weights(one)
    if pickle:
        torch.save(state, folder / 'pytorch_model.bin')
    else:
        save_file(state, folder / 'model.safetensors')
    named = {'model': {'name': 'UniK3D', 'pixel_encoder': {'name': f'dinov2_{size}14'}}}
    (folder / 'config.json').write_text(json.dumps(named if config is None else config))
    return folder


def image() -> torch.Tensor:
    """Return an image in 0..1 in bytes, the same on every machine."""
    noise = scattered(3 * HEIGHT * WIDTH, 1).reshape(1, 3, HEIGHT, WIDTH)
    return (noise * 50.0 + 127.0).clamp(0.0, 255.0).round() / 255.0
