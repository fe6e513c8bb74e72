# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lines that a run notes before its first frame."""

from collections.abc import Sequence

from depth_refiner_ros.apps.console import note


def note_networks(lines: Sequence[str]) -> None:
    """Note each bundle with its licence, then where and how networks run."""
    for line in lines:
        note(line)
