# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Refuse a release that would run but give wrong depth.

Most mix-ups cause no error: a UNet without class embedding ignores the task, a v prediction read
as a sample gives a plausible image, disparity looks like inverted depth.
"""

from collections.abc import Mapping
import re
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.releases.families import channels_of, FAMILIES, task_width
from depth_refiner_ros.diffusion.releases.places import Place

LIST = 'see depth-refiner models list'
GIVES_EITHER = ('lotus_g', 'lotus_d')
"""Families with releases of depth and of disparity that differ only in their weights."""
NOT_DEPTH = re.compile(
    r'normals|normal(?![a-z])|intrinsics?|(?<![a-z])iid(?![a-z])|lighting|'
    r'appearance'
)


def check_unet(place: Place, name: str, unet: Mapping[str, Any], *, widen: bool) -> None:
    """
    Compare a UNet's configuration with the needs of its family.

    :raises WeightsError: if class, channels or class embedding differ
    """
    family = FAMILIES[name]
    known = unet.get('_class_name', 'UNet2DConditionModel')
    if known != 'UNet2DConditionModel':
        raise WeightsError(
            f'{place.asked}: its UNet is a {known}, which only its own code can '
            'build; see depth-refiner models list'
        )
    channels = channels_of(unet)
    if channels != family.channels and not (widen and family.channels % channels == 0):
        raise WeightsError(
            f'{place.asked}: its UNet has {channels} input channels, {name} needs '
            f'{family.channels}{_why(channels, family.channels)}'
        )
    if task_width(unet) != family.task and not (widen and not task_width(unet)):
        has = (
            f'a class embedding of width {task_width(unet)}'
            if task_width(unet)
            else ('no class embedding, so it would silently ignore the task')
        )
        needs = f'one of width {family.task}' if family.task else 'none'
        raise WeightsError(
            f'{place.asked}: its UNet has {has}; {name} needs {needs}. It is another model: {LIST}'
        )


def check_output(place: Place, name: str, index: Mapping[str, Any]) -> None:
    """
    Refuse models that predict anything but the needed kind of depth.

    :raises WeightsError: for normals and the like; for disparity if a method needs depth
    """
    called = place.model.short if place.model else place.folder.name
    words = f'{index.get("_class_name", "")} {index.get("prediction_type", "")} {called}'.lower()
    other = NOT_DEPTH.search(words)
    if other is not None:
        raise WeightsError(f'{place.asked} predicts {other.group()}, not depth; {LIST}')
    if gives_disparity(place) and name not in GIVES_EITHER:
        raise WeightsError(
            f'{place.asked} predicts disparity, {name} needs depth; use '
            'jingheya/lotus-depth-g-v1-0'
        )


def gives_disparity(place: Place) -> bool:
    """Whether a release predicts disparity, by the catalogue or its name."""
    return (place.model.output if place.model else place.folder.name.lower()).endswith('disparity')


def output_notes(place: Place, name: str) -> list[str]:
    """Return a note if only a folder's name tells whether it predicts depth or disparity."""
    if name not in GIVES_EITHER or place.model is not None or gives_disparity(place):
        return []
    note = (
        f'{place.folder.name} is not in the catalogue and its files do not state whether it gives '
        'depth or disparity: it is read as depth; if it gives disparity, rename its folder to '
        'end in disparity'
    )
    return [note]


def _why(channels: int, needed: int) -> str:
    if channels == 4 and needed == 8:
        return (
            ': one for each of two latents (Lotus-D takes only one latent); to start '
            'training from Stable Diffusion, add --widen'
        )
    if channels == 8 and needed == 4:
        return ', for the image only; with two latents it may be Lotus-G'
    return ''
