# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import json

import pytest
from training.reproduction.data import SEEDS, VIEWS
from training.reproduction.profiles import SMOKE

from tests.training.rooms_folder import HEIGHT, WIDTH, write_rooms
from tests.warm_server import start_server

TINY = replace(SMOKE, rooms=2, held_out=2)


@pytest.fixture
def profile():
    """The smoke profile on rooms that are drawn by hand."""
    return TINY


@pytest.fixture
def place(tmp_path):
    """An output whose rooms are there already, so that nothing is rendered."""
    for name, first_seed in SEEDS.items():
        folder = write_rooms(tmp_path / 'out/data' / name, (2,), prior=True, first_seed=first_seed)
        record = {
            'rooms': 2,
            'first_seed': first_seed,
            'views': VIEWS[name][0],
            'starts': VIEWS[name][1],
            'width': WIDTH,
            'height': HEIGHT,
        }
        (folder / 'dataset.json').write_text(json.dumps(record))
    start_server()  # before the program starts its own, which imports less than other tests need
    return tmp_path / 'out'
