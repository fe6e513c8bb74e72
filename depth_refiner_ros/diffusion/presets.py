# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Conventions of the published models.

Presets cover the differences between a paper, its own code and the better way; each difference
is one named option of :class:`~.model_spec.ModelSpec`.

``released`` is the default for weights as their authors publish them: their conventions, without
the rounding losses of their code. ``official_code`` and ``official_compat`` reproduce that code to
floating-point noise; ``paper`` follows the text, and ``paper_tables`` the code as used for the
tables of the paper.

=====================  =============  ======================  ==============  ================
SharpDepth             released       official_code           paper           paper_tables
=====================  =============  ======================  ==============  ================
guess (first pass)     the network    the network itself      moving average  as official_code
difference_align       none           none                    to d's range    as official_code
difference_scale       largest e      the image's largest e   d's range       as official_code
noise                  first pass's latent, noised to t=999   Gaussian        as official_code
prior_view             the image      resized, padded, bytes  the image       as official_code
fit target             prior, full    prior, enlarged again   prior, full     as official_code
nearest_m              none           none                    0.01 m          none
max_edge_px            768            768                     768             1024
=====================  =============  ======================  ==============  ================

=====================  =============  ======================  ==============  ================
ApDepth                released       official_compat         paper           paper_tables
=====================  =============  ======================  ==============  ================
prior_input            [-1, 1]        [-1, 1]                 as DA2 asks     as official_compat
range of the prior     raw disparity  raw disparity           minmax          raw disparity
clip                   [-1, 1]        [-1, 1]                 none            [-1, 1]
padding                whole cells    floored                 whole cells     floored
image_bytes            no             yes                     no              yes
fit                    robust         lstsq, all (eq. 19)     lstsq, all      lstsq, all
max_edge_px            768            768                     the image's     the image's
=====================  =============  ======================  ==============  ================

``normalized``, for your own ApDepth weights, is like ``paper``, but with the prior normalised
between its 2 and 98 % quantiles, a clipped output and the robust fit.

=====================  =====================  ================================================
Lotus, Marigold, E2E   released               official_code
=====================  =====================  ================================================
padding                whole cells            floored
image_bytes            no                     Marigold and E2E: yes
ends_at                clean estimate         Marigold: the scheduler's word; a released one
                                              leaves 3 % of the noise
=====================  =====================  ================================================

All use every pixel in the fit. In all of them a fit whose scale is not positive, which the
official code would apply, is refused, because near and far would be swapped; the result is then
the prior. Lotus draws its image latents from the autoencoder's posterior; that noise is far
smaller than the latents, and the mean is used everywhere, so that one image gives one depth.

