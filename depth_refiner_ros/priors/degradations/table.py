# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""All degradations by name, and how one is applied to exact depth."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from depth_refiner_ros.priors.degradations.bilateral import bilateral
from depth_refiner_ros.priors.degradations.disparity import disparity
from depth_refiner_ros.priors.degradations.kinect import kinect
from depth_refiner_ros.priors.degradations.median import median
from depth_refiner_ros.priors.degradations.noisy import noisy
from depth_refiner_ros.priors.degradations.overshoot import overshoot
from depth_refiner_ros.priors.degradations.quantised import quantised
from depth_refiner_ros.priors.degradations.regions import layered, regions
from depth_refiner_ros.priors.degradations.registered import registered
from depth_refiner_ros.priors.degradations.sensor import sensor
from depth_refiner_ros.priors.degradations.smeared import smeared
import torch


@dataclass(frozen=True, kw_only=True)
class Degraded:
    """
    A prior and its target.

    :param prior_m_B1HW: metres, NaN in holes
    :param target_m_B1HW: sharp depth at the prior's scale
    """

    prior_m_B1HW: torch.Tensor
    target_m_B1HW: torch.Tensor


Made = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
MadeWithImage = Callable[[torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]

FROM_DEPTH: dict[str, Made] = {
    'smeared': partial(smeared, factors=(6.0, 18.0)),
    'mild': partial(smeared, factors=(3.0, 6.0)),
    'strong': partial(smeared, factors=(18.0, 30.0)),
    'sensor': sensor,
    'noisy': noisy,
    'overshoot': overshoot,
    'median': median,
    'disparity': disparity,
    'quantised': quantised,
    'registered': registered,
}
FROM_DEPTH_AND_IMAGE: dict[str, MadeWithImage] = {
    'bilateral': bilateral,
    'regions': regions,
    'kinect': kinect,
}
KEPT: dict[str, Made] = {'regions': layered}
"""Errors that jump along outlines and are in the target too."""

DEGRADATIONS = (*FROM_DEPTH, *FROM_DEPTH_AND_IMAGE)


def degraded(
    kind: str, depth_m_11HW: torch.Tensor, rgb_13HW: torch.Tensor, generator: torch.Generator
) -> Degraded:
    """
    Spoil depth in one way.

    :param kind: one of :data:`DEGRADATIONS`
    :param depth_m_11HW: exact depth at the prior's scale, finite and positive everywhere
    :param rgb_13HW: color in 0..1
    :param generator: on the CPU, so that one seed gives one result on every device
    """
    keep = KEPT.get(kind)
    target = depth_m_11HW if keep is None else keep(depth_m_11HW, generator)
    if kind in FROM_DEPTH:
        prior = FROM_DEPTH[kind](target, generator)
    else:
        prior = FROM_DEPTH_AND_IMAGE[kind](target, rgb_13HW, generator)
    return Degraded(prior_m_B1HW=prior, target_m_B1HW=target)
