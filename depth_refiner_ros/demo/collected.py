# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read what the collector node has written, while it still writes or afterwards."""

from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

import numpy as np

DEPTH, CONFIDENCE = 'depth/image', 'depth/confidence'


@dataclass(frozen=True)
class Collected:
    """
    The arrivals of a run.

    :param folder: where the collector writes
    :param arrived_ns: topic to stamp to time of arrival
    """

    folder: Path
    arrived_ns: dict[str, dict[int, int]]

    def count(self, topic: str) -> int:
        """Return the number of different stamps that arrived."""
        return len(self.arrived_ns.get(topic, {}))

    def has(self, topic: str, stamp_ns: int) -> bool:
        """Return whether a message has arrived."""
        return stamp_ns in self.arrived_ns.get(topic, {})

    def map_HW(self, topic: str, stamp_ns: int) -> np.ndarray:
        """Return a map that has arrived, H x W; an image is H x W x 3."""
        return np.asarray(np.load(self.folder / f'{topic.replace("/", "_")}_{stamp_ns}.npy'))

    def latency_ms(self) -> list[float]:
        """Return the times from each image's arrival to that of its depth, in order of stamps."""
        images = self.arrived_ns.get('image', {})
        depths = self.arrived_ns.get(DEPTH, {})
        return [
            1e-6 * (depths[stamp] - images[stamp]) for stamp in sorted(depths) if stamp in images
        ]

    def fps(self) -> float | None:
        """Return depth maps per second between the first and the last, None below two."""
        times = sorted(self.arrived_ns.get(DEPTH, {}).values())
        return (len(times) - 1) / (1e-9 * (times[-1] - times[0])) if len(times) > 1 else None


def read_arrivals(folder: Path) -> Collected:
    """Read the arrivals so far; a line still being written is left for the next call."""
    arrived_ns: dict[str, dict[int, int]] = {}
    file = folder / 'arrivals.csv'
    text = file.read_text(encoding='utf-8') if file.is_file() else ''
    for line in text.splitlines(keepends=True):
        if line.endswith('\n'):
            topic, stamp, arrived = line.strip().split(',')
            arrived_ns.setdefault(topic, {}).setdefault(int(stamp), int(arrived))
    return Collected(folder, arrived_ns)


def last_diagnostics(folder: Path, node: str) -> dict[str, Any]:
    """Return the last values that a node reported, empty if it never did."""
    file = folder / 'diagnostics.jsonl'
    lines = file.read_text(encoding='utf-8').splitlines(keepends=True) if file.is_file() else []
    found: dict[str, Any] = {}
    for line in lines:
        if line.endswith('\n'):
            status = json.loads(line)
            if status['name'].startswith(f'/{node}:'):
                found = status['values']
    return found
