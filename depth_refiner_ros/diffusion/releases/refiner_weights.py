# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Load the weights of option ``refiner_weights``: a bundle, or an official release."""

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.places import entered_path
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.releases.load import load_release
from depth_refiner_ros.diffusion.releases.weights import UNET
from depth_refiner_ros.models.bundle import is_bundle, MANIFEST, open_bundle


def read_refiner_weights(
    where: str, refiner: str, preset: str = 'auto'
) -> tuple[OneStepNetwork, str]:
    """
    Build a refiner's network from a bundle or an official release.

    :param where: ``bundled``, ``quick``, a bundle folder, the folder of an official release, or a
        hub id
    :param refiner: sharpdepth, apdepth or aligned; the use of a release
    :param preset: conventions of a release; ``auto`` is its family's default
    :return: the network, and one line with its name, licence and origin
    :raises WeightsError: if it cannot be obtained, is broken, or is a model of another kind
    """
    folder = entered_path(where)
    if is_bundle(where):
        if preset != 'auto':
            raise WeightsError(
                f'refiner_preset = {preset}, but {where} is a bundle, which keeps the preset that '
                'it was made with; use auto, or import the release again with '
                f'--preset {preset}'
            )
        bundle = open_bundle(where, 'refiner', refiner)
        return read_refiner(bundle), bundle.describe()
    if folder.exists() and not (folder / UNET / 'config.json').is_file():
        raise WeightsError(
            f'{where} has neither {MANIFEST} nor {UNET}/config.json; give a '
            'bundle, the folder of an official release, its hub id, bundled or quick'
        )
    read = load_release(
        where,
        method=None if refiner == 'aligned' else refiner,
        preset=None if preset == 'auto' else preset,
    )
    return read.network, '; '.join((read.describe(), *read.notes))
