# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read the weights of InfiniDepth: a folder of ``models import``, or its authors' file."""

from pathlib import Path

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.hub import fetch
from depth_refiner_ros.models.pickles import read_pickle
from depth_refiner_ros.priors.infinidepth_names import is_official, is_prompted, PREFIX, renamed
from depth_refiner_ros.priors.infinidepth_network import ARCHITECTURES, InfiniDepthNetworks
from depth_refiner_ros.priors.loading import fill_from, fill_network, unfilled
from depth_refiner_ros.priors.model_folder import read_config

NAME, SENSOR = PRIORS = ('infinidepth', 'infinidepth_sensor')
FILES = {NAME: 'infinidepth.ckpt', SENSOR: 'infinidepth_depthsensor.ckpt'}
"""Prior, which is the type of model in a folder, too, to the authors' file."""
FILE = 'model.safetensors'


def is_published(file: Path) -> bool:
    """Whether a file has the name of one of the authors'."""
    return file.name in FILES.values()


def file_in(folder: Path) -> Path | None:
    """
    Return the authors' file in a folder; None without one.

    :raises WeightsError: if there are both
    """
    there = [folder / name for name in FILES.values() if (folder / name).is_file()]
    if len(there) > 1:
        raise WeightsError(
            f'{folder} holds {" and ".join(FILES.values())}; name the file to import'
        )
    return there[0] if there else None


def fetched(model_id: str) -> Path:
    """
    Return the authors' file of a model of the table, from the hub or its cache.

    :raises WeightsError: if the hub does not serve it
    """
    hub_id, name = model_id.split(':')
    file = fetch(hub_id, (f'{name}.ckpt',)) / f'{name}.ckpt'
    if not file.is_file():
        raise WeightsError(f'{hub_id} holds no {file.name}; give the folder with this file')
    return file


def read_folder(folder: Path, prior: str) -> tuple[InfiniDepthNetworks, str]:
    """
    Build the networks in a folder of :func:`.import_checkpoint.import_infinidepth`.

    :param prior: one of :data:`PRIORS`
    :return: them and their size
    :raises WeightsError: if the folder holds another model, or weights that do not fit
    """
    size = read_config(folder, prior, prior).get('architecture')
    if not isinstance(size, str) or size not in ARCHITECTURES:
        raise WeightsError(
            f'{folder / "config.json"}: architecture {shown(size)} is not one of '
            f'{", ".join(ARCHITECTURES)}; import the model again'
        )
    networks = _empty(size, prior)
    fill_network(networks, folder / FILE)
    return networks, size


def read_published(file: Path) -> tuple[InfiniDepthNetworks, str, str]:
    """
    Build the networks of the authors' file.

    :return: them, their prior, one of :data:`PRIORS`, and their size
    :raises WeightsError: if it is unreadable, of another network, incomplete, or not finite
    """
    state = {name.removeprefix(PREFIX): value.float() for name, value in read_pickle(file).items()}
    widths = {one.width: size for size, one in ARCHITECTURES.items()}
    width = state['pretrained.cls_token'].shape[-1] if is_official(state) else 0
    if width not in widths:
        raise WeightsError(
            f'{file} does not hold an InfiniDepth (encoder width {width or "unknown"}, known '
            f'{", ".join(map(str, widths))}); get {" or ".join(FILES.values())} of '
            'ritianyu/InfiniDepth'
        )
    prior = SENSOR if is_prompted(state) else NAME
    networks = _empty(widths[width], prior)
    fill_from(networks, file, renamed(state))
    return networks, prior, widths[width]


def _empty(size: str, prior: str) -> InfiniDepthNetworks:
    return unfilled(lambda: InfiniDepthNetworks(ARCHITECTURES[size], prompted=prior == SENSOR))
