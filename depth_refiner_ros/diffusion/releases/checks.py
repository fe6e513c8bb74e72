# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Refusing a release that would run and give nonsense.

Most mix-ups run in silence: a UNet without class embedding ignores the task, a v prediction read
as a sample gives a plausible picture, disparity looks like inverted depth.
"""

from collections.abc import Mapping
import re
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.releases.families import channels_of, FAMILIES, task_width
from depth_refiner_ros.diffusion.releases.places import Place

LIST = 'see depth-refiner models list'
GIVES_EITHER = ('lotus_g', 'lotus_d')
"""Families with releases of depth and of disparity, alike but for their weights."""
NOT_DEPTH = re.compile(
    r'normals|normal(?![a-z])|intrinsics?|(?<![a-z])iid(?![a-z])|lighting|'
    r'appearance'
)


def check_unet(place: Place, name: str, unet: Mapping[str, Any], *, widen: bool) -> None:
    """
    Compare a UNet's configuration with what its family needs.

    :raises WeightsError: where class, channels or class embedding are others
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
    if task_width(unet) != family.task:
        has = (
            f'a class embedding of width {task_width(unet)}'
            if task_width(unet)
            else ('no class embedding, so it would ignore the task without a word')
        )
        needs = f'one of width {family.task}' if family.task else 'none'
        raise WeightsError(
            f'{place.asked}: its UNet has {has}; {name} needs {needs}. It is another model: {LIST}'
        )


def check_output(place: Place, name: str, index: Mapping[str, Any]) -> None:
    """
    Refuse models that give something else than the depth that is needed.

    :raises WeightsError: for normals and the like; for disparity where a method needs depth
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
    """Return whether a release is known, or called, to predict disparity."""
    return (place.model.output if place.model else place.folder.name.lower()).endswith('disparity')


def output_notes(place: Place, name: str) -> list[str]:
    """Say that a family's output was read off a folder's name, where nothing else tells."""
    if name not in GIVES_EITHER or place.model is not None or gives_disparity(place):
        return []
    note = (
        f'{place.folder.name} is not in the catalogue and its files do not say whether it gives '
        'depth or disparity: it is read as depth; if it gives disparity, let the name of its '
        'folder end in disparity'
    )
    return [note]


def _why(channels: int, needed: int) -> str:
    if channels == 4 and needed == 8:
        return (
            ': one for each of two latents (Lotus-D takes one latent alone); to begin '
            'training from Stable Diffusion, say --widen'
        )
    if channels == 8 and needed == 4:
        return ', for the image alone; with two latents it may be Lotus-G'
    return ''
