# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
from training.config import SourceConfig
from training.data.registry import open_samples

from tests.training.data.trees import TREES


@pytest.fixture(autouse=True, scope='session')
def own_cache(tmp_path_factory):
    """Keep what readers store for later runs out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))
        yield


@pytest.fixture
def open_tree(tmp_path):
    """Return a function that writes the folder of a set and opens it by a reader and split."""

    def opened(tree, reader='', split=''):
        folder = tmp_path / 'set'
        if not folder.exists():
            TREES[tree](folder)
        return open_samples(SourceConfig(str(folder), reader=reader or tree, split=split))

    return opened


@pytest.fixture
def names_of():
    """Return a function that lists the names of a set."""
    return lambda samples: [samples[index].name for index in range(len(samples))]
