# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Errors of real priors, simulated on exact depth.

``sharp`` is exact. The others are those of ``depth_refiner_ros/priors/degradations``, and also
carry a low-frequency scale warp and a global scale error. These cannot be seen in the image, so
they are part of the target too: a refiner learns not to change scale.
"""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.priors.degradations.fields import scale_error
from depth_refiner_ros.priors.degradations.table import DEGRADATIONS, Degraded, degraded
import torch

KINDS = (*DEGRADATIONS, 'sharp')


def degrade(
    depth_m_B1HW: torch.Tensor,
    rgb_B3HW: torch.Tensor,
    kinds: list[str],
    generator: torch.Generator,
) -> Degraded:
    """
    Degrade each image of a batch in its own way.

    :param depth_m_B1HW: exact depth, finite everywhere
    :param rgb_B3HW: color in 0..1
    :param kinds: one of :data:`KINDS` per image
    :param generator: on the CPU, so that one seed gives one sample on every device
    :raises SettingsError: for an unknown kind
    """
    if not set(kinds) <= set(KINDS):
        raise SettingsError(
            f'degradations {sorted(set(kinds) - set(KINDS))} must be among {KINDS}'
        )
    scaled = depth_m_B1HW * scale_error(depth_m_B1HW, generator).to(depth_m_B1HW)
    made = []
    for index, kind in enumerate(kinds):
        one = slice(index, index + 1)
        if kind == 'sharp':
            made.append(Degraded(prior_m_B1HW=depth_m_B1HW[one], target_m_B1HW=depth_m_B1HW[one]))
        else:
            made.append(degraded(kind, scaled[one], rgb_B3HW[one], generator))
    return Degraded(
        prior_m_B1HW=torch.cat([one.prior_m_B1HW for one in made]),
        target_m_B1HW=torch.cat([one.target_m_B1HW for one in made]),
    )
