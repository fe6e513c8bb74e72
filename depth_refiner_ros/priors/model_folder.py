# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Find the weights of a prior: a size, a folder or a hub id becomes a checked folder.

Only JSON and safetensors are downloaded or read; pickles are refused.
"""

from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SettingsError, WeightsError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.core.places import entered_path
from depth_refiner_ros.models.bundle import MANIFEST, PICKLES, read_json
from depth_refiner_ros.models.hub import fetch, is_hub_id
from depth_refiner_ros.priors.sizes import SIZES

WANTED = ('config.json', '*.safetensors', '*.safetensors.index.json')


def find_folder(prior: str, weights: str) -> Path:
    """
    Return the folder with a prior's weights.

    :param prior: name in the registry
    :param weights: a size of :data:`SIZES`, a folder, or a hub id, which is downloaded unless it
        is in the cache
    :raises SettingsError: if it is empty, or an unknown size
    :raises WeightsError: if there is no such folder or it cannot be downloaded
    """
    known = SIZES[prior]
    if weights in known:
        return fetch(known[weights], WANTED)
    path = entered_path(weights)
    if path.is_dir():
        return path
    example = next(iter(known.values()))
    sizes = f'one of {", ".join(known)}, a folder, or a hub id such as {example}'
    if weights == 'bundled':
        raise SettingsError(f'prior {prior} comes without weights; set prior_weights to {sizes}')
    if is_hub_id(weights):
        return fetch(weights, WANTED)
    if '/' not in weights:
        raise SettingsError(
            f'prior_weights = {shown(weights)} is neither a size of {prior} nor a folder; '
            f'use {sizes}{nearest(weights, known)}'
        )
    raise WeightsError(f'{weights} is not a folder; prior {prior} takes {sizes}')


def imported_folder(prior: str, weights: str, published: str, *, otherwise: str = '') -> Path:
    """
    Return the folder of a model that is published as pickles, as ``models import`` wrote it.

    :param prior: name in the registry
    :param published: what to import, as it is typed
    :param otherwise: what else to do, or where that is
    :raises SettingsError: if it is no folder
    """
    folder = entered_path(weights)
    if folder.is_dir():
        return folder
    why = f'prior_weights = {shown(weights)} is not a folder; {prior} is published as pickles'
    if weights == 'bundled':
        why = f'prior {prior} comes without weights'
    raise SettingsError(
        f'{why}: type depth-refiner models import {published} FOLDER once and set prior_weights '
        f'to FOLDER{otherwise}'
    )


def read_config(folder: Path, prior: str, model_type: str) -> dict[str, Any]:
    """
    Read the configuration and check that the prior can read the folder.

    :param model_type: required ``model_type`` of the configuration
    :raises WeightsError: for a bundle of this package, another model, pickles, or missing files
    """
    config = read_any_config(folder, prior)
    found = config.get('model_type')
    if found != model_type:
        raise WeightsError(
            f'{folder} holds a model of type {shown(found)}; prior {prior} needs '
            f'{shown(model_type)}'
        )
    check_safetensors(folder)
    return config


def read_any_config(folder: Path, prior: str) -> dict[str, Any]:
    """
    Read the configuration of a model of any type.

    :raises WeightsError: for a bundle of this package, or a missing or broken configuration
    """
    if (folder / MANIFEST).is_file():
        raise WeightsError(
            f'{folder} is a bundle of this package, not a model for prior {prior}; '
            'use prior:=bundled for a prior bundle'
        )
    file = folder / 'config.json'
    if not file.is_file():
        raise WeightsError(
            f'{folder} holds no config.json; prior {prior} needs the folder as '
            'published, with config.json and safetensors'
        )
    return read_json(file, 'copy the model again')


def check_safetensors(folder: Path) -> None:
    """
    Raise unless there are weights that can be read without unpickling.

    :raises WeightsError: if there are none
    """
    if any(folder.glob('*.safetensors')):
        return
    pickles = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in PICKLES)
    if pickles:
        raise WeightsError(
            f'{folder} holds only a pickle ({pickles[0]}), which is never loaded; '
            'convert it once with depth-refiner models import'
        )
    raise WeightsError(f'{folder} holds no safetensors; copy the model again')


def size_mb(folder: Path) -> float:
    """Return the size of a folder's weights."""
    return sum(file.stat().st_size for file in folder.glob('*.safetensors')) / 1e6
