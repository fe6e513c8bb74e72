# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The scripts that ``make`` calls: system libraries and the installer."""

import importlib.util
from pathlib import Path
import shutil
import subprocess
import sys

import pytest

from tests.test_packaging import REQUIREMENTS, ROOT


def script(name: str):
    """Load one of scripts/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / 'scripts' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_missing_libraries_are_told_from_present_ones():
    libraries = script('system_libraries')
    assert libraries.loads('libc.so.6')
    assert not libraries.loads('libno_such_thing.so.0')
    assert libraries.missing_packages() == []


def test_without_rights_one_line_says_what_to_type(tmp_path, monkeypatch):
    libraries = script('system_libraries')
    monkeypatch.setattr(libraries.os, 'geteuid', lambda: 1000)
    tool = tmp_path / 'apt-get'
    tool.write_text('#!/bin/sh\nexit 7\n')
    tool.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(libraries.SetupError) as caught:
        libraries.install(['libgl1', 'libegl1'], 'Open3D needs them')
    assert str(caught.value) == ('Open3D needs them; run: sudo apt-get install -y libgl1 libegl1')


def test_without_apt_the_packages_are_named(tmp_path, monkeypatch):
    libraries = script('system_libraries')
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(libraries.SetupError, match='install the equivalent of libgl1'):
        libraries.install(['libgl1'], 'Open3D needs them')


@pytest.fixture
def small_project(tmp_path) -> Path:
    """Make a project with our scripts and hardly any requirements."""
    shutil.copytree(ROOT / 'scripts', tmp_path / 'scripts')
    table = Path('depth_refiner_ros/apps/system_libraries.py')
    (tmp_path / table).parent.mkdir(parents=True)
    shutil.copy(ROOT / table, tmp_path / table)
    (tmp_path / 'requirements').mkdir()
    for path in REQUIREMENTS:
        (tmp_path / 'requirements' / path.name).write_text('')
    (tmp_path / 'requirements/base.txt').write_text('setuptools==79.0.1\n')
    for name in ('setup.cfg', 'pyproject.toml'):
        (tmp_path / name).write_text('')
    (tmp_path / 'setup.py').write_text(
        'import setuptools\nsetuptools.setup(name="small", version="1", py_modules=[])\n'
    )
    return tmp_path


def install(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the installer of a project."""
    command = [sys.executable, 'scripts/install.py', 'env', '--cuda']
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_installer_does_what_is_left_to_do_and_no_more(small_project):
    base = small_project / 'requirements/base.txt'
    good = base.read_text()
    base.write_text('./no_such_folder\n')
    failed = install(small_project)
    assert failed.returncode == 1
    assert failed.stderr.rstrip().splitlines()[-1] == (
        'error: pip could not install the dependencies; the lines above say why'
    )

    mark = small_project / 'env/mark'
    mark.touch()
    base.write_text(good)
    repaired = install(small_project)
    assert repaired.returncode == 0, repaired.stderr
    assert 'env is ready after' in repaired.stdout
    assert mark.exists(), 'what is missing goes on top'
    site = small_project / 'env/lib' / f'python3.{sys.version_info[1]}/site-packages'
    assert list(site.glob('small-1*.dist-info'))

    again = install(small_project)
    assert (again.returncode, again.stdout) == (0, '')


def test_another_python_or_build_starts_anew(monkeypatch, subtests):
    cases = [
        ({}, True),
        ({'python': 'a', 'cuda': True}, False),
        ({'python': 'a', 'cuda': True, 'fingerprint': 'old'}, False),
        ({'python': 'b', 'cuda': True, 'fingerprint': 'old'}, True),
        ({'python': 'a', 'cuda': False, 'fingerprint': 'old'}, True),
    ]
    monkeypatch.syspath_prepend(str(ROOT / 'scripts'))
    starts_anew = script('install').starts_anew
    for found, anew in cases:
        with subtests.test(found=found):
            assert starts_anew(found, {'python': 'a', 'cuda': True}) is anew


@pytest.mark.parametrize('version', [(3, 9, 18), (3, 13, 0), (4, 0, 0)])
def test_other_pythons_are_refused_with_what_to_type(version, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'scripts'))
    installer = script('install')
    monkeypatch.setattr(installer.sys, 'version_info', version)
    with pytest.raises(installer.SetupError, match=r'make PYTHON=python3\.12'):
        installer.check_python()
