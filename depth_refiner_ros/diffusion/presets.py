"""
Recipes of the published models.

What differs between a paper and its own code (or that code's successors) differs between presets
here; each difference is one named option of :class:`~.spec.ModelSpec`.

=====================  ==================  ==================================================
SharpDepth             ``paper``           ``official_code``
=====================  ==================  ==================================================
guess (first pass)     moving average      the network itself
difference_align       to d's range (4.1)  none
difference_scale       d's range           the image's largest difference
noise                  Gaussian (eq. 4)    the first pass's latent, noised to t = 999
nearest_m              0.01 m, counted     none: depth may be 0 or negative
=====================  ==================  ==================================================

=====================  ================  =======================  =======================
ApDepth                ``paper``         ``official_compat``      ``normalized``
=====================  ================  =======================  =======================
prior_input            as DA2 asks       [-1, 1], working size    as DA2 asks
range of the prior     minmax            none: raw disparity      2 to 98 %
clip                   none              [-1, 1]                  [-1, 1]
max_edge_px            image's size      768                      image's size
=====================  ================  =======================  =======================

Whether UniDepth is told the intrinsics (paper) or not (code) does not depend on the weights: see
the option ``prior_focal_rule``.

``official_compat`` is what the released weights were trained with; ``normalized`` is for weights
of one's own. Lotus and Marigold encode alike but for Lotus's draw from the posterior, whose
spread is far below the latents': its mean is used, so that the same image gives the same depth.
Both are brought to the prior's metres by one least-squares fit over all pixels, as the baseline of
SharpDepth's table 1 is.
"""

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.gating import OFFICIAL_CODE, PAPER
from depth_refiner_ros.diffusion.model_spec import ModelSpec

DEPTH_TASK = (0.8414709848, 0.0, 0.5403023059, 1.0)
"""[sin 1, sin 0, cos 1, cos 0]: the switcher (1, 0) of Lotus and SharpDepth."""
SD2_TEXT_WIDTH = 1024
LAST_STEP = 999


def sharpdepth_spec(preset: str) -> ModelSpec:
    """
    Return SharpDepth's conventions at full size (section 4.1).

    :param preset: ``paper`` or ``official_code``
    :raises WeightsError: for another
    """
    _check('sharpdepth', preset, ('paper', 'official_code'))
    paper = preset == 'paper'
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
        nearest_m=0.01 if paper else 0.0,
        max_edge_px=768,
        padding='cells',
        resize_back='bilinear',
    )


def apdepth_spec(preset: str = 'normalized') -> ModelSpec:
    """
    Return ApDepth's conventions at full size (section 3, eq. 6).

    :param preset: ``paper``, ``official_compat`` or ``normalized``
    :raises WeightsError: for another
    """
    _check('apdepth', preset, ('paper', 'official_compat', 'normalized'))
    released = preset == 'official_compat'
    ranges = {'paper': 'minmax', 'official_compat': 'none', 'normalized': 'quantile'}
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
        prior_input='official_compat' if released else 'model',
        space='disparity',
        range=ranges[preset],
        output='relative',
        clip='none' if preset == 'paper' else 'depth',
        text_width=SD2_TEXT_WIDTH,
        max_edge_px=768 if released else 0,
        padding='cells',
    )


def lotus_spec(kind: str, output: str = 'relative') -> ModelSpec:
    """
    Return the conventions of Lotus, aligned to a metric prior.

    :param kind: ``g`` (generative, from noise) or ``d`` (discriminative, the image alone)
    :param output: ``relative`` depth (v1), or ``disparity`` (v2)
    :raises WeightsError: for another kind
    """
    _check('lotus', kind, ('g', 'd'))
    return ModelSpec(
        method='aligned',
        preset='official_code',
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
        max_edge_px=768,
        padding='cells',
        resize_back='nearest-exact',
    )


def marigold_spec(version: str) -> ModelSpec:
    """
    Return the conventions of Marigold in one step, trailing spacing: t = 999, x0 from v.

    :param version: ``v1-0``, or ``v1-1`` (zero terminal SNR: x0 = -v)
    :raises WeightsError: for another version
    """
    _check('marigold', version, ('v1-0', 'v1-1'))
    return ModelSpec(
        method='aligned',
        preset='official_code',
        codec='vae',
        channel_order='rgb_depth',
        timestep=LAST_STEP,
        zero_snr=version == 'v1-1',
        prediction='v',
        detail=False,
        known=False,
        condition='none',
        start='gaussian',
        output='relative',
        clip='depth',
        text_width=SD2_TEXT_WIDTH,
        agree_below=1.0,
        fit='lstsq',
        max_edge_px=768,
        padding='cells',
    )


def _check(model: str, preset: str, known: tuple[str, ...]) -> None:
    if preset not in known:
        raise WeightsError(f'{model}: preset {preset!r} is unknown; use one of {known}')
