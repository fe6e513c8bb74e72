# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read the weights of Prior Depth Anything: a folder of ``models import``, or its authors' files.

These are two: that of the conditioned network, and beside it that of a Depth Anything V2. The
first map of the condition is where depth was measured (``mask``, version 1.1 by the name of the
file), or the difference of both alignments (``error``, version 1.0).
"""

from dataclasses import asdict, dataclass
from pathlib import Path
import re

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.hub import fetch
from depth_refiner_ros.models.pickles import read_pickle
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES
from depth_refiner_ros.priors.loading import fill_from, fill_network, Tensors, unfilled
from depth_refiner_ros.priors.model_folder import read_config
from depth_refiner_ros.priors.prior_depth_anything_names import (
    is_conditioned,
    is_official,
    renamed,
)
from depth_refiner_ros.priors.prior_depth_anything_network import PriorDepthAnythingNetworks

NAME = MODEL_TYPE = 'prior_depth_anything'
FILE = 'model.safetensors'
MASK, ERROR = 'mask', 'error'
CONDITIONS = (MASK, ERROR)
FINE = re.compile(r'prior_depth_anything_vit.*\.pth')
RELATIVE = 'depth_anything_v2_{}.pth'
VERSION_1_1 = '_1_1'
LETTERS = {'small': 'vits', 'base': 'vitb', 'large': 'vitl'}
"""Size to what it is called in the names of files."""


@dataclass(frozen=True, kw_only=True)
class About:
    """
    What a folder says about its networks.

    :param architecture: size of the conditioned network
    :param relative: size of the Depth Anything V2
    :param condition: one of :data:`CONDITIONS`
    """

    architecture: str
    relative: str
    condition: str

    @property
    def strictest(self) -> str:
        """Return the size whose licence holds for both: only small ones are Apache-2.0."""
        return self.architecture if self.relative == 'small' else self.relative

    def config(self) -> dict[str, str]:
        """Return the contents of ``config.json``."""
        return {'model_type': MODEL_TYPE, **asdict(self)}


def published(size: str) -> tuple[str, ...]:
    """Return patterns of the authors' files of a size."""
    return f'prior_depth_anything_{LETTERS[size]}*.pth', RELATIVE.format(LETTERS[size])


def is_published(file: Path) -> bool:
    """Whether a file is by its name a conditioned network."""
    return FINE.fullmatch(file.name.lower()) is not None


def file_in(folder: Path) -> Path | None:
    """Return the authors' file in a folder, of version 1.1 if there are both; None without one."""
    there = sorted(file for file in folder.glob('*.pth') if is_published(file))
    return min(there, key=lambda file: VERSION_1_1 not in file.name, default=None)


def fetched(model_id: str) -> Path:
    """
    Return the authors' file of a model of the table, from the hub or its cache.

    :raises WeightsError: if the hub does not serve it
    """
    hub_id, name = model_id.split(':')
    size = next(size for size, letters in LETTERS.items() if letters == name)
    patterns = published(size)
    file = file_in(fetch(hub_id, patterns))
    if file is None:
        raise WeightsError(f'{hub_id} holds no {patterns[0]}; give the folder with this file')
    return file


def read_folder(folder: Path) -> tuple[PriorDepthAnythingNetworks, About]:
    """
    Build the networks in a folder of :func:`.import_checkpoint.import_prior_depth_anything`.

    :raises WeightsError: if the folder holds another model, or weights that do not fit
    """
    config = read_config(folder, NAME, MODEL_TYPE)
    known = {'architecture': ARCHITECTURES, 'relative': ARCHITECTURES, 'condition': CONDITIONS}
    for key, values in known.items():
        if not isinstance(config.get(key), str) or config[key] not in values:
            raise WeightsError(
                f'{folder / "config.json"}: {key} {shown(config.get(key))} is not one of '
                f'{", ".join(values)}; import the model again'
            )
    about = About(**{key: config[key] for key in known})
    networks = _empty(about)
    fill_network(networks, folder / FILE)
    return networks, about


def read_published(file: Path) -> tuple[PriorDepthAnythingNetworks, About]:
    """
    Build the networks of the authors' files.

    :param file: of the conditioned network
    :raises WeightsError: if that of a Depth Anything V2 does not lie beside it, or one of them is
        unreadable, of another network, incomplete, or not finite
    """
    fine = _read(file, conditioned=True)
    size = _size(fine)
    beside = [file.with_name(RELATIVE.format(LETTERS[one])) for one in (size, *ARCHITECTURES)]
    relative_file = next((one for one in beside if one.is_file()), None)
    if relative_file is None:
        raise WeightsError(
            f'{file} is the second of two networks; get {beside[0].name}, too, and put it beside '
            'the first'
        )
    relative = _read(relative_file, conditioned=False)
    about = About(
        architecture=size,
        relative=_size(relative),
        condition=MASK if VERSION_1_1 in file.name else ERROR,
    )
    networks = _empty(about)
    fill_from(networks.fine, file, renamed(fine))
    fill_from(networks.relative, relative_file, renamed(relative))
    return networks, about


def _read(file: Path, *, conditioned: bool) -> Tensors:
    """
    Return the tensors of a file, fp32.

    :raises WeightsError: if it does not hold the network that is wanted
    """
    state = read_pickle(file)
    if not is_official(state) or is_conditioned(state) is not conditioned:
        wanted = (
            'conditioned network of Prior Depth Anything'
            if conditioned
            else ('relative Depth Anything V2')
        )
        raise WeightsError(f'{file} does not hold a {wanted}; get the file again')
    width = state['pretrained.cls_token'].shape[-1]
    widths = [one.width for one in ARCHITECTURES.values()]
    if width not in widths:
        raise WeightsError(
            f'{file} has an encoder of width {width}, known {", ".join(map(str, widths))}; '
            'get the file of a small or base model'
        )
    return {name: value.float() for name, value in state.items()}


def _size(state: Tensors) -> str:
    width = state['pretrained.cls_token'].shape[-1]
    return next(size for size, one in ARCHITECTURES.items() if one.width == width)


def _empty(about: About) -> PriorDepthAnythingNetworks:
    shapes = ARCHITECTURES[about.relative], ARCHITECTURES[about.architecture]
    return unfilled(lambda: PriorDepthAnythingNetworks(*shapes))
