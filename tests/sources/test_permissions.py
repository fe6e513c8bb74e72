# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files and folders of another user: one line that names them, as for every mistake."""

import os

from depth_refiner_ros.core.errors import InputError, OutputError, SourceError
from depth_refiner_ros.core.output_lock import locked_file, locked_folder
from depth_refiner_ros.core.places import exists
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.sources.calibration import read_calibration
from depth_refiner_ros.sources.registry import open_source
import pytest

NOBODY = 65534


@pytest.fixture
def closed(tmp_path):
    """Yield a folder that this process may not enter."""
    folder = tmp_path / 'closed'
    (folder / 'drive').mkdir(parents=True)
    folder.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    yield folder
    os.seteuid(user)
    folder.chmod(0o700)


def test_a_map_in_a_forbidden_place(request):
    mapper = Mapper(TsdfSettings(device='cpu'))  # what it compiles is read by this user
    closed = request.getfixturevalue('closed')
    with pytest.raises(InputError, match='map: Permission denied'):
        mapper.go_on(closed / 'map')


def locked(lock, path):
    with lock(path):
        pass


@pytest.mark.parametrize(
    ('use', 'kind'),
    [
        (lambda folder: open_source(str(folder / 'drive')), SourceError),
        (lambda folder: open_source(str(folder)), SourceError),
        (lambda folder: exists(folder / 'drive'), InputError),
        (lambda folder: read_calibration(folder / 'calibration.yaml', print), InputError),
        (lambda folder: locked(locked_folder, folder / 'out'), OutputError),
        (lambda folder: locked(locked_file, folder / 'map'), OutputError),
    ],
)
def test_a_forbidden_place_is_one_line_that_names_it(closed, use, kind):
    with pytest.raises(kind) as caught:
        use(closed)
    assert 'ermission denied' in str(caught.value)
    assert str(closed.parent) in str(caught.value)
    assert '\n' not in str(caught.value)
