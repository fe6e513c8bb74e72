# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lines that a run notes before its first frame."""

from collections.abc import Sequence

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.settings.networks import DEPTH_PRIORS, ModelSettings
from depth_refiner_ros.sources.frame import FrameSource, HasMeasuredDepth


def note_networks(lines: Sequence[str]) -> None:
    """Note each bundle with its licence, then where and how networks run."""
    for line in lines:
        note(line)


def note_unused_depth(source: FrameSource, model: ModelSettings, *, prior_given: bool) -> None:
    """Note that a source has measured depth if the prior, which nobody chose, ignores it."""
    measured = isinstance(source, HasMeasuredDepth) and source.measured_depth
    if measured and not prior_given and not model.takes(DEPTH_PRIORS):
        note(
            f'{source.name} has measured depth, which --prior {model.prior} does not use; '
            '--prior sensor refines it'
        )
