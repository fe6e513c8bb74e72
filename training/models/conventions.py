# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conventions of the networks that are trained: small ones of our own, and the true size."""

from functools import partial

from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    DEPTH_TASK,
    LAST_STEP,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)

RGB_TASK = (0.0, 0.8414709848, 1.0, 0.5403023059)
"""[sin 0, sin 1, cos 0, cos 1]: the switcher (0, 1) of Lotus, to reconstruct the image."""

SMALL_APDEPTH = ModelSpec()
SMALL_LOTUS = ModelSpec(
    method='aligned',
    channel_order='rgb_depth',
    timestep=LAST_STEP,
    prediction='sample',
    detail=False,
    known=False,
    condition='none',
    start='gaussian',
    space='depth',
    range='quantile',
    output='relative',
    task_embedding=DEPTH_TASK,
    agree_below=1.0,
)
SMALL_MARIGOLD = ModelSpec(
    method='aligned',
    channel_order='rgb_depth',
    timestep=LAST_STEP,
    zero_snr=True,
    prediction='v',
    detail=False,
    known=False,
    condition='none',
    start='gaussian',
    space='depth',
    range='quantile',
    output='relative',
    agree_below=1.0,
)
SMALL_SHARPDEPTH = ModelSpec(
    method='sharpdepth',
    channel_order='rgb_depth',
    timestep=LAST_STEP,
    prediction='sample',
    detail=False,
    known=False,
    space='depth',
    range='minmax',
    output='metric',
    task_embedding=DEPTH_TASK,
    difference_align='none',
    difference_scale='range',
    noise='noised_latent',
)

TRUE_APDEPTH = apdepth_spec
TRUE_LOTUS = partial(lotus_spec, 'g', 'relative')
TRUE_MARIGOLD = partial(marigold_spec, 'v1-0')
TRUE_SHARPDEPTH = partial(sharpdepth_spec, preset='official_code')
