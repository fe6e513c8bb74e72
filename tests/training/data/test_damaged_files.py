# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files with a few wrong bytes, or cut short, cost their images and end nothing."""

import random

from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
from scipy.io import savemat
from training.config import SourceConfig
from training.data.readers import matlab
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


@pytest.mark.parametrize(
    ('offset', 'value'), [(162, 170), (960, 54)], ids=['a huge size', 'a type']
)
def test_matlab_files_that_hang_or_crash_their_reader(tmp_path, monkeypatch, offset, value):
    """The bytes are the rows of the struct, and the type of an array's values."""
    monkeypatch.setattr(matlab, 'LIMIT_S', 5.0)
    arrays = {
        'rgb': np.zeros((12, 16, 3), np.uint8),
        **{name: np.ones((12, 16)) for name in ('depth', 'mask_invalid', 'mask_transp', 'edges')},
        'calib': np.eye(3),
    }
    path = tmp_path / 'ibims1_core_mat' / 'a.mat'
    path.parent.mkdir()
    savemat(path, {'data': arrays})
    content = bytearray(path.read_bytes())
    content[offset] = value
    path.write_bytes(content)
    samples = open_samples(SourceConfig(str(tmp_path), reader='ibims'))
    with pytest.raises(FrameError, match=r'a\.mat cannot be read .*; copy it again'):
        samples[0]
