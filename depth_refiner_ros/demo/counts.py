# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Times and lost frames of a demo, from what its nodes reported."""

from collections.abc import Mapping

from depth_refiner_ros.demo.collected import DEPTH
from depth_refiner_ros.demo.graph import Outcome


def stages(diagnostics: Mapping[str, str]) -> dict[str, float]:
    """Return the stage times that a node reported, by name."""
    return {
        key.removeprefix('stage_').removesuffix('_ms'): float(value)
        for key, value in diagnostics.items()
        if key.startswith('stage_')
    }


def notes(outcome: Outcome) -> list[str]:
    """Return a note on the frames that the fusion node could not use, none if it used all."""
    missed = counted_drops(outcome.diagnostics['tsdf'])
    reasons = ', '.join(f'{count} {reason}' for reason, count in missed.items())
    return [f'Frames that were refined but not fused: {reasons}.'] if missed else []


def counted_drops(diagnostics: Mapping[str, str]) -> dict[str, int]:
    """Return the frames that a node reported as dropped, by reason."""
    return {
        key.removeprefix('dropped_'): int(value)
        for key, value in diagnostics.items()
        if key.startswith('dropped_') and int(value)
    }


def dropped(frames_in: int, outcome: Outcome) -> dict[str, int]:
    """
    Return the lost frames by reason.

    Frames that no node counted were lost between the processes.
    """
    counted = counted_drops(outcome.diagnostics['refiner'])
    unseen = frames_in - outcome.collected.count(DEPTH) - sum(counted.values())
    return {**counted, 'lost between processes': unseen} if unseen > 0 else counted
