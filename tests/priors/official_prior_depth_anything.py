# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the authors' code of Prior Depth Anything calls its weights, and weights for them."""

from dataclasses import replace

from depth_refiner_ros.priors.depth_anything_3_network import Architecture
import torch

from tests.priors import official_depth_anything_3 as image_model
from tests.priors.official_depth_anything_3 import patterned, scattered

TINY = Architecture(
    width=32, heads=2, layers=12, taps=(2, 5, 8, 11), levels=(8, 8, 16, 16), features=16
)
HEIGHT, WIDTH = 70, 98
FINE, RELATIVE = 'prior_depth_anything_vits_1_1.pth', 'depth_anything_v2_vits.pth'
OLD_FINE = 'prior_depth_anything_vits.pth'
LAST = 'depth_head.scratch.output_conv2.'


def relative_shapes(one: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the authors' names and shapes of the weights of a Depth Anything V2."""
    plain = image_model.official_shapes(replace(one, views_from=None))
    shapes = {
        name.removeprefix('backbone.').replace('head.', 'depth_head.', 1): shape
        for name, shape in plain.items()
        if 'sky_output' not in name
    }
    unused = 'depth_head.scratch.refinenet4.resConfUnit'
    return {
        **shapes,
        'pretrained.mask_token': (1, one.width),
        **{
            name.replace(f'{unused}2', f'{unused}1'): shape
            for name, shape in shapes.items()
            if name.startswith(unused)
        },
    }


def fine_shapes(one: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the authors' names and shapes of the weights of the conditioned network."""
    shapes = {
        name.replace(LAST, f'{LAST}0.'): shape
        for name, shape in relative_shapes(one).items()
        if 'mask_token' not in name and 'refinenet4.resConfUnit1' not in name
    }
    condition = 'pretrained.patch_embed.alpha_proj'
    return {
        **shapes,
        f'{condition}.weight': (one.width, 3, 14, 14),
        f'{condition}.bias': (one.width,),
    }


def weights(one: Architecture) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return weights of both networks that no generator sets, whose disparity is above 0."""
    relative, fine = patterned(relative_shapes(one)), patterned(fine_shapes(one))
    relative[f'{LAST}2.bias'].fill_(6.0)
    fine[f'{LAST}0.2.bias'].fill_(3.5)
    fine['pretrained.patch_embed.alpha_proj.weight'] *= 4.0
    return relative, fine


def published(folder, one, *, fine=FINE, change=lambda relative, fine: None):
    """Write both files as on the hub, and return the path of the conditioned network."""
    folder.mkdir(parents=True, exist_ok=True)
    states = weights(one)
    change(*states)
    torch.save(states[0], folder / RELATIVE)
    torch.save({'model': {f'module.{key}': one for key, one in states[1].items()}}, folder / fine)
    return folder / fine


def image() -> torch.Tensor:
    """Return an image in 0..1 in bytes, the same on every machine."""
    noise = scattered(3 * HEIGHT * WIDTH, 1).reshape(1, 3, HEIGHT, WIDTH)
    return (noise * 50.0 + 127.0).clamp(0.0, 255.0).round() / 255.0


def sloping_m(height: int = HEIGHT, width: int = WIDTH) -> torch.Tensor:
    """Return a depth map from 1 to 4 m that waves."""
    across = torch.linspace(0.0, 1.0, width)
    down = torch.linspace(0.0, 1.0, height)[:, None]
    return (1.0 + 2.0 * across + down * (1.0 + (9.0 * across).sin()) / 2.0)[None, None]


def points_m(share: float, height: int = HEIGHT, width: int = WIDTH) -> torch.Tensor:
    """Return the same of some pixels, NaN elsewhere."""
    kept = scattered(height * width, 2).abs().reshape(1, 1, height, width) < share * 3.0**0.5
    return sloping_m(height, width).where(kept, torch.nan)
