# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Find a release: a local folder, or a repository of the hub."""

from dataclasses import dataclass
from pathlib import Path

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.places import entered_path
from depth_refiner_ros.diffusion.releases.weights import lacking, pickled_patterns, safe_patterns
from depth_refiner_ros.models.catalogue import find, Model
from depth_refiner_ros.models.hub import fetch, is_hub_id

CACHED = 'models--'
RELEASED = ('refiner', 'base')


@dataclass(frozen=True, kw_only=True)
class Place:
    """
    A release on this machine.

    :param folder: holds unet, vae, scheduler, text_encoder and tokenizer
    :param asked: folder or id as given by the user
    :param source: its origin, for the bundle
    :param model: its entry in the catalogue, None if it is unknown
    """

    folder: Path
    asked: str
    source: str
    model: Model | None


def locate(where: str, *, pickles: bool = False) -> Place:
    """
    Find a release, downloading the needed files.

    :param where: a local folder, or a hub id with or without @revision
    :param pickles: also download pickled weights, for parts that have no others
    :raises WeightsError: if it is neither
    """
    folder = entered_path(where)
    if folder.is_dir():
        known = find(_name(folder))
        _check_kind(known, where)
        source = f'a copy of {known.id}' if known else f'the folder {folder.resolve().name}'
        return Place(folder=folder, asked=where, source=source, model=known)
    model = find(where.partition('@')[0])
    _check_kind(model, where)
    if model is not None and not model.on_hub:
        raise WeightsError(f'{where} is not on the hub: {model.get}')
    if folder.exists() or not is_hub_id(where):
        raise WeightsError(
            f'{where} is neither a folder nor a hub id (owner/name); give a '
            'bundle, or the folder that holds unet, vae, scheduler, text_encoder '
            'and tokenizer'
        )
    folder = fetch(where, safe_patterns())
    if lacking(folder):
        folder = fetch(where, safe_patterns('.fp16'))
    if pickles and lacking(folder):
        folder = fetch(where, pickled_patterns(lacking(folder)))
    name = where.partition('@')[0]
    return Place(folder=folder, asked=where, source=f'{name}@{folder.name[:12]}', model=model)


def _check_kind(model: Model | None, where: str) -> None:
    if model is not None and model.kind not in RELEASED:
        fix = f'use prior:={model.use}' if model.use else 'see depth-refiner models list'
        raise WeightsError(
            f'{where} is known as {model.id} ({model.what_for}), which is not a '
            f'refiner of this package; {fix}'
        )


def _name(folder: Path) -> str:
    """Return the name to look up; for a folder of the hub's cache, that of the repository."""
    repository = folder.resolve().parent.parent.name
    if repository.startswith(CACHED):
        return repository.removeprefix(CACHED).replace('--', '/')
    return folder.resolve().name
