# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether sets have the true depth that an objective learns from; without, its loss is 0."""

from collections.abc import Callable

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
from training.data.mixture import Mixture, Part

LOOKED_AT = 20
"""Images of a set, evenly spread, of which one must have depth."""


def check_true_depth(objective: str, images: Mixture, log: Callable[[str], object]) -> None:
    """
    Raise where a run would learn nothing, its loss 0 at every step.

    :param objective: its name, for the message
    :param log: called with one line for a set without depth among others
    :raises SourceError: where no set has true depth
    """
    without = [part.name for part in images.parts if not _knows_depth(part)]
    named = ', '.join(without)
    if len(without) == len(images.parts):
        raise SourceError(
            f'data.train: no true depth in {named}, and objective {objective} learns from it '
            f'(looked at up to {LOOKED_AT} images of each); name sets with depth, see docs/data.md'
        )
    if without:
        log(f'data.train: no true depth in {named}, whose batches teach {objective} nothing')


def _knows_depth(part: Part) -> bool:
    """Whether an image of a set has depth; True also where none can be read, which a step says."""
    count = len(part.samples)
    read = 0
    for index in np.unique(np.linspace(0, count - 1, LOOKED_AT).astype(int)).tolist():
        try:
            depth_m_HW = part.samples[index].depth_m_HW
        except FrameError:
            continue
        read += 1
        if depth_m_HW is not None and bool((np.isfinite(depth_m_HW) & (depth_m_HW > 0)).any()):
            return True
    return not read