Whether UniDepth gets the intrinsics (paper) or not (code) does not depend on the weights: see the
option ``prior_focal_rule``.
"""

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.gating import OFFICIAL_CODE, PAPER
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.diffusion.model_spec import ModelSpec

DEPTH_TASK = (0.8414709848, 0.0, 0.5403023059, 1.0)
"""[sin 1, sin 0, cos 1, cos 0]: the switcher (1, 0) of Lotus and SharpDepth."""
SD2_TEXT_WIDTH = 1024
LAST_STEP = 999


def sharpdepth_spec(preset: str) -> ModelSpec:
    """
    Return SharpDepth's conventions at full size (section 4.1).

    :param preset: ``released``, ``official_code``, ``paper`` or ``paper_tables``
    :raises WeightsError: for another
    """
    _check('sharpdepth', preset, ('released', 'official_code', 'paper', 'paper_tables'))
    paper = preset == 'paper'
    as_code = preset in ('official_code', 'paper_tables')
    rule = PAPER if paper else OFFICIAL_CODE
    return ModelSpec(
        method='sharpdepth',
        preset=preset,
        codec='vae',
        channel_order='rgb_depth',
        timestep=LAST_STEP,
        prediction='sample',
        detail=False,
        known=False,
        condition='metric',
        space='depth',
        range='minmax',
        output='metric',
        clip='none',
        task_embedding=DEPTH_TASK,
        text_width=SD2_TEXT_WIDTH,
        guess='ema' if paper else 'self',
        difference_align=rule.align,
        difference_scale=rule.scale,
        difference_downsample='nearest',
        noise='gaussian' if paper else 'noised_latent',
        agree_below=0.5,
        fit='lstsq',
        fit_samples=0,
        nearest_m=0.01 if paper else 0.0,
        prior_view='padded' if as_code else 'image',
        max_edge_px=1024 if preset == 'paper_tables' else 768,
        padding='cells',
        resize_back='bilinear',
    )


def apdepth_spec(preset: str = 'normalized') -> ModelSpec:
    """
    Return ApDepth's conventions at full size (section 3, eq. 6).

    :param preset: ``released``, ``official_compat``, ``paper``, ``paper_tables`` or ``normalized``
    :raises WeightsError: for another
    """
    known = ('released', 'official_compat', 'paper', 'paper_tables', 'normalized')
    _check('apdepth', preset, known)
    as_code = preset in ('official_compat', 'paper_tables')
    raw = as_code or preset == 'released'
    return ModelSpec(
        method='apdepth',
        preset=preset,
        codec='vae',
        channel_order='depth_rgb',
        timestep=1,
        prediction='sample',
        detail=False,
        known=False,
        condition='disparity',
        prior_input='official_compat' if raw else 'model',
        space='disparity',
        range='none' if raw else 'minmax' if preset == 'paper' else 'quantile',
        output='relative',
        clip='none' if preset == 'paper' else 'depth',
        text_width=SD2_TEXT_WIDTH,
        fit='lstsq' if as_code or preset == 'paper' else 'robust',
        agree_below=1.0 if as_code or preset == 'paper' else 0.5,
        fit_samples=0,
        max_edge_px=768 if preset in ('released', 'official_compat') else 0,
        image_bytes=as_code,
        padding='floored' if as_code else 'cells',
    )


def lotus_spec(kind: str, output: str = 'relative', preset: str = 'released') -> ModelSpec:
    """
    Return the conventions of Lotus, aligned to a metric prior.

    :param kind: ``g`` (generative, from noise) or ``d`` (discriminative, only the image)
    :param output: ``relative`` depth (v1), or ``disparity`` (v2)
    :param preset: ``released`` or ``official_code``
    :raises WeightsError: for another kind or preset
    """
    _check('lotus', kind, ('g', 'd'))
    _check('lotus', preset, ('released', 'official_code'))
    return ModelSpec(
        method='aligned',
        preset=preset,
        codec='vae',
        channel_order='rgb_depth',
        timestep=LAST_STEP,
        prediction='sample',
        detail=False,
        known=False,
        condition='none',
        start='gaussian' if kind == 'g' else 'none',
        output=output,
        clip='channels',
        task_embedding=DEPTH_TASK,
        text_width=SD2_TEXT_WIDTH,
        agree_below=1.0,
        fit='lstsq',
        fit_samples=0,
        max_edge_px=768,
        padding='floored' if preset == 'official_code' else 'cells',
        resize_back='nearest-exact',
    )


def marigold_spec(
    version: str, preset: str = 'released', *, ends_clean: bool = False
) -> ModelSpec:
    """
    Return the conventions of Marigold in one step, trailing spacing: t = 999, x0 from v.

    :param version: ``v1-0``, or ``v1-1`` (zero terminal SNR: x0 = -v)
    :param preset: ``released`` or ``official_code``
    :param ends_clean: the scheduler of ``official_code`` sets the last alpha to one
    :raises WeightsError: for another version or preset
    """
    _check('marigold', version, ('v1-0', 'v1-1'))
    _check('marigold', preset, ('released', 'official_code'))
    as_code = preset == 'official_code'
    return ModelSpec(
        method='aligned',
        preset=preset,
        codec='vae',
        channel_order='rgb_depth',
        timestep=LAST_STEP,
        zero_snr=version == 'v1-1',
        prediction='v',
        ends_at='first_step' if as_code and not ends_clean else 'clean',
        detail=False,
        known=False,
        condition='none',
        start='gaussian',
        output='relative',
        clip='depth',
        text_width=SD2_TEXT_WIDTH,
        agree_below=1.0,
        fit='lstsq',
        fit_samples=0,
        max_edge_px=768,
        image_bytes=as_code,
        padding='floored' if as_code else 'cells',
    )


def _check(model: str, preset: str, known: tuple[str, ...]) -> None:
    if preset not in known:
        raise WeightsError(
            f'{model}: preset {shown(preset)} is unknown; use one of {", ".join(known)}'
            f'{nearest(preset, known)}'
        )
