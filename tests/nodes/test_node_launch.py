# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The launch files: what they declare, and that they run.

``launch`` is not on PyPI. Without it the files are only parsed; if it is installed they are run
for real, on a separate ament prefix.
"""

import ast
import importlib.util
import os
from pathlib import Path
import re
import subprocess
import sys

from depth_refiner_ros.nodes.launch_arguments import ARGUMENTS
from depth_refiner_ros.settings.nodes import NODES
import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / 'launch'
HAS_LAUNCH = importlib.util.find_spec('launch_ros') is not None
needs_launch = pytest.mark.skipif(not HAS_LAUNCH, reason='launch is not installed')


def tree_of(name):
    return ast.parse((LAUNCH / name).read_text(encoding='utf-8'))


def constant(tree, name):
    """Return a module constant that is a literal."""
    assigned = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    )
    return ast.literal_eval(assigned)


def test_files_compile_and_describe_their_nodes(subtests):
    for path in sorted(LAUNCH.glob('*.launch.py')):
        with subtests.test(path.name):
            tree = tree_of(path.name)
            compile(tree, path.name, 'exec')
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert 'generate_launch_description' in functions


def test_the_demo_passes_arguments_that_exist():
    demo = tree_of('demo.launch.py')
    for name in {**constant(demo, 'ARGUMENTS'), **constant(demo, 'FIXED')}:
        assert name in ARGUMENTS
    for name, value in constant(demo, 'FIXED').items():
        assert value in ARGUMENTS[name].choices


def test_the_plan_is_light_enough_for_the_python_of_ros2_launch():
    """``ros2`` runs in the system's Python, without the packages of the virtual environment."""
    probe = (
        'import sys; from depth_refiner_ros.nodes import launch_plan; '
        'print(*sorted({name.split(".")[0] for name in sys.modules}))'
    )
    loaded = subprocess.run(
        [sys.executable, '-c', probe], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert 'yaml' in loaded
    assert not {'torch', 'numpy', 'rich', 'typer', 'rclpy', 'cv2'} & set(loaded)


@pytest.fixture(scope='module')
def prefix(tmp_path_factory):
    """Install the package into an ament prefix, as colcon lays it out."""
    folder = tmp_path_factory.mktemp('prefix')
    index = folder / 'share' / 'ament_index' / 'resource_index' / 'packages'
    index.mkdir(parents=True)
    (index / 'depth_refiner_ros').touch()
    share = folder / 'share' / 'depth_refiner_ros'
    share.mkdir()
    for part in ('launch', 'config', 'package.xml'):
        (share / part).symlink_to(ROOT / part)
    programs = folder / 'lib' / 'depth_refiner_ros'
    programs.mkdir(parents=True)
    for node in NODES:
        program = programs / f'{node}_node'
        program.write_text(
            f'#!{sys.executable}\nimport sys\n'
            f'from depth_refiner_ros.nodes.{node}_node import main\nsys.exit(main())\n'
        )
        program.chmod(0o755)
    return folder


LAUNCHER = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
file, *words = sys.argv[1:]
service = LaunchService(noninteractive=True)
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
    PythonLaunchDescriptionSource(file),
    launch_arguments=[word.split(':=', 1) for word in words])]))
sys.exit(service.run())
"""


def launched(prefix, folder, file, **arguments):
    """Run a launch file to its end, as ``ros2 launch`` does; return exit code and output."""
    prefixes = [str(prefix), *filter(None, [os.environ.get('AMENT_PREFIX_PATH')])]
    paths = [str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]
    process = subprocess.run(
        [
            sys.executable,
            '-c',
            LAUNCHER,
            str(LAUNCH / file),
            *(f'{name}:={value}' for name, value in arguments.items()),
        ],
        cwd=folder,
        env={
            **os.environ,
            'AMENT_PREFIX_PATH': os.pathsep.join(prefixes),
            'PYTHONPATH': os.pathsep.join(paths),
            'ROS_LOG_DIR': str(folder / 'log'),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return process.returncode, process.stdout


@needs_launch
@pytest.mark.slow
def test_the_demo_writes_a_mesh(prefix, tmp_path):
    code, output = launched(
        prefix, tmp_path, 'demo.launch.py', source='sim:900001:4', mesh_file='mesh.ply'
    )
    assert code == 0, output
    assert 'triangles of 4 frames' in output
    assert (tmp_path / 'mesh.ply').stat().st_size > 10_000


@needs_launch
@pytest.mark.slow
def test_a_profile_in_a_namespace_is_recorded_for_monogs(prefix, tmp_path):
    code, output = launched(
        prefix,
        tmp_path,
        'refiner.launch.py',
        source='sim:900001:3',
        namespace='robot',
        profile='nvblox',
        prior='sensor',
        refiner='none',
        fusion='monogs',
        lock_step='refiner',
        exit_with_source='true',
    )
    assert code == 0, output
    assert 'recorded 3 frames' in output
    assert (tmp_path / 'recording' / 'monogs.yaml').exists()


@needs_launch
@pytest.mark.slow
def test_two_cameras_share_a_refiner_and_have_a_map_each(prefix, tmp_path):
    code, output = launched(
        prefix,
        tmp_path,
        'refiner.launch.py',
        cameras='front,rear',
        namespace='robot',
        image='/cams/{camera}/image_rect',
        source='sim:900001:3',
        prior='sensor',
        refiner='none',
        fusion='tsdf',
        lock_step='tsdf',
        mesh_file='mesh.ply',
        exit_with_source='true',
    )
    assert code == 0, output
    assert 'Traceback' not in output, output
    assert output.count('sent 3 frames') == 2, output
    for camera in ('front', 'rear'):
        assert (tmp_path / f'mesh_{camera}.ply').stat().st_size > 10_000, output
    assert len(set(re.findall(r'\[refiner_node-\d+\]', output))) == 1
    assert len(set(re.findall(r'\[tsdf_node-\d+\]', output))) == 2


@needs_launch
@pytest.mark.slow
def test_a_failing_source_fails_launch(prefix, tmp_path):
    code, output = launched(prefix, tmp_path, 'refiner.launch.py', source='/nowhere')
    assert code == 1, output
    assert "'/nowhere' does not exist" in output
    assert 'ended with exit code 2' in output


@needs_launch
def test_wrong_arguments_are_one_line(prefix, tmp_path, subtests):
    for arguments in ({'params_file': '/nowhere.yaml'}, {'use_sim_time': 'maybe'}):
        with subtests.test(str(arguments)):
            code, output = launched(prefix, tmp_path, 'refiner.launch.py', **arguments)
            assert code == 1
            assert len([line for line in output.splitlines() if '[ERROR]' in line]) == 1
            assert 'Traceback' not in output


@needs_launch
def test_the_demo_lists_its_own_arguments_alone():
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    described = get_launch_description_from_python_launch_file(str(LAUNCH / 'demo.launch.py'))
    names = {argument.name for argument in described.get_launch_arguments()}
    assert names == set(constant(tree_of('demo.launch.py'), 'ARGUMENTS'))
