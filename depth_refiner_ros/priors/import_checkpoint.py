# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Convert published weights to the folders that priors read."""

import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.atomic import staged_folder
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.models.bundle import save_tensors
from depth_refiner_ros.models.pickles import read_pickle
from depth_refiner_ros.priors import depth_anything_3_weights as depth_anything_3
from depth_refiner_ros.priors import infinidepth_weights as infinidepth
from depth_refiner_ros.priors import moge2
from depth_refiner_ros.priors import pixel_perfect_depth_weights as pixel_perfect_depth
from depth_refiner_ros.priors import prior_depth_anything_weights as prior_depth_anything
from depth_refiner_ros.priors import unik3d_weights as unik3d
from depth_refiner_ros.priors import video_depth_anything_weights as video_depth_anything
from depth_refiner_ros.priors.depth_anything_3_network import ARCHITECTURES as DEPTH_ANYTHING_3
from depth_refiner_ros.priors.metric3d import ARCHITECTURES, MODEL_TYPE
from depth_refiner_ros.priors.moge2_official import check_weights, read_official
from depth_refiner_ros.priors.original_depth_anything import model_of
import torch
from torch import nn


def import_metric3d(checkpoint: Path, folder: Path, architecture: str) -> Path:
    """
    Write a folder that ``metric3d_v2`` reads.

    :param checkpoint: ``metric_depth_vit_*_800k.pth`` of JUGGHM/Metric3D
    :param folder: new or empty
    :param architecture: one of :data:`ARCHITECTURES`
    :raises WeightsError: if it is not such a checkpoint, or the folder is not empty
    """
    if architecture not in ARCHITECTURES:
        raise WeightsError(
            f'architecture {shown(architecture)} is not one of {", ".join(ARCHITECTURES)}'
        )
    state = read_pickle(checkpoint)
    _check_free(folder)
    return _written(folder, state, {'model_type': MODEL_TYPE, 'architecture': architecture})


def import_moge2(checkpoint: Path, folder: Path) -> Path:
    """
    Write a folder that ``moge2`` reads.

    :param checkpoint: ``model.pt`` of a MoGe-2; its head for normals is left out
    :param folder: new or empty
    :raises WeightsError: if it is not such a checkpoint, or the folder is not empty
    """
    config, state = read_official(checkpoint)
    check_weights(state, config, str(checkpoint))
    _check_free(folder)
    return _written(folder, state, {'model_type': moge2.MODEL_TYPE, **config.to_dict()})


def import_depth_anything(checkpoint: Path, folder: Path) -> Path:
    """
    Write a folder that ``depth_anything_v2`` reads.

    :param checkpoint: ``depth_anything_v2_vit*.pth`` of the authors' code, relative depth
    :param folder: new or empty
    :raises WeightsError: if it is not such a checkpoint, or the folder is not empty
    """
    model = model_of(checkpoint, read_pickle(checkpoint))
    _check_free(folder)
    with staged_folder(folder) as staging:
        model.save_pretrained(staging)
    return folder


def import_depth_anything_3(file: Path, folder: Path, architecture: str | None = None) -> str:
    """
    Write a folder for one of the priors of Depth Anything 3, with the weights that depth needs.

    :param file: ``model.safetensors`` of a published model
    :param folder: new or empty
    :param architecture: its name in the published ``config.json``; None for that beside the file
    :return: the architecture
    :raises WeightsError: if it is no such file, its architecture is unknown, or the folder is not
        empty
    """
    name = architecture or depth_anything_3.config_beside(file)
    if name not in DEPTH_ANYTHING_3:
        raise WeightsError(
            f'{file}: architecture {shown(name)} is not one of {", ".join(DEPTH_ANYTHING_3)}'
            f'{nearest(name, DEPTH_ANYTHING_3)}; '
            'keep config.json beside the file, or name it with --method'
        )
    network = depth_anything_3.network_of(file, name)
    return _of_architecture(folder, network, depth_anything_3.MODEL_TYPE, name)


def import_video_depth_anything(file: Path, folder: Path) -> str:
    """
    Write a folder that ``video_depth_anything`` reads.

    :param file: ``metric_video_depth_anything_vit*.pth``, or the same as safetensors
    :param folder: new or empty
    :return: its size
    :raises WeightsError: if it is no such file, or the folder is not empty
    """
    network, size = video_depth_anything.read_published(file)
    return _of_architecture(folder, network, video_depth_anything.MODEL_TYPE, size)


def import_prior_depth_anything(file: Path, folder: Path) -> str:
    """
    Write a folder that ``prior_depth_anything`` reads, with both of its networks.

    :param file: ``prior_depth_anything_vit*.pth``, beside it ``depth_anything_v2_vit*.pth``
    :param folder: new or empty
    :return: size of the first
    :raises WeightsError: if they are no such files, or the folder is not empty
    """
    networks, about = prior_depth_anything.read_published(file)
    _check_free(folder)
    _written(folder, networks.state_dict(), about.config())
    return about.architecture


def import_infinidepth(file: Path, folder: Path) -> str:
    """
    Write a folder that ``infinidepth`` or ``infinidepth_sensor`` reads.

    :param file: ``infinidepth.ckpt`` or ``infinidepth_depthsensor.ckpt``
    :param folder: new or empty
    :return: the prior that reads it
    :raises WeightsError: if it is no such file, or the folder is not empty
    """
    networks, prior, size = infinidepth.read_published(file)
    _of_architecture(folder, networks, prior, size)
    return prior


def import_pixel_perfect_depth(file: Path, folder: Path) -> str:
    """
    Write a folder that ``pixel_perfect_depth`` reads, with both of its networks.

    :param file: ``ppd.pth`` or ``ppd_moge.pth``, beside it or on the hub that of the encoder
    :param folder: new or empty
    :return: what prompts the transformer
    :raises WeightsError: if they are no such files, or the folder is not empty
    """
    networks, about = pixel_perfect_depth.read_published(file)
    _check_free(folder)
    _written(folder, networks.state_dict(), about.config())
    return about.semantics


def import_unik3d(file: Path, folder: Path) -> str:
    """
    Write a folder that ``unik3d`` reads, with the weights that depth needs.

    :param file: ``pytorch_model.bin`` of the authors
    :param folder: new or empty
    :return: its size
    :raises WeightsError: if it is no such file, or the folder is not empty
    """
    network, size = unik3d.read_published(file)
    return _of_architecture(folder, network, unik3d.MODEL_TYPE, size)


def _of_architecture(folder: Path, network: nn.Module, model_type: str, name: str) -> str:
    """Write a folder that names the architecture of its network, and return that name."""
    _check_free(folder)
    _written(folder, network.state_dict(), {'model_type': model_type, 'architecture': name})
    return name


def _written(folder: Path, state: dict[str, torch.Tensor], config: dict[str, Any]) -> Path:
    with staged_folder(folder) as staging:
        save_tensors(state, staging / 'model.safetensors')
        (staging / 'config.json').write_text(json.dumps(config, indent=1) + '\n')
    return folder


def _check_free(folder: Path) -> None:
    if folder.is_file() or (folder.exists() and any(folder.iterdir())):
        raise WeightsError(f'{folder} is not an empty folder; choose a new one')
