# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Convert a release to a bundle of safetensors, tested before it is kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.bundles import read_refiner, staged_refiner_bundle
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.releases.load import Release
from depth_refiner_ros.models.bundle import Bundle, check_replaceable
import torch

DTYPES = {'fp16': torch.float16, 'fp32': torch.float32}
BOUNDS = {'fp16': 0.02, 'fp32': 1e-4}
"""Largest difference of the depth before and after, as a share of its range."""
ROWS, COLUMNS = 64, 96
STEPS = ('running the release', 'writing the bundle', 'running the bundle')


@dataclass(frozen=True, kw_only=True)
class Converted:
    """
    A bundle with the same output as its release.

    :param difference: largest difference, as a share of the depth's range
    :param bound: largest allowed difference
    """

    bundle: Bundle
    difference: float
    bound: float


def convert(
    release: Release,
    folder: Path,
    *,
    precision: str = 'fp16',
    log: Callable[[str], None] = lambda step: None,
) -> Converted:
    """
    Write a release as a bundle atomically, after comparing the outputs of both for one image.

    :param folder: an existing bundle is replaced once the new one has passed
    :param precision: of the files: fp16 or fp32
    :param log: called with each of :data:`STEPS` as it begins
    :raises OutputError: if the folder cannot be written
    :raises WeightsError: if the outputs differ
    """
    check_replaceable(folder)
    bound = BOUNDS[precision]
    log(STEPS[0])
    before = depth_of_test_image(release.network)
    log(STEPS[1])
    with staged_refiner_bundle(
        folder,
        release.network,
        name=release.name,
        licence=release.licence,
        source=release.source,
        dtype=DTYPES[precision],
    ) as bundle:
        log(STEPS[2])
        difference = _difference(before, depth_of_test_image(read_refiner(bundle)))
        if not difference <= bound:
            raise WeightsError(
                f'{release.name}: as a bundle in {precision} it gives depth '
                f'that differs by {difference:.2g} of its range, more than '
                f'{bound:g}; use --precision fp32'
            )
    return Converted(bundle=replace(bundle, path=folder), difference=difference, bound=bound)


def depth_of_test_image(network: OneStepNetwork) -> torch.Tensor:
    """
    Run a whole refiner on a colored ramp with a ball in front.

    :raises WeightsError: if the depth is not finite
    """
    down, right = torch.meshgrid(
        torch.linspace(-1, 1, ROWS), torch.linspace(-1.5, 1.5, COLUMNS), indexing='ij'
    )
    ball = (1.0 - down.square() - right.square()).clamp_min(0.0)
    rgb_B3HW = torch.stack([ball, (down + 1.0) / 2.0, (right + 1.5) / 3.0])[None]
    prior_B1HW = (3.0 - down - ball)[None, None]
    estimator = SharpEstimator(network, max_edge_px=COLUMNS)
    with torch.inference_mode():
        depth = estimator.estimate(
            rgb_B3HW,
            prior_B1HW,
            torch.ones_like(prior_B1HW).bool(),
            torch.Generator().manual_seed(0),
        ).depth_B1HW
    if not bool(torch.isfinite(depth).all()):
        raise WeightsError(
            'the network gives depth that is not finite for a plain image; get a '
            'sound copy of its weights'
        )
    return depth


def _difference(first: torch.Tensor, second: torch.Tensor) -> float:
    span = float(first.max() - first.min())
    return float((first - second).abs().max()) / max(span, 1e-12)
