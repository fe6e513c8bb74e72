# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Refuse settings that contradict each other when they are loaded, not at the first frame."""

from collections.abc import Callable

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.settings.networks import (
    DISPARITY_PRIORS,
    FOCAL_PRIORS,
    LENS_PRIORS,
    ModelSettings,
    RAW_DISPARITY_PRIORS,
    RELATIVE_PRIORS,
    WITHOUT_WEIGHTS,
)


def check_settings(settings: ModelSettings, log: Callable[[str], None]) -> None:
    """
    Check settings that need no weights.

    :param log: called with a line for each option without effect
    :raises SettingsError: if neither the prior nor the scale prior is metric
    """
    check_metres(settings)
    for line in without_effect(settings):
        log(line)


def check_metres(settings: ModelSettings) -> None:
    """
    Check that the prior or the scale prior is metric; needs no weights.

    :raises SettingsError: if neither is
    """
    if settings.prior in RELATIVE_PRIORS and settings.scale_prior == 'none':
        kind = 'disparity' if settings.prior in DISPARITY_PRIORS else 'relative depth'
        raise SettingsError(
            f'prior = {settings.prior} gives {kind}, which has no metric scale; set '
            'scale_prior:=bundled, or scale_prior:=sensor with a depth image'
        )


def without_effect(settings: ModelSettings) -> list[str]:
    """Return a line for each option that was set and that another one leaves without effect."""
    usual = ModelSettings()
    unused = {
        'prior_weights': f'prior = {settings.prior}' if settings.prior in WITHOUT_WEIGHTS else '',
        'scale_prior_weights': f'scale_prior = {settings.scale_prior}'
        if settings.scale_prior in ('none', *WITHOUT_WEIGHTS)
        else '',
        **dict.fromkeys(
            ('refiner_weights', 'refiner_preset', 'max_edge_px', 'align', 'agree_below'),
            'refiner = none' if settings.refiner == 'none' else '',
        ),
        'prior_focal_rule': ''
        if settings.takes(FOCAL_PRIORS)
        else f'prior = {settings.prior}, which has one rule',
        'engine_target': '' if settings.backend == 'tensorrt' else f'backend = {settings.backend}',
    }
    return [
        f'{name} = {shown(getattr(settings, name))} has no effect with {why}'
        for name, why in unused.items()
        if why and getattr(settings, name) != getattr(usual, name)
    ]


def check_spec(settings: ModelSettings, spec: ModelSpec) -> None:
    """
    Check the settings against the needs of the refiner's weights.

    :param spec: of the weights
    :raises SettingsError: if the weights need another prior, or a fit that is switched off
    """
    if spec.output != 'metric' and settings.align == 'none':
        raise SettingsError(
            f'align = none, but these {settings.refiner} weights give '
            f'{spec.output} depth, which is not metric without a fit; use auto, '
            'robust or lstsq'
        )
    if spec.takes_raw_disparity and settings.prior not in RAW_DISPARITY_PRIORS:
        metric = settings.scale_prior if settings.prior in RELATIVE_PRIORS else settings.prior
        raise SettingsError(
            f'prior = {settings.prior}, but these {settings.refiner} weights take '
            'the raw disparity of the network that they were trained with; use '
            f'prior:=depth_anything_v2 with scale_prior:={metric}'
        )


def kept_lenses(settings: ModelSettings, rectify: str) -> Callable[[Lens], bool]:
    """
    Return for which lenses images are refined as they are, by the option ``rectify``.

    ``auto`` keeps those of fisheye lenses and panoramas where a network makes use of all of them.

    :raises SettingsError: if they are to be kept, and a prior does not take them
    """
    used = (settings.prior, *({settings.scale_prior} - {'none'}))
    unfit = [name for name in used if name not in LENS_PRIORS]
    if rectify == 'never' and unfit:
        raise SettingsError(
            f'rectify = never, but prior {unfit[0]} takes rectified images only; use '
            f'{", ".join(LENS_PRIORS)}, or rectify:=auto'
        )
    if rectify == 'never':
        return lambda lens: True
    native = rectify == 'auto' and not unfit and settings.prior == 'unik3d'
    return lambda lens: native and lens.is_wide
