# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read the configuration and weights of one part of a release.

Parts are read one by one, because ``model_index.json`` of several releases names pipeline classes
that exist in no library. Pickles are read only on import, and only as plain tensors.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.models.bundle import PICKLES
from depth_refiner_ros.models.bundle import read_json as read_object
from depth_refiner_ros.models.pickles import read_pickle
from safetensors import SafetensorError
from safetensors.torch import load_file
import torch

UNET, VAE, TEXT = 'unet', 'vae', 'text_encoder'
PARTS = (UNET, VAE, TEXT)
SMALL = (
    'model_index.json',
    'README.md',
    'scheduler/*.json',
    'tokenizer/*.json',
    'tokenizer/*.txt',
)
OLD_ATTENTION = {'query': 'to_q', 'key': 'to_k', 'value': 'to_v', 'proj_attn': 'to_out.0'}


def safe_patterns(variant: str = '') -> list[str]:
    """Return the files to download: configurations, and one set of safetensors per part."""
    weights = [
        f'{part}/{file}'
        for part in PARTS
        for file in (
            'config.json',
            f'{_stem(part)}{variant}.safetensors',
            f'{_stem(part)}-*-of-*.safetensors',
            f'{_stem(part)}.safetensors.index.json',
        )
    ]
    return [*SMALL, *weights]


def pickled_patterns(parts: Iterable[str]) -> list[str]:
    """Return the files to download if some parts have only pickled weights."""
    return [f'{part}/{_pickled_stem(part)}.bin' for part in parts]


def lacking(folder: Path) -> list[str]:
    """Return the names of the parts without safetensors."""
    return [part for part in PARTS if not any((folder / part).glob('*.safetensors'))]


def read_json(path: Path) -> dict[str, Any]:
    """
    Read a configuration.

    :raises WeightsError: if it is missing or not a JSON object
    """
    return read_object(path, 'copy the complete release again')


def read_state(folder: Path, part: str, *, pickles: bool, asked: str) -> dict[str, torch.Tensor]:
    """
    Read the weights of one part, in float32.

    :param pickles: read pickled weights if there are no others
    :param asked: folder or id as given by the user, for the message
    :raises WeightsError: if they are missing, pickled, broken or not finite
    """
    files = _safetensors(folder / part, part)
    if files:
        state = {name: value for file in files for name, value in _load_safe(file).items()}
    else:
        file = _pickled(folder / part, part)
        if not pickles:
            found = f'only the pickle {file.name}' if file else 'no safetensors'
            raise WeightsError(
                f'{folder / part} has {found}; pickles are never loaded to run. '
                'Convert the release once: depth-refiner models import '
                f'{asked} NEW_FOLDER'
            )
        if file is None:
            raise WeightsError(f'{folder / part} has no weights; copy the complete release again')
        state = read_pickle(file)
    for name, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise WeightsError(
                f'{folder / part}: {name} holds NaN or infinite values; get a '
                'sound copy of the release'
            )
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in state.items()
    }


def modern_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename the attention of autoencoders saved before 2023, such as Marigold's."""
    renamed = {}
    for name, value in state.items():
        head, _, leaf = name.rpartition('.')
        path, _, old = head.rpartition('.')
        if '.attentions.' in name and old in OLD_ATTENTION:
            name = f'{path}.{OLD_ATTENTION[old]}.{leaf}'
            # The oldest files store them as convolutions of size 1.
            value = value.reshape(value.shape[:2]) if value.ndim == 4 else value
        renamed[name] = value
    return renamed


def _stem(part: str) -> str:
    return 'model' if part == TEXT else 'diffusion_pytorch_model'


def _pickled_stem(part: str) -> str:
    return 'pytorch_model' if part == TEXT else _stem(part)


def _safetensors(folder: Path, part: str) -> list[Path]:
    """Return one complete set of weights: a file, its shards, or the half-precision variant."""
    stem = _stem(part)
    for name in (f'{stem}.safetensors', f'{stem}.fp16.safetensors'):
        if (folder / name).is_file():
            return [folder / name]
    index = folder / f'{stem}.safetensors.index.json'
    if not index.is_file():
        return []
    shards = read_json(index).get('weight_map')
    if not isinstance(shards, dict) or not shards:
        raise WeightsError(f'{index} has no usable weight_map; copy the release again')
    return [folder / Path(str(name)).name for name in sorted(set(shards.values()))]


def _load_safe(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f'{file} is not readable safetensors (truncated or changed): '
            f'{first_line(error)}; copy the release again'
        ) from error


def _pickled(folder: Path, part: str) -> Path | None:
    usual = folder / f'{_pickled_stem(part)}.bin'
    if usual.is_file():
        return usual
    found = [path for path in sorted(folder.glob('*')) if path.suffix.lower() in PICKLES]
    return found[0] if len(found) == 1 else None
