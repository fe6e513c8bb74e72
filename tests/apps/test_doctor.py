# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What ``doctor`` looks for is what the package declares and what its wheels need."""

import ast
import importlib.util
import json
from pathlib import Path
import re
import struct
import subprocess
import sys

from depth_refiner_ros.apps import doctor
from depth_refiner_ros.apps.system_libraries import PACKAGE_OF
import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNTIMES = {'libc.so.6', 'libm.so.6', 'libgcc_s.so.1', 'libstdc++.so.6', 'ld-linux-x86-64.so.2'}
"""Libraries of C and C++ themselves, which every Python needs."""
REINSTALL = 'pip install --upgrade --force-reinstall --no-deps broken-pkg'
SECTIONS_AT, DYNAMIC, NEEDED = 40, 6, 1


def in_setup(name):
    """Return a list of distributions of setup.py, lower-case."""
    tree = ast.parse((ROOT / 'setup.py').read_text())
    lists = [
        node.value
        for node in ast.walk(tree)
        if (isinstance(node, ast.keyword) and node.arg == name)
        or (isinstance(node, ast.Assign) and node.targets[0].id == name)
    ]
    return {re.match(r'[\w.-]+', text).group().lower() for text in ast.literal_eval(lists[0])}


def test_every_required_package_is_looked_for():
    alternatives = set(doctor.INSTEAD.values())
    looked_for = {package.lower() for package in doctor.NEEDED.values()}
    assert looked_for == in_setup('install_requires') - alternatives
    assert set(doctor.INSTEAD) <= set(doctor.NEEDED.values())


def test_every_ros_package_is_looked_for():
    assert {name.replace('_', '-') for name in doctor.ROS_MODULES} == in_setup('ROS')


def needed_libraries(path):
    """Return the names in the dynamic section of an ELF file of 64 bits."""
    with path.open('rb') as file:
        header = file.read(64)
        (sections_at,) = struct.unpack_from('<Q', header, SECTIONS_AT)
        size, count = struct.unpack_from('<HH', header, 58)
        file.seek(sections_at)
        sections = [struct.unpack('<IIQQQQIIQQ', file.read(size)) for _ in range(count)]
        dynamic = next(section for section in sections if section[1] == DYNAMIC)
        names = sections[dynamic[6]]
        file.seek(dynamic[4])
        entries = struct.iter_unpack('<QQ', file.read(dynamic[5]))
        file.seek(names[4])
        strings = file.read(names[5])
    return {
        strings[place : strings.index(b'\0', place)].decode()
        for tag, place in entries
        if tag == NEEDED
    }


@pytest.mark.skipif(sys.platform != 'linux', reason='reads ELF files')
def test_the_table_names_what_the_wheel_of_open3d_needs():
    folder = Path(importlib.util.find_spec('open3d').origin).parent
    (library,) = folder.glob('libOpen3D.so*')
    bundled = {path.name for path in folder.glob('*.so*')}
    assert needed_libraries(library) - bundled - RUNTIMES == set(PACKAGE_OF)


def test_libraries_that_are_missing_are_named_with_what_to_type(monkeypatch):
    monkeypatch.setattr(doctor, 'PACKAGE_OF', {'libc.so.6': 'libc6', 'libno_such.so.0': 'libno0'})
    (finding,) = doctor.system_libraries()
    assert (finding.state, finding.found) == ('missing', 'libno0 not found')
    assert finding.fix == 'sudo apt-get install -y libno0'


OPENCV = 'opencv-python-headless'


@pytest.mark.parametrize(
    ('code', 'found', 'fix'),
    [
        ("raise ValueError('numpy.dtype size changed')", 'numpy.dtype size changed', REINSTALL),
        ('raise ImportError', 'ImportError', 'see system libraries'),
        ("raise OSError('libno.so: not found')", 'libno.so: not found', 'see system libraries'),
        ('import yaml.no', "No module named 'yaml.no'", 'pip install broken-pkg'),
        ("raise ModuleNotFoundError('no cv2', name='cv2')", 'no cv2', f'pip install {OPENCV}'),
    ],
)
def test_a_package_that_fails_in_any_way_is_a_finding(monkeypatch, tmp_path, code, found, fix):
    (tmp_path / 'broken_pkg.py').write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(doctor, 'NEEDED', {'broken_pkg': 'broken-pkg'})
    finding = doctor.packages()[0]
    assert (finding.state, finding.found, finding.fix) == ('missing', found, fix)


def test_it_runs_without_the_packages_that_the_others_need(tmp_path):
    code = (
        "import sys; sys.modules |= dict.fromkeys(['torch', 'safetensors', 'yaml', 'numpy'])\n"
        'from depth_refiner_ros.apps import doctor\n'
        "wanted = ('numpy', 'torch', 'safetensors', 'yaml')\n"
        'doctor.NEEDED = {name: doctor.NEEDED[name] for name in wanted}\n'
        "sys.argv = ['depth-refiner', 'doctor', '--json', sys.argv[1]]\n"
        'from depth_refiner_ros.cli.main import main; sys.exit(main())'
    )
    ended = subprocess.run(
        [sys.executable, '-c', code, tmp_path / 'd.json'], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 1, ended.stderr
    findings = json.loads((tmp_path / 'd.json').read_text())['findings']
    assert findings[0]['what'] == 'numpy'
    fixes = {finding['what']: finding['fix'] for finding in findings}
    for package in ('torch', 'safetensors', 'PyYAML', 'numpy'):
        assert fixes[package] == f'pip install {package}'
    assert {'processor', 'bundles', 'other priors'} <= set(fixes)
