"""One package for pip and colcon: what is declared, imported and installed agree."""

import ast
import importlib.util
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

import depth_refiner_ros
import pytest

from tests import test_import_boundaries as boundaries

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = sorted((ROOT / 'requirements').glob('*.txt'))
DISTRIBUTION_OF = {
    'cv2': 'opencv-python-headless',
    'PIL': 'pillow',
    'yaml': 'pyyaml',
    'skimage': 'scikit-image',
    'rerun': 'rerun-sdk',
}
ISSUE_DEPENDS = {
    'rclpy',
    'sensor_msgs',
    'geometry_msgs',
    'nav_msgs',
    'std_srvs',
    'diagnostic_msgs',
    'visualization_msgs',
    'cv_bridge',
    'message_filters',
    'tf2_ros',
    'launch_ros',
}
NOT_ON_PYPI = {
    'ament_index_python',
    'cv_bridge',
    'launch',
    'launch_ros',
    'message_filters',
    'tf2_msgs',
    'tf2_ros',
    'rosidl_runtime_py',
}
COME_WITH_RCLPY = {'builtin_interfaces', 'rcl_interfaces', 'ament_index_python'}


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
    """Name every distribution that some requirement file pins."""
    return {name for path in REQUIREMENTS for name in pins(path)}


def setup_arguments() -> dict[str, ast.expr]:
    """Return the arguments of setup() as code."""
    tree = ast.parse((ROOT / 'setup.py').read_text())
    call = tree.body[-1].value
    return {keyword.arg: keyword.value for keyword in call.keywords}


def declared_in_setup() -> set[str]:
    """Name every distribution that setup.py asks for, ROS messages included."""
    arguments = setup_arguments()
    texts = [
        node.value
        for part in ('install_requires', 'extras_require')
        for node in ast.walk(arguments[part])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    names = {re.match(r'[\w-]+', text).group().lower() for text in texts if text[-1] != '-'}
    source = (ROOT / 'setup.py').read_text()
    ros = ast.literal_eval(re.search(r'^ROS = (\[.*?\])', source, re.M | re.S).group(1))
    return names | {f'ros-{name}' for name in ros}


def package_xml() -> ElementTree.Element:
    """Parse the manifest that ROS reads."""
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def exec_depends() -> set[str]:
    """Name what the manifest asks for at run time."""
    return {element.text for element in package_xml().findall('exec_depend')}


def foreign_imports(*folders: str) -> set[str]:
    """Name the top-level modules that are neither ours nor Python's."""
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


# What is declared


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
    assert used <= exec_depends()


def test_every_import_is_declared_for_pip():
    used = {
        name
        for name in foreign_imports('depth_refiner_ros', 'training', 'tests')
        if not boundaries.is_ros(name)
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


@pytest.mark.parametrize('path', REQUIREMENTS, ids=lambda path: path.name)
def test_requirements_are_pinned_and_known_to_setup(path):
    found = pins(path)
    assert found
    for name, specifiers in found.items():
        assert all(re.fullmatch(r'={2,3}[\w.]+', one) for one in specifiers), (name, specifiers)
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
    assert extras == {'ros', 'test', 'train', 'gpu', 'models', 'viewer'}
    assert extras <= {path.stem for path in REQUIREMENTS}


# What is installed


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
    }
    for target in programs.values():
        module, _, function = target.partition(':')
        code = (ROOT / module.replace('.', '/')).with_suffix('.py').read_text()
        assert function in {
            node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)
        }, target


# make and .ci/run


def make(*words: str) -> str:
    """Say what make would do."""
    done = subprocess.run(
        ['make', '--dry-run', '--no-print-directory', *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'MAKEFLAGS': ''},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_runs_the_demo_in_the_environment():
    assert make('demo').rstrip().endswith('.venv/bin/depth-refiner demo')
    assert '--cuda' not in make('demo')
    assert '--cuda' not in make('demo', 'CUDA=0')
    assert 'scripts/install.py .venv --cuda' in make('demo', 'CUDA=1')
    assert 'python3.12 scripts/install.py' in make('venv', 'PYTHON=python3.12')


def test_make_test_checks_first_and_then_runs_everything():
    steps = make('test')
    order = [steps.index(step) for step in ('install.py', 'ruff check .', 'bin/mypy', '-m pytest')]
    assert order == sorted(order)
    assert ' -x' not in steps
    assert len((ROOT / 'Makefile').read_text().splitlines()) < 60


@pytest.mark.parametrize(
    ('spec', 'passes'),
    [
        ('@echo "12 passed, 3 skipped in 4.00s"', True),
        ('@echo "3 skipped in 0.10s"', False),
        ('@echo "0 passed"', False),
        ('@echo "12 passed in 4.00s"; exit 1', False),
        ('@true', False),
    ],
)
def test_ci_passes_only_where_tests_ran_and_passed(tmp_path, spec, passes):
    (tmp_path / '.ci').mkdir()
    shutil.copy(ROOT / '.ci/run', tmp_path / '.ci/run')
    (tmp_path / 'Makefile').write_text(f'test:\n\t{spec}\n')
    done = subprocess.run(
        ['bash', str(tmp_path / '.ci/run')],
        cwd='/',
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode == 0) is passes
    assert 'passed' not in spec or 'passed' in done.stdout


# The scripts


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
    assert str(caught.value) == ('Open3D needs them; type: sudo apt-get install -y libgl1 libegl1')


def test_without_apt_the_packages_are_named(tmp_path, monkeypatch):
    libraries = script('system_libraries')
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(libraries.SetupError, match='install what your system calls libgl1'):
        libraries.install(['libgl1'], 'Open3D needs them')


@pytest.fixture
def small_project(tmp_path) -> Path:
    """Make a project with our scripts and hardly any requirements."""
    shutil.copytree(ROOT / 'scripts', tmp_path / 'scripts')
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


@pytest.mark.parametrize(
    ('found', 'anew'),
    [
        ({}, True),
        ({'python': 'a', 'cuda': True}, False),
        ({'python': 'a', 'cuda': True, 'fingerprint': 'old'}, False),
        ({'python': 'b', 'cuda': True, 'fingerprint': 'old'}, True),
        ({'python': 'a', 'cuda': False, 'fingerprint': 'old'}, True),
    ],
)
def test_another_python_or_build_starts_anew(found, anew, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'scripts'))
    assert script('install').starts_anew(found, {'python': 'a', 'cuda': True}) is anew


@pytest.mark.parametrize('version', [(3, 9, 18), (3, 13, 0), (4, 0, 0)])
def test_other_pythons_are_refused_with_what_to_type(version, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'scripts'))
    installer = script('install')
    monkeypatch.setattr(installer.sys, 'version_info', version)
    with pytest.raises(installer.SetupError, match=r'make PYTHON=python3\.12'):
        installer.check_python()
