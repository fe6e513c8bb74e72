# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read the weights of Depth Anything 3: a folder as published, or one of ``models import``.

The published ``config.json`` names the network as ``model_name``, an imported one as
``architecture``. Names of weights tell the two apart.
"""

from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.bundle import read_json
from depth_refiner_ros.priors.depth_anything_3_names import is_official, renamed
from depth_refiner_ros.priors.depth_anything_3_network import (
    ARCHITECTURES,
    DepthAnything3Network,
    METRIC,
)
from depth_refiner_ros.priors.loading import fill_network, Tensors, unfilled
from depth_refiner_ros.priors.model_folder import check_safetensors, read_any_config
from safetensors import safe_open, SafetensorError

MODEL_TYPE = 'depth_anything_3'
METRIC_PRIOR, RELATIVE_PRIOR = 'depth_anything_3_metric', 'depth_anything_3'
PRIORS = (METRIC_PRIOR, RELATIVE_PRIOR)
FILE = 'model.safetensors'


def prior_of(architecture: str) -> str:
    """Return the prior that takes an architecture."""
    return METRIC_PRIOR if architecture == METRIC else RELATIVE_PRIOR


def known_for(prior: str) -> list[str]:
    """Return the architectures that a prior takes."""
    return [name for name in ARCHITECTURES if prior_of(name) == prior]


def name_in(config: dict[str, Any]) -> str | None:
    """Return the name of the network in a configuration; None if it is none of this family."""
    if config.get('model_type') == MODEL_TYPE:
        return str(config.get('architecture'))
    name = config.get('model_name')
    return name if isinstance(name, str) and name.lower().startswith('da3') else None


def architecture_of(folder: Path, prior: str) -> str:
    """
    Return the name of the architecture in a folder, a key of :data:`ARCHITECTURES`.

    :raises WeightsError: for a bundle, another model, one that the prior does not take, pickles,
        or missing files
    """
    config = read_any_config(folder, prior)
    found, wanted = name_in(config), known_for(prior)
    if found is None:
        if is_weights(folder / FILE):
            raise WeightsError(
                f'{folder / "config.json"} names no model_name of Depth Anything 3; convert the '
                f'folder once with depth-refiner models import --method {" or ".join(wanted)}'
            )
        kind = shown(config.get('model_type', config.get('model_name')))
        raise WeightsError(
            f'{folder} holds a model of type {kind}; prior {prior} needs {" or ".join(wanted)}'
        )
    if found not in ARCHITECTURES:
        raise WeightsError(
            f'{folder} holds {shown(found)}, which is not read; prior {prior} takes '
            f'{" or ".join(wanted)}'
        )
    if found not in wanted:
        raise WeightsError(
            f'{folder} holds {found}; prior {prior} takes {" or ".join(wanted)}: use '
            f'prior:={prior_of(found)}'
        )
    check_safetensors(folder)
    return found


def read_network(folder: Path, prior: str) -> tuple[DepthAnything3Network, str]:
    """
    Build the network in a folder.

    :return: it and the name of its architecture
    :raises WeightsError: see :func:`architecture_of`, or if the weights do not fit
    """
    name = architecture_of(folder, prior)
    return network_of(folder / FILE, name), name


def network_of(file: Path, name: str) -> DepthAnything3Network:
    """
    Build a network from a file of weights by the authors' names or those here.

    :param name: of the architecture
    :raises WeightsError: if weights are missing, of another width, or not finite
    """
    network = unfilled(lambda: DepthAnything3Network(ARCHITECTURES[name]))
    width = ARCHITECTURES[name].width

    def ours(state: Tensors) -> Tensors:
        state = renamed(state) if is_official(state) else state
        token = state.get('encoder.first')
        if token is not None and token.shape[-1] != width:
            raise WeightsError(
                f'{file} has tokens of {token.shape[-1]} features, {name} of {width}; weights '
                'and config.json belong to different models'
            )
        return {key: value.float() for key, value in state.items()}

    fill_network(network, file, ours)
    return network


def is_weights(file: Path) -> bool:
    """Whether a file is safetensors with the authors' names; only its header is read."""
    if file.suffix.lower() != '.safetensors' or not file.is_file():
        return False
    try:
        with safe_open(file, 'pt') as tensors:
            return is_official(tensors.keys())
    except (SafetensorError, OSError):
        return False


def config_beside(file: Path) -> str | None:
    """Return the name of the network in the ``config.json`` beside a file, if there is one."""
    config = file.with_name('config.json')
    return name_in(read_json(config, 'copy the model again')) if config.is_file() else None
