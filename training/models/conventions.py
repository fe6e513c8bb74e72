# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conventions of the networks that are trained: small ones of our own, and the true size."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)

RGB_TASK = (0.0, 0.8414709848, 1.0, 0.5403023059)
"""[sin 0, sin 1, cos 0, cos 1]: the switcher (0, 1) of Lotus, to reconstruct the image."""

OWN = {
    name: getattr(ModelSpec(), name)
    for name in (
        'preset',
        'codec',
        'text_width',
        'clip',
        'fit',
        'fit_samples',
        'nearest_m',
        'max_edge_px',
        'padding',
        'resize_back',
    )
}
"""What the small networks have of their own, whatever the method."""

SMALL_APDEPTH = ModelSpec()
SMALL_LOTUS = replace(lotus_spec('g'), **OWN)
SMALL_MARIGOLD = replace(marigold_spec('v1-1'), **OWN)
# In units of the prior's range, the difference stays near 0 where the prior is sharp already.
SMALL_SHARPDEPTH = replace(sharpdepth_spec('released'), difference_scale='range', **OWN)


def check_same_inputs(mine: ModelSpec, teachers: ModelSpec, keys: Sequence[str]) -> None:
    """
    Raise where a teacher, which is given what the refiner is given, was trained with other inputs.

    :raises SettingsError: with the first key that differs, and the fix
    """
    for key in keys:
        has, needs = getattr(mine, key), getattr(teachers, key)
        if has != needs:
            raise SettingsError(
                f'model.spec.{key} = {has}, but the teacher has {needs}; set '
                f'model.spec.{key}={needs}, as both are given the same'
            )


def with_layout(spec: ModelSpec) -> ModelSpec:
    """
    Return the conventions of a small network that is given the layout of a metric prior.

    A few million weights do not tell depth from an image alone. Given where things are, blurred
    over 12 pixels, they tell where things end. Depth is centred logarithms, as in the small
    ApDepth, so that equal relative steps look equal. Marigold keeps predicting v.
    """
    return replace(
        spec,
        condition='metric',
        output='metric',
        layout=True,
        known=True,
        prediction='v' if spec.prediction == 'v' else 'residual',
        residual_gain=SMALL_APDEPTH.residual_gain,
        space='log',
        range='centre',
    )


TRUE_APDEPTH = apdepth_spec
TRUE_LOTUS = partial(lotus_spec, 'g', 'relative')
TRUE_MARIGOLD = partial(marigold_spec, 'v1-0')
TRUE_SHARPDEPTH = partial(sharpdepth_spec, preset='official_code')
