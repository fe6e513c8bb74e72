# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files with a few wrong bytes, or cut short, cost their images and end nothing."""

import random

from depth_refiner_ros.sources.lost_frames import FrameError
import pytest
from training.config import SourceConfig
from training.data.registry import open_samples

from tests.training.data.trees import TREES


def damaged(content, rng):
    """Return a file's content with up to three other bytes, the first often in its head."""
    if rng.random() < 0.2:
        return content[: rng.randrange(len(content))]
    changed = bytearray(content)
    for span in (min(len(content), 200), len(content), len(content))[: rng.randrange(1, 4)]:
        changed[rng.randrange(span)] = rng.randrange(256)
    return bytes(changed)


@pytest.mark.parametrize('reader', ['diode', 'eth3d', 'sintel', 'unrealstereo4k'])
def test_damage_costs_one_image(tmp_path, reader):
    folder = TREES[reader](tmp_path)
    samples = open_samples(SourceConfig(str(folder), reader=reader))
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    rng, lost = random.Random(1), 0
    for _ in range(120):
        file = rng.choice(files)
        content = file.read_bytes()
        file.write_bytes(damaged(content, rng))
        broken = 0
        for index in range(len(samples)):
            try:
                samples[index]
            except FrameError:
                broken += 1
        file.write_bytes(content)
        assert broken <= 1
        lost += broken
    assert lost > 10
