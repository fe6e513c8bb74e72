# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read the weights of Pixel-Perfect Depth: a folder of ``models import``, or its authors' files.

These are two: ``ppd.pth`` holds the transformer that Depth Anything V2's encoder prompts, and
``ppd_moge.pth`` that which MoGe-2's does; the encoder, which its authors did not train, is a file
of its own. Names and shapes of both transformers are the same, so that the file's name tells
which it is.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.hub import fetch
from depth_refiner_ros.models.pickles import read_pickle
from depth_refiner_ros.priors import depth_anything_v2_network, prior_depth_anything_names
from depth_refiner_ros.priors.dinov2 import Dinov2
from depth_refiner_ros.priors.loading import fill_from, fill_network, Tensors, unfilled
from depth_refiner_ros.priors.model_folder import read_config
from depth_refiner_ros.priors.moge2_network import Encoder
from depth_refiner_ros.priors.moge2_official import read_official
from depth_refiner_ros.priors.pixel_perfect_depth_names import is_official, renamed
from depth_refiner_ros.priors.pixel_perfect_depth_network import ARCHITECTURES, VelocityNetwork
from depth_refiner_ros.priors.pixel_perfect_depth_semantics import (
    DepthAnythingSemantics,
    MoGe2Semantics,
)
from torch import nn

NAME = MODEL_TYPE = 'pixel_perfect_depth'
FILE = 'model.safetensors'
DEPTH_ANYTHING, MOGE2 = 'depth_anything_v2', 'moge2'
FILES = {'ppd_moge.pth': MOGE2, 'ppd.pth': DEPTH_ANYTHING}
"""The authors' file to what prompts its transformer."""
ENCODERS = {
    DEPTH_ANYTHING: ('depth-anything/Depth-Anything-V2-Large', ('depth_anything_v2_vitl.pth',)),
    MOGE2: ('Ruicheng/moge-2-vitl-normal', ('model.pt', 'moge2.pt')),
}
"""What prompts to the hub id and the file of its encoder, by its name there, then by others."""
SIZE = 'large'
"""Of the encoders and the transformer."""


@dataclass(frozen=True, kw_only=True)
class About:
    """
    What a folder says about its networks.

    :param architecture: shape of the transformer
    :param semantics: what prompts it, a key of :data:`ENCODERS`
    :param taps: layers of the encoder, counted from 0, whose outputs it uses
    """

    architecture: str
    semantics: str
    taps: tuple[int, ...]

    def config(self) -> dict[str, Any]:
        """Return the contents of ``config.json``."""
        return {'model_type': MODEL_TYPE, **asdict(self)}


class PixelPerfectDepthNetworks(nn.Module):
    """
    Encoder and transformer, as a folder of weights holds them.

    :param about: their shapes
    """

    def __init__(self, about: About) -> None:
        super().__init__()
        one, size = ARCHITECTURES[about.architecture], depth_anything_v2_network.ARCHITECTURES
        shape = size[about.architecture]
        encoder = Dinov2(shape.width, shape.layers, shape.heads, about.taps)
        self.semantics: DepthAnythingSemantics | MoGe2Semantics = (
            DepthAnythingSemantics(encoder)
            if about.semantics == DEPTH_ANYTHING
            else MoGe2Semantics(Encoder(encoder, shape.width, one.semantics))
        )
        self.velocity = VelocityNetwork(one)


def is_published(file: Path) -> bool:
    """Whether a file is by its name a transformer of the authors."""
    return file.name in FILES


def file_in(folder: Path) -> Path | None:
    """Return the authors' file in a folder, that with MoGe-2 if there are both."""
    return next((folder / name for name in FILES if (folder / name).is_file()), None)


def fetched(model_id: str) -> Path:
    """
    Return the authors' file of a model of the table, from the hub or its cache.

    :raises WeightsError: if the hub does not serve it, or it is not on the hub
    """
    hub_id, _, semantics = model_id.partition(':')
    name = next(name for name, one in FILES.items() if one == (semantics or DEPTH_ANYTHING))
    if semantics:
        raise WeightsError(
            f'{model_id} is not on the hub; get {name} by the link in the README of '
            f'github.com/gangweix/pixel-perfect-depth, and import this file'
        )
    return fetch(hub_id, (name,)) / name


