# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files and folders of another user: one line that names them, as for every mistake."""

import os
from pathlib import Path
import tempfile

from depth_refiner_ros.apps.models_import import checkpoint_of
from depth_refiner_ros.backends.engine_cache import CacheError, EngineCache
from depth_refiner_ros.core.errors import InputError, OutputError, SourceError
from depth_refiner_ros.core.output_lock import locked_file, locked_folder
from depth_refiner_ros.core.places import entered_path, exists, user_path
from depth_refiner_ros.diffusion.releases.places import locate
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.models.catalogue import MODELS, where_found
from depth_refiner_ros.priors.model_folder import find_folder
from depth_refiner_ros.priors.moge2_onnx import onnx_file
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
        (lambda folder: open_bundle(folder, 'prior'), InputError),
        (lambda folder: open_bundle(folder / 'drive', 'refiner'), InputError),
        (lambda folder: find_folder('unik3d', str(folder)), InputError),
        (lambda folder: onnx_file(str(folder / 'drive')), InputError),
        (lambda folder: locate(str(folder / 'drive')), InputError),
        (lambda folder: checkpoint_of(str(folder)), InputError),
        (lambda folder: EngineCache(folder).entry('prior', {}, print), CacheError),
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


def test_models_are_found_beside_a_forbidden_folder(closed):
    with tempfile.TemporaryDirectory() as name:  # of this user, unlike the folder of the test
        (Path(name) / 'closed').mkdir(0)
        assert not any(where_found(model, [Path(name)]) for model in MODELS)


@pytest.mark.parametrize('find', [user_path, entered_path])
def test_the_home_of_nobody_is_one_line(find, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r'~no_such_user/x: no such home folder; write the whole'):
        find('~no_such_user/x')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert find('~/x') == tmp_path / 'x'


def test_a_name_that_no_file_can_have_is_one_line():
    with pytest.raises(InputError, match='File name too long'):
        entered_path('x' * 300)
