# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json

from depth_refiner_ros.cli.commands import app
from depth_refiner_ros.core.errors import BackendError
import pytest
from typer.testing import CliRunner

SMALL = ('--width', '64', '--height', '48', '--prior', 'smeared')


def export(*flags):
    done = CliRunner().invoke(app, ['export', *SMALL, *map(str, flags)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    """Return one engine cache, because TensorRT starts from the files of ONNX Runtime."""
    return tmp_path_factory.mktemp('cache')


def test_onnx_files_are_written_and_named(cache, tmp_path):
    done = export('--engine-cache', cache, '--json', tmp_path / 'out.json')
    assert done.exit_code == 0
    result = json.loads((tmp_path / 'out.json').read_text())
    names = {file['path'] for file in result['files']}
    assert {str(path) for path in cache.glob('unet-onnx-*/model.onnx*')} == names
    assert all(name in done.stdout for name in names)
    assert sum(file['mb'] for file in result['files']) > 2.0, 'weights in fp32'


def test_engines_for_another_machine_need_no_gpu(cache):
    pytest.importorskip('tensorrt_rtx_bindings')
    done = export(
        '--backend',
        'tensorrt',
        '--engine-target',
        'sm89',
        '--engine-cache',
        cache,
        '--precision',
        'fp32',
    )
    (engine,) = cache.glob('unet-engine-*/model.engine')
    assert str(engine) in done.stdout


def test_a_backend_without_files_is_refused(tmp_path):
    with pytest.raises(BackendError, match='backend torch builds nothing ahead of time'):
        export('--backend', 'torch', '--engine-cache', tmp_path)
