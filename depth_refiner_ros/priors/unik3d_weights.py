# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read the weights of UniK3D: a folder as published, one of ``models import``, or a file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.bundle import read_json
from depth_refiner_ros.models.pickles import read_pickle
from depth_refiner_ros.priors.loading import fill_from, fill_network, Tensors, unfilled
from depth_refiner_ros.priors.model_folder import check_safetensors, read_any_config
from depth_refiner_ros.priors.unik3d_names import is_official, renamed
from depth_refiner_ros.priors.unik3d_network import ARCHITECTURES, UniK3DNetwork

NAME = MODEL_TYPE = 'unik3d'
FILE = 'model.safetensors'
PICKLE = 'pytorch_model.bin'
ENCODER = 'dinov2_{}14'
"""The authors' name of the encoder of a size."""


def size_in(config: Mapping[str, Any]) -> str | None:
    """Return the size that a configuration names; None if it is of another model."""
    if config.get('model_type') == MODEL_TYPE:
        return str(config.get('architecture'))
    model = config.get('model')
    if not isinstance(model, dict) or model.get('name') != 'UniK3D':
        return None
    encoder = model.get('pixel_encoder')
    name = encoder.get('name') if isinstance(encoder, dict) else None
    return next((size for size in ARCHITECTURES if name == ENCODER.format(size)), shown(name))


def pickle_in(folder: Path) -> Path | None:
    """Return the pickle of a UniK3D in a folder, None if there is none."""
    config, file = folder / 'config.json', folder / PICKLE
    if not (config.is_file() and file.is_file()):
        return None
    return file if size_in(read_json(config, 'copy the model again')) else None


def read_folder(folder: Path) -> tuple[UniK3DNetwork, str]:
    """
    Build the network in a folder.

    :return: it and its size, a key of :data:`ARCHITECTURES`
    :raises WeightsError: if the folder holds another model, pickles, or weights that do not fit
    """
    config = read_any_config(folder, NAME)
    size = size_in(config)
    if size not in ARCHITECTURES:
        kind = shown(config.get('model_type')) if size is None else f'UniK3D {size}'
        raise WeightsError(
            f'{folder} holds a model of type {kind}; prior {NAME} needs UniK3D '
            f'{", ".join(ARCHITECTURES)}'
        )
    check_safetensors(folder)
    network = _empty(size)

    def ours(state: Tensors) -> Tensors:
        state = renamed(state) if is_official(state) else state
        return {key: value.float() for key, value in state.items()}

    fill_network(network, folder / FILE, ours)
    return network, size


def read_published(file: Path) -> tuple[UniK3DNetwork, str]:
    """
    Build the network of the authors' pickle.

    :return: see :func:`read_folder`
    :raises WeightsError: if it is unreadable, of another network, incomplete, or not finite
    """
    state = read_pickle(file)
    widths = {one.width: size for size, one in ARCHITECTURES.items()}
    width = state['pixel_encoder.cls_token'].shape[-1] if is_official(state) else 0
    if width not in widths:
        raise WeightsError(
            f'{file} does not hold a UniK3D (encoder width {width or "unknown"}, known '
            f'{", ".join(map(str, widths))}); get {PICKLE} of lpiccinelli/unik3d-vits'
        )
    network = _empty(widths[width])
    state = renamed({name: value.float() for name, value in state.items()})
    fill_from(network, file, state)
    return network, widths[width]


def _empty(size: str) -> UniK3DNetwork:
    return unfilled(lambda: UniK3DNetwork(ARCHITECTURES[size]))