def read_folder(folder: Path) -> tuple[PixelPerfectDepthNetworks, About]:
    """
    Build the networks in a folder of :func:`.import_checkpoint.import_pixel_perfect_depth`.

    :raises WeightsError: if the folder holds another model, or weights that do not fit
    """
    config = read_config(folder, NAME, MODEL_TYPE)
    known: dict[str, tuple[str, ...]] = {
        'architecture': (*ARCHITECTURES,),
        'semantics': (*ENCODERS,),
    }
    where, fix = folder / 'config.json', 'import the model again'
    for key, values in known.items():
        if not isinstance(config.get(key), str) or config[key] not in values:
            raise WeightsError(
                f'{where}: {key} {shown(config.get(key))} is not one of {", ".join(values)}; {fix}'
            )
    layers = depth_anything_v2_network.ARCHITECTURES[config['architecture']].layers
    taps = config.get('taps')
    if not isinstance(taps, list) or not taps or any(tap not in range(layers) for tap in taps):
        raise WeightsError(f'{where}: taps {shown(taps)} are not of {layers} layers; {fix}')
    about = About(**{key: config[key] for key in known}, taps=tuple(taps))
    networks = unfilled(lambda: PixelPerfectDepthNetworks(about))
    fill_network(networks, folder / FILE)
    return networks, about


def read_published(file: Path) -> tuple[PixelPerfectDepthNetworks, About]:
    """
    Build the networks of the authors' files.

    :param file: of the transformer; that of the encoder lies beside it, or comes from the hub
    :raises WeightsError: if one of them is missing, unreadable, of another network, incomplete,
        or not finite
    """
    state = read_pickle(file)
    if not is_official(state):
        raise WeightsError(
            f'{file} does not hold a transformer of Pixel-Perfect Depth; get the file again'
        )
    semantics = FILES[file.name]
    encoder_file = _encoder_file(file, semantics)
    encoder, taps = (
        _depth_anything(encoder_file) if semantics == DEPTH_ANYTHING else _moge2(encoder_file)
    )
    about = About(architecture=SIZE, semantics=semantics, taps=taps)
    networks = unfilled(lambda: PixelPerfectDepthNetworks(about))
    fill_from(networks.velocity, file, _in_fp32(renamed(state)))
    fill_from(networks.semantics, encoder_file, encoder)
    return networks, about


def _encoder_file(file: Path, semantics: str) -> Path:
    """
    Return the file of the encoder: beside that of the transformer, or from the hub.

    :raises WeightsError: if it is neither here nor there
    """
    hub_id, names = ENCODERS[semantics]
    for beside in map(file.with_name, names):
        if beside.is_file():
            return beside
    try:
        return fetch(hub_id, names[:1]) / names[0]
    except WeightsError as error:
        raise WeightsError(
            f'{file} is the second of two networks, and the hub does not serve the first; get '
            f'{names[0]} of {hub_id}, and put it beside'
        ) from error


def _depth_anything(file: Path) -> tuple[Tensors, tuple[int, ...]]:
    """
    Return the weights of Depth Anything V2's encoder, and the layer whose output is used.

    :raises WeightsError: if the file holds another network
    """
    state = read_pickle(file)
    if not prior_depth_anything_names.is_official(state):
        raise WeightsError(f'{file} does not hold a Depth Anything V2; get the file again')
    last = depth_anything_v2_network.ARCHITECTURES[SIZE].layers - 1
    return _in_fp32(prior_depth_anything_names.renamed(state)), (last,)


def _moge2(file: Path) -> tuple[Tensors, tuple[int, ...]]:
    """
    Return the weights of MoGe-2's encoder, and the layers whose outputs are used.

    :raises WeightsError: if the file holds another network
    """
    config, state = read_official(file)
    return state, config.taps


def _in_fp32(state: Tensors) -> Tensors:
    return {name: value.float() for name, value in state.items()}
