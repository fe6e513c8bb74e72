# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Make a prior's confidence right on real images.

``python -m training.tools.calibrate BUNDLE SOURCE OUT``: a network that was trained on rendered
images errs more on photographs, and does not know by how much. Its expected errors are multiplied
by the one factor with which the mean confidence on SOURCE is the share of pixels within a factor
of 1.25 of the truth, every image counting the same. The factor goes into the weights of OUT and,
with the name of SOURCE, into its record. Depth stays what it is.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
import sys
from typing import Annotated

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.inference import infer
from depth_refiner_ros.core.confidence import confidence_of_spread, WITHIN
from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.models.bundle import check_replaceable, open_bundle, QUICK
from depth_refiner_ros.priors.bundled import read_prior_network, write_prior_bundle
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.sources.labelled import labelled
from depth_refiner_ros.sources.lost_frames import FrameError, LostFrame
from depth_refiner_ros.sources.registry import open_source
import numpy as np
from rich.progress import track
import torch
from training.program import ended
import typer

LARGEST = 20.0
"""Factor, or one over it, beyond which the expected errors say nothing."""
_STEPS = 40

Image = tuple[torch.Tensor, float]
"""The confidence of each compared pixel, in 0..1, and the share of these that is right."""


def spread_factor(images: list[Image]) -> float:
    """
    Return the factor on expected errors with which mean confidence is the share that is right.

    :raises SourceError: where no factor up to :data:`LARGEST` does that
    """
    right = float(np.mean([share for _, share in images]))
    spreads = [-WITHIN / torch.log1p(-confidence_N) for confidence_N, _ in images]

    def too_sure(factor: float) -> bool:
        means = [float(confidence_of_spread(spread_N * factor).mean()) for spread_N in spreads]
        return float(np.mean(means)) > right

    low, high = 1.0 / LARGEST, LARGEST
    if not too_sure(low) or too_sure(high):
        raise SourceError(
            f'{right:.0%} of the pixels are right, which no factor on the expected errors between '
            f'{low:g} and {high:g} makes the mean confidence; take other images'
        )
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if too_sure(middle) else (low, middle)
    return low


def images_of(bundle: str, source: str, every: int) -> Iterator[Image]:
    """Yield what the prior's confidence is on the images of a source that have depth."""
    if bundle == QUICK:
        raise SettingsError(f'{QUICK} has the weights of bundled, and its errors; calibrate that')
    settings = ModelSettings(prior='bundled', prior_weights=bundle, refiner='none')
    network = DepthRefiner.from_settings(settings)
    frames = open_source(source, poses=False, log=note)
    picked = islice(labelled(frames), 0, None, every)
    for item in track(picked, 'predicting', -(-len(frames) // every)):
        if isinstance(item, LostFrame):
            note(f'left out: {item.name}')
            continue
        try:
            depths = infer(network, settings, item.frame)
        except FrameError as error:
            note(f'left out: {error}')
            continue
        truth = depths.truth_m_HW
        known = np.isfinite(depths.prior_m_HW)
        if truth is not None:
            known &= np.isfinite(truth) & (truth > 0)
        if truth is None or not known.any():
            note(f'left out, as it has no depth: {item.frame.name}')
            continue
        right = np.abs(np.log(depths.prior_m_HW[known] / truth[known])) < WITHIN
        sure = torch.from_numpy(depths.confidence_HW[known]).double().clamp(1e-6, 1.0 - 1e-12)
        yield sure, float(right.mean())


def main(
    bundle: Annotated[str, typer.Argument(help='A bundle of a prior that knows its errors.')],
    source: Annotated[str, typer.Argument(help='Images with measured depth, as eval reads them.')],
    out: Annotated[Path, typer.Argument(help='Folder of the new bundle.')],
    every: Annotated[int, typer.Option(min=1, help='Take every n-th image.')] = 1,
) -> None:
    """Write a bundle whose confidence is right on average."""
    check_replaceable(out)
    opened = open_bundle(bundle, 'prior')
    network = read_prior_network(opened)
    if not network.config.uncertainty:
        raise SettingsError(f'{bundle} does not predict its errors; train it with loss.spread')
    images = list(images_of(bundle, source, every))
    if not images:
        raise SourceError(f'{source} has no image with depth to compare with')
    factor = spread_factor(images)
    log_spread = network.state_dict()['head.bias'][1:]
    log_spread += float(np.log(factor))
    before = opened.manifest.get('training', {})
    made = {'images': len(images), 'source': Path(source).name, 'spread_factor': round(factor, 4)}
    write_prior_bundle(out, network, {**before, 'calibration': made})
    note(f'expected errors times {factor:.2f}, from {len(images)} images: {out}')


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
