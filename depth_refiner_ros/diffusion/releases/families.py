# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The official families of weights, and how to detect the family of a release."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.diffusion.releases.places import Place


@dataclass(frozen=True, kw_only=True)
class Traits:
    """
    The traits that distinguish variants of one family.

    :param preset: chosen by the user, one of the family's
    :param disparity: the network predicts disparity
    :param zero_snr: the scheduler leaves no signal at its last timestep
    :param ends_clean: a step of the scheduler beyond its first timestep ends at the clean estimate
    """

    preset: str
    disparity: bool = False
    zero_snr: bool = False
    ends_clean: bool = True


@dataclass(frozen=True, kw_only=True)
class Family:
    """
    One official layout.

    :param channels: input channels of the UNet
    :param task: width of its class embedding; 0 for none
    :param spec: returns how its weights are used
    :param presets: conventions to choose from, the default for released weights first
    :param leftovers: wrong values in its releases' schedulers, left over from the base model,
        which the official code never reads
    """

    channels: int
    task: int
    spec: Callable[[Traits], ModelSpec]
    presets: tuple[str, ...] = ('released', 'official_code')
    leftovers: tuple[str, ...] = ()


def _sharpdepth(traits: Traits) -> ModelSpec:
    # Releases contain one UNet; the paper's moving average was not published.
    return replace(sharpdepth_spec(traits.preset), guess='self')


def _lotus(kind: str) -> Callable[[Traits], ModelSpec]:
    def spec(traits: Traits) -> ModelSpec:
        return lotus_spec(kind, 'disparity' if traits.disparity else 'relative', traits.preset)

    return spec


def _marigold(traits: Traits) -> ModelSpec:
    return marigold_spec(
        'v1-1' if traits.zero_snr else 'v1-0', traits.preset, ends_clean=traits.ends_clean
    )


def _e2e_ft(traits: Traits) -> ModelSpec:
    # Its code starts from zeros and takes the scheduler's clean estimate.
    return replace(_marigold(replace(traits, ends_clean=True)), start='zeros')


SHARPDEPTH = ('released', 'official_code', 'paper', 'paper_tables')
FAMILIES = {
    'sharpdepth': Family(channels=8, task=4, spec=_sharpdepth, presets=SHARPDEPTH),
    'apdepth': Family(
        channels=8,
        task=0,
        spec=lambda traits: apdepth_spec(traits.preset),
        presets=('released', 'official_compat', 'paper', 'paper_tables', 'normalized'),
        leftovers=('v_prediction',),
    ),
    'lotus_g': Family(channels=8, task=4, spec=_lotus('g')),
    'lotus_d': Family(channels=4, task=4, spec=_lotus('d'), leftovers=('epsilon',)),
    'marigold': Family(channels=8, task=0, spec=_marigold),
    'e2e_ft': Family(channels=8, task=0, spec=_e2e_ft),
}
STARTS = {('lotus_g', 'sharpdepth')}
"""Families whose weights are the starting point of another, with the same shapes."""
PIPELINES = {
    'sharpdepth': 'sharpdepth',
    'apdepth': 'apdepth',
    'lotusg': 'lotus_g',
    'lotusd': 'lotus_d',
    'directregression': 'lotus_d',
}


def family_of(
    place: Place, method: str | None, index: Mapping[str, Any], unet: Mapping[str, Any]
) -> str:
    """
    Return the family that a release belongs to.

    :param method: the user's choice; ``lotus`` stands for either of its two
    :param index: ``model_index.json``
    :param unet: configuration of its UNet
    :raises WeightsError: if neither the user, the catalogue nor the files state it
    """
    known, use = ('', '') if place.model is None else (place.model.family, place.model.use)
    if method == 'lotus':
        method = 'lotus_d' if channels_of(unet) == FAMILIES['lotus_d'].channels else 'lotus_g'
    if method is not None:
        if method not in FAMILIES:
            methods = 'lotus', *FAMILIES
            raise WeightsError(
                f'method = {shown(method)} must be one of {", ".join(methods)}'
                f'{nearest(method, methods)}'
            )
        if known in FAMILIES and method != known and (known, method) not in STARTS:
            raise WeightsError(
                f'{place.asked} is known as {known}; read as {method} it would '
                f'give wrong depth. Use refiner:={use} (models import: no '
                '--method), or rename your own folder'
            )
        return method
    if known in FAMILIES:
        return known
    pipeline = str(index.get('_class_name', '')).lower()
    for start, family in PIPELINES.items():
        if pipeline.startswith(start):
            return family
    return _by_structure(place, unet)


def _by_structure(place: Place, unet: Mapping[str, Any]) -> str:
    shape = channels_of(unet), task_width(unet)
    fitting = [name for name, one in FAMILIES.items() if (one.channels, one.task) == shape]
    if len(fitting) == 1:
        return fitting[0]
    fix = (
        (
            f'convert it once and state which: depth-refiner models import --method '
            f'{" or ".join(fitting)}'
        )
        if fitting
        else (
            'Stable Diffusion is not a depth model; to start training from it, add --method '
            'apdepth --widen'
        )
    )
    raise WeightsError(
        f'{place.asked}: its UNet has {shape[0]} input channels and '
        f'{"a" if shape[1] else "no"} class embedding, as several models have; '
        f'{fix}'
    )


def spec_of(
    name: str,
    preset: str | None,
    *,
    disparity: bool = False,
    zero_snr: bool = False,
    ends_clean: bool = True,
) -> ModelSpec:
    """
    Return the conventions of a family's weights; see :class:`Traits` for the parameters.

    :param preset: None for the family's default
    :raises WeightsError: for a preset that the family does not have
    """
    known = FAMILIES[name].presets
    if preset is not None and preset not in known:
        raise WeightsError(
            f'preset = {shown(preset)}: {name} has {", ".join(known)}{nearest(preset, known)}'
        )
    return FAMILIES[name].spec(
        Traits(
            preset=preset or known[0],
            disparity=disparity,
            zero_snr=zero_snr,
            ends_clean=ends_clean,
        )
    )


def task_width(unet: Mapping[str, Any]) -> int:
    """Return the width of a UNet's class embedding; 0 for none."""
    if unet.get('class_embed_type') != 'projection':
        return 0
    return int(unet.get('projection_class_embeddings_input_dim') or 0)


def channels_of(unet: Mapping[str, Any]) -> int:
    """Return the number of a UNet's input channels."""
    return int(unet.get('in_channels', 4))
