# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Priors by name."""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.models.bundle import open_bundle, QUICK
from depth_refiner_ros.priors import (
    depth_anything,
    depth_anything_3,
    depth_pro,
    infinidepth,
    metric3d,
    moge2,
    pixel_perfect_depth,
    prior_depth_anything,
    prompt_depth_anything,
    unidepth,
    unik3d,
    video_depth_anything,
    zoedepth,
)
from depth_refiner_ros.priors.base import FOCAL_RULES, INPUTS, Prior, PriorOptions
from depth_refiner_ros.priors.bundled import BundledPrior
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.priors.smeared import SmearedPrior

BUILDERS: dict[str, Callable[[PriorOptions], Prior]] = {
    'bundled': lambda options: BundledPrior(
        open_bundle(options.weights, 'prior'), options.device, one_look=options.weights == QUICK
    ),
    'sensor': lambda options: SensorPrior(),
    'smeared': lambda options: SmearedPrior(seed=options.seed, per_image=True),
    'depth_anything_v2_metric': depth_anything.build_metric,
    'depth_anything_v2': depth_anything.build_relative,
    'depth_anything_3_metric': depth_anything_3.build_metric,
    'depth_anything_3': depth_anything_3.build_relative,
    'zoedepth': zoedepth.build,
    'depth_pro': depth_pro.build,
    'prompt_depth_anything': prompt_depth_anything.build,
    'unidepth_v1': unidepth.build_v1,
    'unidepth_v2': unidepth.build_v2,
    'metric3d_v2': metric3d.build,
    'moge2': moge2.build,
    'video_depth_anything': video_depth_anything.build,
    'unik3d': unik3d.build,
    'prior_depth_anything': prior_depth_anything.build,
    'infinidepth': infinidepth.build_relative,
    'infinidepth_sensor': infinidepth.build_sensor,
    'pixel_perfect_depth': pixel_perfect_depth.build,
}
RESIZABLE = (
    'depth_anything_v2_metric',
    'depth_anything_v2',
    'depth_anything_3_metric',
    'depth_anything_3',
    'prompt_depth_anything',
    'moge2',
    'video_depth_anything',
    'prior_depth_anything',
    'infinidepth',
    'infinidepth_sensor',
    'pixel_perfect_depth',
)
"""Priors whose network takes any size; the others refuse ``prior_short_side``."""


def build_prior(name: str, weights: str = 'bundled', **options: Any) -> Prior:
    """
    Build a prior.

    :param name: key of :data:`BUILDERS`
    :param weights: ``bundled``, a size, a folder or a hub id, for priors that have weights
    :param options: further fields of :class:`~depth_refiner_ros.priors.base.PriorOptions`
    :raises SettingsError: for an unknown name, or an option that the prior does not have
    :raises WeightsError: if the weights cannot be found or used
    """
    if name not in BUILDERS:
        raise SettingsError(
            f'prior = {shown(name)} must be one of {", ".join(BUILDERS)}{nearest(name, BUILDERS)}'
        )
    chosen = PriorOptions(weights=weights, **options)
    _check(name, chosen)
    return BUILDERS[name](chosen)


def _check(name: str, options: PriorOptions) -> None:
    for option, value, known in (
        ('prior_focal_rule', options.focal_rule, FOCAL_RULES),
        ('prior_input', options.input, INPUTS),
    ):
        if value not in known:
            raise SettingsError(
                f'{option} = {shown(value)} must be one of {", ".join(known)}'
                f'{nearest(value, known)}'
            )
    if options.short_side and name not in RESIZABLE:
        raise SettingsError(
            f'prior_short_side = {options.short_side}, but prior {name} has a fixed '
            f'size; use 0, or one of {", ".join(RESIZABLE)}'
        )
    if options.input == 'official_compat' and name != 'depth_anything_v2':
        raise SettingsError(
            f'prior_input = {options.input} is only for '
            f'depth_anything_v2; use model with prior {name}'
        )
    if options.input == 'official_code' and not name.startswith('depth_anything_v2'):
        raise SettingsError(
            f'prior_input = {options.input} is for depth_anything_v2 and '
            f'depth_anything_v2_metric; use model with prior {name}'
        )
