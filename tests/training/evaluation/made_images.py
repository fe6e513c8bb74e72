# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images drawn by hand, opened by reader ``made``, and evaluations of them."""

from dataclasses import replace

from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_IMAGE
import pytest
from training.data.registry import READERS
from training.data.sample import Sample
from training.evaluation.config import check_evaluation, EvaluationConfig, RowConfig

from tests.training.rooms_folder import scene

TRUE = {'prior': 'sensor', 'refiner': 'none', 'threads': 1}


class MadeImages:
    """Boxes before walls; some without depth, some unreadable."""

    def __init__(self, count=4, *, without_depth=(), unreadable=(), names=None):
        self._count, self._without, self._broken = count, without_depth, unreadable
        self._names = names or [f'image {index}' for index in range(count)]

    def __len__(self):
        return self._count

    def __getitem__(self, index):
        if index in self._broken:
            raise FrameError(UNREADABLE_IMAGE, f'{self._names[index]} is cut short')
        rgb, depth = scene(index)
        sample = Sample(rgb_HW3=rgb, depth_m_HW=depth, name=self._names[index])
        return replace(sample, depth_m_HW=None) if index in self._without else sample


def evaluation(folder, rows=None, **changes):
    """Return an evaluation of the images of reader ``made``."""
    keys = {
        'output': str(folder / 'out'),
        'protocol': 'frames',
        'model': dict(TRUE),
        'rows': rows or {'true': RowConfig(map='prior')},
        **changes,
    }
    config = EvaluationConfig(**keys)
    if not config.source:
        config.data.path, config.data.reader = str(folder), 'made'
    check_evaluation(config)
    return config


@pytest.fixture
def made(monkeypatch):
    """Return a function that sets the images that reader ``made`` opens."""

    def use(images):
        monkeypatch.setitem(READERS, 'made', lambda path, split: images)
        return images

    return use
