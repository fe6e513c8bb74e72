# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Refuse settings that contradict each other when they are loaded, not at the first frame."""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.settings.networks import ModelSettings, RELATIVE_PRIORS


def check_metres(settings: ModelSettings) -> None:
    """
    Check that something sets the metres; no weights are needed for that.

    :raises SettingsError: where prior and scale prior have none
    """
    if settings.prior in RELATIVE_PRIORS and settings.scale_prior == 'none':
        raise SettingsError(
            f'prior = {settings.prior} gives disparity, which has no metres; name '
            'what sets them, such as scale_prior:=bundled, or '
            'scale_prior:=sensor with a depth image'
        )


def check_spec(settings: ModelSettings, spec: ModelSpec) -> None:
    """
    Check the settings against what the refiner's weights need.

    :param spec: of the weights
    :raises SettingsError: where the weights need another prior, or a fit that is switched off
    """
    if spec.output != 'metric' and settings.align == 'none':
        raise SettingsError(
            f'align = none, but these {settings.refiner} weights give '
            f'{spec.output} depth, which has no metres without a fit; use auto, '
            'robust or lstsq'
        )
    if spec.takes_raw_disparity and settings.prior not in RELATIVE_PRIORS:
        raise SettingsError(
            f'prior = {settings.prior}, but these {settings.refiner} weights take '
            'the raw disparity of the network that they were trained with; use '
            f'prior:=depth_anything_v2 with scale_prior:={settings.prior}'
        )
