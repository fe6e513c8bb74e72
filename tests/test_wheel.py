# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What pip installs: modules, weights, launch files and programs."""

import ast
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.test_packaging import ROOT


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """Build the wheel from a copy of the checkout."""
    copy = tmp_path_factory.mktemp('copy') / 'depth_refiner_ros'
    skip = shutil.ignore_patterns(
        '.*',
        '__pycache__',
        '*.egg-info',
        'build',
        'install',
        'log',
        'runs',
        'tests',
        'demo_output',
    )
    shutil.copytree(ROOT, copy, ignore=skip)
    out = copy.parent / 'out'
    command = [
        sys.executable,
        '-m',
        'pip',
        'wheel',
        '--quiet',
        '--no-deps',
        '--no-index',
        '--no-build-isolation',
        '--wheel-dir',
        str(out),
        str(copy),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(out.glob('*.whl'))) as archive:
        yield archive


def package_files(*suffixes: str) -> set[str]:
    """List the files of the package, all or those with some suffixes, from the root."""
    found = (
        path
        for path in (ROOT / 'depth_refiner_ros').rglob('*')
        if path.is_file() and path.suffix != '.pyc'
    )
    return {
        str(path.relative_to(ROOT)) for path in found if not suffixes or path.suffix in suffixes
    }


def test_wheel_holds_every_module_and_data_file(wheel):
    assert package_files() <= set(wheel.namelist())
    assert package_files('.safetensors'), 'the bundled networks belong to the package'


def test_wheel_installs_no_tests_and_no_training(wheel):
    tops = {name.split('/')[0] for name in wheel.namelist()}
    assert tops == {
        'depth_refiner_ros',
        'depth_refiner_ros-0.1.0.dist-info',
        'depth_refiner_ros-0.1.0.data',
    }


def test_wheel_puts_launch_and_config_where_ros_looks(wheel):
    share = {name.partition('.data/data/share/')[2] for name in wheel.namelist()}
    wanted = {
        f'depth_refiner_ros/{path.relative_to(ROOT)}'
        for folder in ('launch', 'config')
        for path in (ROOT / folder).rglob('*')
        if path.is_file() and path.suffix != '.pyc'
    }
    assert wanted
    assert (
        wanted
        | {
            'depth_refiner_ros/package.xml',
            'ament_index/resource_index/packages/depth_refiner_ros',
        }
        <= share
    )


def test_programs_name_a_main_that_exists(wheel):
    name = 'depth_refiner_ros-0.1.0.dist-info/entry_points.txt'
    lines = wheel.read(name).decode().split('[console_scripts]')[1].split('\n')
    programs = dict(line.split(' = ') for line in lines if line)
    assert set(programs) == {
        'depth-refiner',
        'refiner_node',
        'tsdf_node',
        'player_node',
        'recorder_node',
        'collector_node',
    }
    for target in programs.values():
        module, _, function = target.partition(':')
        code = (ROOT / module.replace('.', '/')).with_suffix('.py').read_text()
        assert function in {
            node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)
        }, target
