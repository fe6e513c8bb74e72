# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read a published pickle as plain tensors, once, to convert it to safetensors.

torch's restricted loader builds tensors and plain containers, and executes no code.
"""

from collections.abc import Mapping
from pathlib import Path
import pickle
import re
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
import torch

REFUSED = re.compile(r'WeightsUnpickler error:\s*(.*?)(?:\. |\n|$)')
WRAPPERS = ('model_state_dict', 'state_dict', 'model')
"""Keys under which training checkpoints keep the network's tensors."""


def read_tree(file: Path) -> Any:
    """
    Read a pickle of tensors and plain containers.

    :raises WeightsError: if it is broken, or holds more
    """
    try:
        return torch.load(file, map_location='cpu', weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        KeyError,
        IndexError,
        AttributeError,
        TypeError,
    ) as error:
        raise WeightsError(
            f'{file} is broken or holds more than tensors, which is never loaded: '
            f'{_why(error)}; get it as safetensors'
        ) from error


def _why(error: Exception) -> str:
    """Return why torch refused a file, without its advice to let the file run its code."""
    found = REFUSED.search(str(error))
    return found[1] if found else first_line(error).partition('. ')[0]


def read_pickle(file: Path) -> dict[str, torch.Tensor]:
    """
    Read a pickle that contains only named tensors.

    :return: contiguous tensors that share no memory, as safetensors requires
    :raises WeightsError: if it is broken, or holds more than tensors
    """
    tree = read_tree(file)
    for key in WRAPPERS:
        if isinstance(tree, Mapping) and isinstance(tree.get(key), Mapping):
            tree = tree[key]
    if (
        not isinstance(tree, Mapping)
        or not tree
        or not all(isinstance(value, torch.Tensor) for value in tree.values())
    ):
        raise WeightsError(
            f'{file} does not hold named tensors only; give the file of one network'
        )
    return {
        name.removeprefix('module.'): value.clone().contiguous() for name, value in tree.items()
    }
