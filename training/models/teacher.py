# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The frozen depth diffusion model that SharpDepth distils: Lotus, or Marigold by its v."""

from dataclasses import dataclass, fields
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch
from training.config import check_choice
from training.models.conventions import SMALL_LOTUS, SMALL_SHARPDEPTH, TRUE_LOTUS, TRUE_MARIGOLD
from training.models.refiner import build_network, RefinerModel, with_guess, with_unet

KINDS = ('lotus', 'marigold')


@dataclass
class TeacherModel:
    """
    Keys of ``model.teacher``.

    Its bundle or release says by itself whether x0 or v is predicted. A bundle of SharpDepth, such
    as ``bundled``, holds its teacher as second UNet.
    """

    kind: str = 'lotus'  # lotus | marigold; counts for start: true_size
    start: str = 'weights'  # small | weights | true_size, as of the refiner
    weights: str = ''  # of a lotus or sharpdepth run, a release, or bundled
    family: str = ''
    preset: str = ''
    bf16: bool = False  # hold its weights in bfloat16, half the memory


def build_teacher(teacher: TeacherModel, model: RefinerModel) -> OneStepNetwork:
    """
    Return the teacher, frozen.

    :param model: of the refiner, whose sizes a teacher of random weights shares
    :raises SettingsError: where no weights are named
    """
    check_choice('model.teacher.kind', teacher.kind, KINDS)
    if teacher.start == 'weights' and not teacher.weights:
        raise SettingsError(
            'model.teacher.weights is not set; name the bundle of a lotus run or a release such '
            'as jingheya/lotus-depth-g-v1-0, or set loss.sds=0 to train without a teacher'
        )
    common: dict[str, Any] = {
        'block_channels': model.block_channels,
        'layers_per_block': model.layers_per_block,
        'activation': model.activation,
    }
    own = {item.name for item in fields(RefinerModel)}
    given = {name: value for name, value in vars(teacher).items() if name in own}
    true_size = TRUE_LOTUS if teacher.kind == 'lotus' else TRUE_MARIGOLD
    bundled = SMALL_SHARPDEPTH if teacher.weights == 'bundled' else SMALL_LOTUS
    network = build_network(RefinerModel(**common, **given), bundled, true_size, as_it_is=True)
    if network.unet_guess is not None:
        network = with_guess(with_unet(network, network.unet_guess), None)
    elif network.spec.method != 'aligned':
        raise SettingsError(
            f'model.teacher: this network is used as {network.spec.method}, and it holds no '
            'teacher; name the bundle of a lotus run, or a release such as Lotus'
        )
    network = network.eval().requires_grad_(False)
    return network.to(torch.bfloat16) if teacher.bf16 else network
