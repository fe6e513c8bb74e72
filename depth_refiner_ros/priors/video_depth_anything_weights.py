# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read the weights of Video Depth Anything: a folder of ``models import``, or the authors' file.

Metric and relative models have the same weights by name and shape; only the name of their file
tells which it is.
"""

from collections.abc import Mapping
from pathlib import Path

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.pickles import read_pickle
from depth_refiner_ros.priors.depth_anything_v2_network import ARCHITECTURES
from depth_refiner_ros.priors.loading import fill_from, fill_network, unfilled
from depth_refiner_ros.priors.model_folder import read_config
from depth_refiner_ros.priors.video_depth_anything_motion import positions, WINDOW
from depth_refiner_ros.priors.video_depth_anything_names import COMPUTED, is_official, renamed
from depth_refiner_ros.priors.video_depth_anything_network import VideoDepthAnythingNetwork
from safetensors import SafetensorError
from safetensors.torch import load_file
import torch

NAME = MODEL_TYPE = 'video_depth_anything'
FILE = 'model.safetensors'
METRIC_FILE, RELATIVE_FILE = 'metric_video_depth_anything_', 'video_depth_anything_'
"""What the names of published files begin with."""
ROUNDED = 2e-3
"""Largest difference of positions that were stored in half precision."""
SUFFIXES = ('.pth', '.safetensors')
PUBLISHED = tuple(f'{METRIC_FILE}vit*{suffix}' for suffix in SUFFIXES)


def file_in(folder: Path) -> Path | None:
    """Return the authors' file in a folder, None if there is none."""
    there = (file for pattern in PUBLISHED for file in sorted(folder.glob(pattern)))
    return next(there, None)


def is_published(file: Path) -> bool:
    """
    Whether a file is by its name a metric Video Depth Anything.

    :raises WeightsError: if it is a relative one
    """
    name = file.name.lower()
    if file.suffix.lower() not in SUFFIXES:
        return False
    if name.startswith(RELATIVE_FILE):
        raise WeightsError(
            f'{file} is by its name a relative Video Depth Anything, which predicts disparity and '
            f'is not read; get {METRIC_FILE}vits.pth'
        )
    return name.startswith(METRIC_FILE)


def read_folder(folder: Path) -> tuple[VideoDepthAnythingNetwork, str]:
    """
    Build the network in a folder of :func:`.import_checkpoint.import_video_depth_anything`.

    :return: it and its size, a key of :data:`ARCHITECTURES`
    :raises WeightsError: if the folder holds another model, or weights that do not fit
    """
    size = read_config(folder, NAME, MODEL_TYPE).get('architecture')
    if not isinstance(size, str) or size not in ARCHITECTURES:
        raise WeightsError(
            f'{folder / "config.json"}: architecture {shown(size)} is not one of '
            f'{", ".join(ARCHITECTURES)}; import the model again'
        )
    network = _empty(size)
    fill_network(network, folder / FILE)
    return network, size


def read_published(file: Path) -> tuple[VideoDepthAnythingNetwork, str]:
    """
    Build the network of the authors' file.

    :return: see :func:`read_folder`
    :raises WeightsError: if it is unreadable, of another network, incomplete, or not finite
    """
    if file.suffix.lower() == '.safetensors':
        try:
            state = load_file(file)
        except (SafetensorError, OSError) as error:
            raise WeightsError(
                f'{file} is not readable safetensors: {error}; copy it again'
            ) from error
    else:
        state = read_pickle(file)
    size = _size(file, state)
    network = _empty(size)
    state = {name: value.float() for name, value in state.items()}
    _check_positions(file, state)
    state = renamed(state)
    fill_from(network, file, state)
    return network, size


def _size(file: Path, state: Mapping[str, torch.Tensor]) -> str:
    widths = {one.width: size for size, one in ARCHITECTURES.items()}
    width = state['pretrained.cls_token'].shape[-1] if is_official(state) else 0
    if width not in widths:
        raise WeightsError(
            f'{file} does not hold a Video Depth Anything (encoder width {width or "unknown"}, '
            f'known {", ".join(map(str, widths))}); get {METRIC_FILE}vits.pth'
        )
    return widths[width]


def _check_positions(file: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Raise unless the stored positions in time are those that are computed here."""
    for name, stored in state.items():
        if not name.endswith(COMPUTED):
            continue
        shape, wanted = stored.shape, None
        if len(shape) == 3 and shape[1] == WINDOW and shape[2] % 2 == 0:
            wanted = positions(WINDOW, shape[2], stored)[None, :, 0]
        if wanted is None or not torch.allclose(stored, wanted, atol=ROUNDED):
            raise WeightsError(
                f'{file}: {name} holds other positions in time than those of the published '
                'models; get the file again'
            )


def _empty(size: str) -> VideoDepthAnythingNetwork:
    return unfilled(lambda: VideoDepthAnythingNetwork(ARCHITECTURES[size]))
