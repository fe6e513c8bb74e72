"""
Reading a published pickle as bare tensors, for its one conversion to safetensors.

torch's restricted loader makes tensors and plain containers, and runs nothing.
"""

from collections.abc import Mapping
from pathlib import Path
import pickle

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.bundle import first_line
import torch

WRAPPERS = ('model_state_dict', 'state_dict', 'model')
"""Keys under which training checkpoints keep the network's tensors."""


def read_pickle(file: Path) -> dict[str, torch.Tensor]:
    """
    Read a pickle that holds named tensors and nothing else.

    :return: contiguous tensors of their own memory, as safetensors wants them
    :raises WeightsError: where it is broken, or would need more than tensors
    """
    try:
        tree = torch.load(file, map_location='cpu', weights_only=True)
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
            f'{first_line(error)}; get safetensors of it'
        ) from error
    for key in WRAPPERS:
        if isinstance(tree, Mapping) and isinstance(tree.get(key), Mapping):
            tree = tree[key]
    if (
        not isinstance(tree, Mapping)
        or not tree
        or not all(isinstance(value, torch.Tensor) for value in tree.values())
    ):
        raise WeightsError(
            f'{file} holds something else than named tensors; name the file of one network'
        )
    return {
        name.removeprefix('module.'): value.clone().contiguous() for name, value in tree.items()
    }
