"""
Turning a published pickle into safetensors, once: Metric3D v2, and Depth Anything V2's own files.

The pickle is read by torch's restricted loader, which makes tensors and nothing else.
"""

import json
from pathlib import Path
import pickle

from depth_refiner_ros.bundle import first_line
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.priors.metric3d import ARCHITECTURES, MODEL_TYPE
from depth_refiner_ros.priors.original_depth_anything import model_of
from safetensors.torch import save_file
import torch


def import_metric3d(checkpoint: Path, folder: Path, architecture: str) -> Path:
    """
    Write a folder that ``metric3d_v2`` reads.

    :param checkpoint: ``metric_depth_vit_*_800k.pth`` of JUGGHM/Metric3D
    :param folder: new or empty
    :param architecture: one of :data:`ARCHITECTURES`
    :raises WeightsError: where the checkpoint is no such thing or the folder is taken
    """
    if architecture not in ARCHITECTURES:
        raise WeightsError(f'architecture {architecture!r} is not one of '
                           f'{", ".join(ARCHITECTURES)}')
    state = read_pickle(checkpoint)
    _make(folder)
    save_file(state, folder / 'model.safetensors')
    config = {'model_type': MODEL_TYPE, 'architecture': architecture}
    (folder / 'config.json').write_text(json.dumps(config, indent=1) + '\n', encoding='utf-8')
    return folder


def import_depth_anything(checkpoint: Path, folder: Path) -> Path:
    """
    Write a folder that ``depth_anything_v2`` reads.

    :param checkpoint: ``depth_anything_v2_vit*.pth`` of the authors' code, relative depth
    :param folder: new or empty
    :raises WeightsError: where the checkpoint is no such thing or the folder is taken
    """
    model = model_of(checkpoint, read_pickle(checkpoint))
    _make(folder)
    model.save_pretrained(folder)
    return folder


def read_pickle(checkpoint: Path) -> dict[str, torch.Tensor]:
    """
    Read the tensors of a checkpoint, and refuse one that holds code.

    :return: contiguous tensors of their own memory, as safetensors wants them
    :raises WeightsError: where it cannot be read that way, or holds no tensors by name
    """
    try:
        tree = torch.load(checkpoint, map_location='cpu', weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f'{checkpoint} cannot be read without running its code: '
                           f'{first_line(error)}; ask its authors for safetensors') from error
    for key in ('model_state_dict', 'state_dict', 'model'):
        if isinstance(tree, dict) and isinstance(tree.get(key), dict):
            tree = tree[key]
    if not isinstance(tree, dict) or not tree or \
            not all(isinstance(value, torch.Tensor) for value in tree.values()):
        raise WeightsError(f'{checkpoint} holds no tensors by name; it is no checkpoint of a '
                           'network')
    return {name.removeprefix('module.'): value.clone().contiguous()
            for name, value in tree.items()}


def _make(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise WeightsError(f'{folder} is not empty; name a new folder')
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(f'cannot make {folder}: {error.strerror}; name another') from error
