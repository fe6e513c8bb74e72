# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a refiner's network is used, as stored in ``bundle.json``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.gating import (
    ALIGNS,
    DifferenceRule,
    DOWNSAMPLES,
    OFFICIAL_CODE,
    PAPER,
    SCALES,
)
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.core.resize import BACK
from depth_refiner_ros.diffusion.normalization import RANGES, SPACES

CHOICES = {
    'method': ('apdepth', 'sharpdepth', 'aligned'),
    'preset': (
        'released',
        'official_code',
        'official_compat',
        'paper',
        'paper_tables',
        'normalized',
        'bundled',
    ),
    'codec': ('vae', 'unshuffle'),
    'channel_order': ('depth_rgb', 'rgb_depth'),
    'prediction': ('sample', 'residual', 'v'),
    'start': ('gaussian', 'zeros', 'none'),
    'condition': ('metric', 'disparity', 'none'),
    'prior_input': ('model', 'official_compat'),
    'prior_view': ('image', 'padded'),
    'space': SPACES,
    'range': RANGES,
    'output': ('metric', 'relative', 'disparity'),
    'clip': ('none', 'depth', 'channels'),
    'guess': ('self', 'ema', 'frozen'),
    'difference_align': ALIGNS,
    'difference_scale': SCALES,
    'difference_downsample': DOWNSAMPLES,
    'noise': ('gaussian', 'noised_latent'),
    'fit': ('lstsq', 'robust'),
    'padding': ('levels', 'cells', 'floored'),
    'resize_back': BACK,
    'ends_at': ('clean', 'first_step'),
}
LIMITS = {
    'unshuffle_factor': (1, 64),
    'timestep': (0, 999),
    'residual_gain': (0.0, 1000.0),
    'detail_gain': (0.0, 1000.0),
    'text_width': (0, 65536),
    'max_edge_px': (0, 65536),
    'agree_below': (0.0, 1.0),
    'fit_samples': (0, 10**9),
    'keep_within': (0.0, 1.0),
    'keep_sharp': (0.0, 1.0),
    'nearest_m': (0.0, 1.0),
}
IN_AND_OUT = {
    'sharpdepth': (('metric', 'metric'),),
    'apdepth': (('metric', 'metric'), ('disparity', 'relative'), ('disparity', 'disparity')),
    'aligned': (('none', 'relative'), ('none', 'disparity'), ('metric', 'metric')),
}
"""The pairs of condition and output that each method knows."""
FORMER_DIFFERENCES = {'paper': PAPER, 'official_code': OFFICIAL_CODE}
"""Meaning of ``difference`` in older bundles, which had one key for its two halves."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """
    The conventions of one refiner; ``presets.py`` has those of the published models.

    :param method: ``apdepth`` (one deterministic pass over [depth, rgb] latents), ``sharpdepth``
        (a pass from noise, a difference map, a gated second pass) or ``aligned`` (one pass
        without the prior, or with no more than its layout, aligned to its metres afterwards:
        Lotus, Marigold, and the teacher of the small SharpDepth)
    :param preset: the paper's text, the official code, or this package's own small networks
    :param codec: latent codec
    :param unshuffle_factor: cell size of the ``unshuffle`` codec in pixels
    :param channel_order: which latent comes first (SharpDepth: rgb; ApDepth stage 2: depth)
    :param timestep: the one integer timestep (999 for Lotus and SharpDepth, 1 for ApDepth)
    :param zero_snr: the weights were trained with zero terminal signal-to-noise ratio
    :param prediction: the output is the depth latent, its difference to the prior's latent (to
        that of its layout, where that is an input), or v of the noise schedule
    :param ends_at: where the single step of a ``v`` network ends: at its clean estimate, or, like
        diffusers' schedulers without ``set_alpha_to_one``, at the schedule's first step, which
        still contains 3 % of the noise
    :param residual_gain: factor on the output of a ``residual`` network
    :param detail: append the prior's local contrast (high-pass, ApDepth 2.3) as a further input
    :param detail_gain: factor on it
    :param layout: append the prior's low-pass, one value per cell, as a further input: what a
        network that is too small to know depth from an image alone is told of a scene
    :param known: append the share of known prior pixels of each cell as a further input
    :param start: input of an ``aligned`` network besides the image: Gaussian noise, zeros, or no
        second latent at all (Lotus-D: four channels)
    :param condition: input of the network from the prior: metric depth, disparity up to scale and
        shift, or nothing
    :param prior_input: how the prior's own network must be fed for these weights
    :param prior_view: the input image of the prior: unchanged, or, as in SharpDepth's code,
        resized and padded for this network and rounded down to 8 bits
    :param space: see :class:`~depth_refiner_ros.diffusion.normalization.DepthNormalizer`; a
        ``disparity`` condition is used unchanged
    :param range: see there
    :param output: metres by the prior's normalisation, depth up to scale and shift, or disparity
        up to scale and shift
    :param clip: cut the decoded map at -1 and 1: never, as a whole, or each of its channels
        before their mean; at inference only
    :param task_embedding: class label vector of Lotus-style UNets, empty if there is none
    :param text_width: width of the text embedding; 0 for a UNet without text
    :param guess: network of SharpDepth's first pass: the network itself, or a second UNet (its
        moving average, or the frozen teacher) that the bundle holds in ``unet_guess/``
    :param difference_align: how the first pass is aligned to the prior before the comparison
    :param difference_scale: divisor of their difference
    :param difference_downsample: how the difference map shrinks to latent size
    :param noise: what the gate blends in (eq. 4: Gaussian; official code: the noised latent)
    :param agree_below: pixels with a difference below this take part in the final fit, all of
        them if it is 1; the option of the same name takes precedence unless it is 0
    :param fit: the final fit if the option ``align`` is auto
    :param fit_samples: number of pixels, on a grid, that the fit uses; 0 is all of them
    :param keep_within: relative change around a pixel up to which the prior's depth is kept, see
        :func:`~depth_refiner_ros.core.agreement.keep_prior`; 0 keeps none
    :param keep_sharp: sharpness of the prior's outlines from which on its depth is kept, see the
        same; 0 keeps none
    :param nearest_m: nearer depth is set to this after the fit, and counted; 0 leaves the
        result of the fit unchanged, even if it is not positive
    :param max_edge_px: images are resized to this longest edge; 0 keeps their size
    :param enlarge: also resize smaller images; otherwise they keep their size
    :param image_bytes: the resized image is rounded to 8 bits
    :param padding: pad to a size that every level of the UNet can halve, or only to whole latent
        cells. ``floored`` pads nothing, like the code of Marigold, Lotus and ApDepth: rows and
        columns beyond the last whole cell are dropped, and the rest is stretched over the image
    :param resize_back: how results are resized to the image's size
    :raises WeightsError: for a value that is unknown or does not fit the others
    """

    method: str = 'apdepth'
    preset: str = 'bundled'
    codec: str = 'unshuffle'
    unshuffle_factor: int = 4
    channel_order: str = 'depth_rgb'
    timestep: int = 1
    zero_snr: bool = False
    prediction: str = 'residual'
    ends_at: str = 'clean'
    residual_gain: float = 0.1
    detail: bool = True
    detail_gain: float = 8.0
    layout: bool = False
    known: bool = True
    start: str = 'gaussian'
    condition: str = 'metric'
    prior_input: str = 'model'
    prior_view: str = 'image'
    space: str = 'log'
    range: str = 'centre'
    output: str = 'metric'
    clip: str = 'none'
    task_embedding: tuple[float, ...] = ()
    text_width: int = 0
    guess: str = 'self'
    difference_align: str = 'minmax'
    difference_scale: str = 'range'
    difference_downsample: str = 'nearest'
    noise: str = 'gaussian'
    agree_below: float = 0.5
    fit: str = 'robust'
    fit_samples: int = 20_000
    keep_within: float = 0.0
    keep_sharp: float = 0.0
    nearest_m: float = 0.01
    max_edge_px: int = 0
    enlarge: bool = True
    image_bytes: bool = False
    padding: str = 'levels'
    resize_back: str = 'antialias'

    def __post_init__(self) -> None:
        for item in fields(self):
            value, form = getattr(self, item.name), type(item.default)
            if type(value) is not form and not (form is float and type(value) is int):
                raise WeightsError(
                    f'spec: {item.name} = {shown(value)} must be of type {form.__name__}'
                )
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise WeightsError(
                    f'spec: {name} = {shown(getattr(self, name))} must lie between {low} '
                    f'and {high}'
                )
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise WeightsError(
                    f'spec: {name} = {shown(getattr(self, name))} must be one of '
                    f'{", ".join(allowed)}{nearest(getattr(self, name), allowed)}'
                )
        task = self.task_embedding
        if not all(type(item) in (int, float) and abs(item) <= 1.0 for item in task):
            raise WeightsError(
                f'spec: task_embedding = {shown(task)} must hold numbers between -1 and 1'
            )
        self._check_method()

    def _check_method(self) -> None:
        pair = self.condition, self.output
        if pair not in IN_AND_OUT[self.method]:
            raise WeightsError(
                f'spec: {self.method} with (condition, output) = {pair} must be '
                f'one of {IN_AND_OUT[self.method]}'
            )
        if self.padding == 'floored' and (self.codec != 'vae' or self.method == 'sharpdepth'):
            raise WeightsError(
                f'spec: padding = floored drops pixels, which neither codec unshuffle nor method '
                f'sharpdepth can do ({self.codec}, {self.method}); use cells'
            )
        if self.guess != 'self' and self.method != 'sharpdepth':
            raise WeightsError(
                f'spec: guess = {shown(self.guess)} is for sharpdepth; {self.method} has no '
                'first pass'
            )
        if self.method == 'aligned' and self.detail:
            raise WeightsError(
                'spec: aligned is not given the prior itself, so it has no detail of it; set '
                'detail to false'
            )
        if self.condition == 'none' and (
            self.layout or self.known or self.prediction == 'residual'
        ):
            raise WeightsError(
                'spec: layout, known and the prediction residual need a '
                'prior as input, which condition none does not have; use none of them'
            )
        if self.method == 'aligned' and self.layout is not (self.condition == 'metric'):
            raise WeightsError(
                f'spec: aligned with condition = {self.condition} and layout = {self.layout} does '
                'not fit; the layout is the one thing that it may have of a metric prior'
            )

    @property
    def difference_rule(self) -> DifferenceRule:
        """Return the rule of :func:`~depth_refiner_ros.core.gating.difference_map`."""
        return DifferenceRule(
            align=self.difference_align,  # type: ignore[arg-type]
            scale=self.difference_scale,  # type: ignore[arg-type]
        )

    @property
    def takes_raw_disparity(self) -> bool:
        """Whether only the prior network of the training gives disparity in the right range."""
        return self.condition == 'disparity' and self.range == 'none'

    @property
    def takes_depth(self) -> bool:
        """Whether the network has a depth latent among its inputs."""
        return self.method != 'aligned' or self.start != 'none'

    def to_dict(self) -> dict[str, Any]:
        """Return the spec for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> 'ModelSpec':
        """
        Read a spec.

        :raises WeightsError: for an unknown key or value
        """
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in tree.items()
        }
        if former := FORMER_DIFFERENCES.get(str(plain.get('difference'))):
            del plain['difference']
            plain = {'difference_align': former.align, 'difference_scale': former.scale, **plain}
        unknown = set(plain) - {item.name for item in fields(cls)}
        if unknown:
            raise WeightsError(
                f'spec: unknown keys {sorted(unknown)}; correct them, or use a '
                'newer version of this package for a newer bundle'
            )
        return cls(**plain)
