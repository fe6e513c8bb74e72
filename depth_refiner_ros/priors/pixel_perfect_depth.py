# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Pixel-Perfect Depth: depth generated on pixels, in a few steps from noise, without flying pixels.

It replaces a refiner, but is a prior: it sees the image alone, so that what it needs is what a
relative prior has, a scale prior that its depth is aligned to. With ``scale_prior: moge2`` and
``refiner: none`` this is its authors' way to metric point clouds. Its depth is the logarithm of
1 + metres up to scale and shift, and so it is fitted, by :func:`~.metric_alignment.to_metres`.

Of its authors' rules these are kept: the image at 1024 x 768 pixels or a shape of this area, in
bytes; four steps, as for their benchmarks (20 in their script for point clouds); depth resized by
the nearest pixel, as in their evaluation, for anything smoother makes new flying pixels; no depth
where MoGe-2 finds none. Different are:

- the noise, which is the same for each image, so that a video does not flicker: theirs is what
  the generator gives after seed 666 and the making of the networks
- the fit, by the rounds of :func:`~.alignment.fit_robust` instead of RANSAC with random samples
- depth beyond the farthest of the reference, which they cut: where a depth camera is the reference
  this would be a wall at the end of its range

A frame of 640 x 480 takes 54 TFLOP, for an encoder and four times a transformer.
"""

from collections.abc import Callable, Iterator
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.noise import gaussian_like, KeptNoise
from depth_refiner_ros.core.types import Prepare, PriorDepth
from depth_refiner_ros.priors.base import attached, PriorOptions, WithNetwork
from depth_refiner_ros.priors.dpt import Size, size_of
from depth_refiner_ros.priors.model_folder import imported_folder, size_mb
from depth_refiner_ros.priors.pixel_perfect_depth_network import COARSE_PX, time_features
from depth_refiner_ros.priors.pixel_perfect_depth_weights import NAME, read_folder
from depth_refiner_ros.priors.preprocess import lower_bound, of_area
from depth_refiner_ros.priors.sizes import licence_of, SIZES
from depth_refiner_ros.priors.stepped_rule import SteppedRule
import torch
from torch import nn

PIXELS = 1024 * 768
STEPS = 4
MOST_TIME = 1000
"""The time at which depth is noise; at time 0 it is depth."""
MIDDLE = 0.5
"""Of colors, and of depth: both are about 0 at the network."""


class PixelPerfectDepthPrior(WithNetwork):
    """
    Pixel-Perfect Depth as a prior.

    :param semantics: colors to semantic tokens
    :param network: noise and depth, colors, semantic tokens and time to velocity
    :param rule: of the image
    :param steps: runs of the network for an image
    :param seed: of the noise
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        semantics: nn.Module,
        network: nn.Module,
        *,
        rule: SteppedRule | None = None,
        steps: int = STEPS,
        seed: int = 0,
        description: str = '',
    ) -> None:
        self.semantics: Callable[..., Any] = semantics
        self.network = network
        self._rule = rule or input_rule()
        self._steps, self._seed = list(steps_of(steps)), seed
        # Kept for good, 3 MB a size: CUDA graphs read them.
        self._noise: dict[Size, KeptNoise] = {}
        self._description = description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict log depth at the image's size; camera and measured depth are not used."""
        rgb = self._rule.prepare(rgb_B3HW)
        semantics, color = self.semantics(rgb), rgb - MIDDLE
        depth = self._start(rgb[:, :1])
        for time, following in self._steps:
            features = time_features(time, depth)
            velocity = self.network(depth, color, semantics, features).float()
            depth = depth + (following - time) / MOST_TIME * velocity
        restored = self._rule.restore(depth + MIDDLE, size_of(rgb_B3HW))
        return PriorDepth(depth_B1HW=restored, kind='log')

    def _start(self, like_B1hw: torch.Tensor) -> torch.Tensor:
        size = size_of(like_B1hw)
        if size not in self._noise:
            self._noise[size] = KeptNoise(self._seed)
        return gaussian_like(like_B1hw, self._noise[size].rewound())

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """See :meth:`.base.Prior.attach_backend`."""
        super().attach_backend(prepare, key)
        self.semantics = attached(self.semantics, prepare, f'{key}_semantics')


def steps_of(count: int) -> Iterator[tuple[int, int]]:
    """Yield for each step the time at which it starts, and that at which it ends."""
    times = [round(MOST_TIME - index * (MOST_TIME + 1) / count) for index in range(count)]
    yield from zip(times, [*times[1:], 0], strict=True)


def input_rule(short_side: int = 0) -> SteppedRule:
    """
    Return the rule of its images, which leaves colors as they are.

    :param short_side: in pixels; 0 is the area of its training
    """
    size = lower_bound(short_side, COARSE_PX) if short_side else of_area(PIXELS, COARSE_PX)
    colors = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    return SteppedRule(first=size, size=size, mean_std=colors, up='nearest')


def build(options: PriorOptions) -> PixelPerfectDepthPrior:
    """
    Build ``pixel_perfect_depth`` from a folder of ``models import``.

    :raises SettingsError: without such a folder
    :raises WeightsError: if it holds another model, or weights that do not fit
    """
    ids = SIZES[NAME]
    model_id = ids.get(options.weights, next(iter(ids.values())))
    folder = imported_folder(NAME, options.weights, model_id)
    networks, about = read_folder(folder)
    networks.to(options.device)
    return PixelPerfectDepthPrior(
        networks.semantics,
        networks.velocity,
        rule=input_rule(options.short_side),
        seed=options.seed,
        description=(
            f'prior {NAME} {about.semantics}: {licence_of(NAME, about.semantics)}, '
            f'{size_mb(folder):.1f} MB, {folder}'
        ),
    )
