# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Allowed imports, and modules that stay unloaded: by the code, and in new processes."""

import ast
from collections.abc import Iterator
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = 'depth_refiner_ros'

# Room of the package -> what of ours it may import. A room may always import itself.
ALLOWED = {
    '__init__': {'refiner.refiner'},  # lazily, see below
    'core': set(),
    'settings': {'core.errors', 'core.messages', 'core.text_file'},
    'models': {'core'},
    'priors': {'core', 'models'},
    'diffusion': {'core', 'models'},
    'backends': {'core', 'models'},
    'mapping': {'core', 'settings.fusion'},
    # Poses and trajectories are plain numpy; recordings carry them too.
    'sources': {
        'core',
        'mapping.poses',
        'mapping.pose_track',
        'mapping.stamped_lines',
        'mapping.trajectory',
    },
    'report': {'core'},
    'bags': {'core', 'settings', 'sources'},
    'refiner': {'core', 'models', 'settings', 'priors', 'diffusion', 'backends'},
    'nodes': {'core', 'models', 'settings', 'refiner', 'sources', 'mapping', '__init__'},
    'apps': {
        'core',
        'models',
        'settings',
        'refiner',
        'priors',
        'diffusion',
        'sources',
        'mapping',
        'report',
        'bags',
        '__init__',
    },
    'demo': {'core', 'settings', 'refiner', 'sources', 'mapping', 'report', 'apps'},
    'bench': {
        'core',
        'models',
        'settings',
        'refiner',
        'priors',
        'diffusion',
        'backends',
        'sources',
        'report',
        'apps',
        'demo',
    },
    'cli': {'core', 'settings', 'apps', 'bench', 'demo', '__init__'},
    'training': {
        'core',
        'models',
        'settings',
        'diffusion',
        'priors',
        'backends',
        'sources',
        'refiner',
        'report',
        'apps.console',
        'apps.inference',
        '__init__',
    },
    'launch': {'settings', 'nodes.launch_arguments', 'nodes.launch_plan', '__init__'},
}
# Rooms within rooms -> what beside them, of the same room, they may import.
WITHIN = {
    'nodes': {
        'runtime': {'conversions'},
        'inputs': {'runtime', 'conversions'},
        'outputs': {'runtime', 'conversions'},
        'conversions': set(),
    },
    'sources.simulated': {'rooms': set(), 'render': {'rooms'}, 'places': {'rooms'}},
    'training': {
        'data': {'config'},
        'models': {'config'},
        'objectives': {'config', 'data', 'models', 'ema', 'validation', 'weights'},
        'evaluation': {'config', 'config_file', 'data', 'log'},
    },
}
MAY_USE_ROS = {'nodes', 'launch'}
ROS_MODULES = {
    'ament_index_python',
    'builtin_interfaces',
    'cv_bridge',
    'launch',
    'launch_ros',
    'message_filters',
    'rclpy',
    'rosidl_runtime_py',
    'sensor_msgs_py',
    'std_srvs',
    'tf2_ros',
}


def imported_modules(code: str) -> Iterator[str]:
    """Yield every imported dotted name, lazy and typing-only imports included."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'relative import in line {node.lineno}'
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def is_ros(module: str) -> bool:
    """Whether a module is part of ROS."""
    top = module.split('.')[0]
    return top in ROS_MODULES or top.endswith(('_msgs', '_interfaces'))


def module_of(path: Path) -> str:
    """Return the dotted name of a file in the package."""
    parts = path.with_suffix('').parts
    return '.'.join(parts[1:] if parts[0] == OURS else parts)


def faults(importer: str, code: str) -> list[str]:
    """Return the imports in a module's code that the rules do not allow."""
    room = importer.split('.')[0]
    found = []
    for module in imported_modules(code):
        if is_ros(module):
            if room not in MAY_USE_ROS:
                found.append(module)
            continue
        top, _, rest = module.partition('.')
        if top == 'training':
            if room != 'training' or not _allowed_within(importer, module):
                found.append(module)
        elif top == OURS and not (
            _allowed(room, rest or '__init__') and _allowed_within(importer, rest)
        ):
            found.append(module)
    return found


def _allowed(room: str, module: str) -> bool:
    """Whether a room may import a module, or a name of the root module."""
    allowed = ALLOWED[room] | {room}
    if module.split('.')[0] not in ALLOWED:
        return '__init__' in allowed
    return any(_lies_in(module, name) for name in allowed)


def _allowed_within(importer: str, module: str) -> bool:
    """Whether the rules between the inner rooms of one room let a module import another."""
    for outer, rooms in WITHIN.items():
        if _lies_in(importer, outer) and _lies_in(module, outer) and module != outer:
            inner = importer[len(outer) + 1 :].split('.')[0]
            there = module[len(outer) + 1 :].split('.')[0]
            if inner in rooms and there not in rooms[inner] | {inner}:
                return False
    return True


def _lies_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f'{room}.')


def source_files() -> list[Path]:
    """Return all modules of the package, of training and of launch, from the root."""
    folders = (ROOT / name for name in (OURS, 'training', 'launch'))
    return sorted(path.relative_to(ROOT) for folder in folders for path in folder.rglob('*.py'))


def test_imports_follow_the_rules(subtests):
    for room in sorted(ALLOWED):
        with subtests.test(room=room):
            paths = [path for path in source_files() if module_of(path).split('.')[0] == room]
            assert paths, f'{room} is in ALLOWED but not in the package'
            wrong = {
                str(path): found
                for path in paths
                if (found := faults(module_of(path), (ROOT / path).read_text(encoding='utf-8')))
            }
            assert not wrong


def test_every_room_has_a_rule():
    rooms = {module_of(path).split('.')[0] for path in source_files()}
    assert rooms == set(ALLOWED)


def test_the_check_finds_forbidden_imports(subtests):
    cases = [
        ('core.edges', 'import rclpy', ['rclpy']),
        ('core.edges', 'from depth_refiner_ros.settings.networks import PRIORS', 2),
        ('core.edges', 'def late():\n    from depth_refiner_ros import diffusion', 2),
        ('priors.base', 'from depth_refiner_ros.diffusion.codec import Codec', 2),
        ('diffusion.codec', 'import depth_refiner_ros.refiner', 1),
        ('settings.options', 'from depth_refiner_ros.core.types import RefinedDepth', 2),
        ('sources.tum', 'from depth_refiner_ros.mapping.tsdf import TsdfVolume', 2),
        ('refiner.method', 'from sensor_msgs.msg import Image', 2),
        ('refiner.method', 'from depth_refiner_ros.nodes.runtime import qos', 2),
        ('apps.fuse', 'from depth_refiner_ros.cli.flags import Output', 2),
        ('cli.main', 'import rclpy', 1),
        ('training.loop', 'from depth_refiner_ros.nodes.runtime.mailbox import Mailbox', 2),
        ('nodes.tsdf_node', 'import training.loop', 1),
        ('mapping.tsdf', 'from nav_msgs.msg import Odometry', 2),
        ('nodes.runtime.qos', 'from depth_refiner_ros.nodes.inputs.poses import Poses', 2),
        ('nodes.runtime.qos', 'from depth_refiner_ros.nodes.tsdf_node import TsdfNode', 2),
        (
            'sources.simulated.rooms.room',
            'from depth_refiner_ros.sources.simulated.render.rays import dot',
            2,
        ),
        ('training.data.batches', 'from training.loop import train', 2),
    ]
    for importer, code, wrong in cases:
        with subtests.test(importer=importer, code=code):
            found = faults(importer, code)
            assert found == wrong if isinstance(wrong, list) else len(found) == wrong


def test_the_check_lets_allowed_imports_pass(subtests):
    cases = [
        ('core.edges', 'from depth_refiner_ros.core.errors import InputError\nimport torch'),
        (
            'nodes.refiner_node',
            'import rclpy\nfrom depth_refiner_ros.refiner.refiner import DepthRefiner',
        ),
        ('nodes.inputs.poses', 'from depth_refiner_ros.nodes.runtime.topics import Topics'),
        ('cli.main', 'from depth_refiner_ros import __version__'),
        ('sources.tum', 'from depth_refiner_ros.mapping.trajectory import Trajectory'),
        ('launch.demo', 'from launch_ros.actions import LifecycleNode'),
        ('settings.nodes', 'from depth_refiner_ros.core.errors import SettingsError'),
    ]
    for importer, code in cases:
        with subtests.test(importer=importer, code=code):
            assert faults(importer, code) == []


def test_relative_imports_are_refused():
    with pytest.raises(AssertionError, match='relative import in line 1'):
        faults('core.edges', 'from .errors import InputError')


def loaded_after(*modules: str) -> list[set[str]]:
    """Return the top-level modules that are loaded after each import, in one fresh Python."""
    probe = (
        'import importlib, sys\nfor module in sys.argv[1:]:\n    importlib.import_module(module)\n'
    )
    probe += '    print(*{name.split(".")[0] for name in sys.modules})'
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', probe, *modules],
        cwd=ROOT,
        timeout=120,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [set(line.split()) for line in done.stdout.splitlines()]


def test_importing_leaves_heavy_parts_unloaded():
    # One process for all: each may load less than those after it. The command is a process apart.
    library = {
        'depth_refiner_ros': {'torch', 'numpy'},
        'depth_refiner_ros.models.catalogue': {'torch', 'numpy', 'huggingface_hub'},
        'depth_refiner_ros.settings.nodes': {'torch', 'numpy', 'rclpy', 'cv2'},
        'depth_refiner_ros.core.types': {'open3d', 'cv2', 'diffusers', 'rclpy', 'matplotlib'},
        'depth_refiner_ros.mapping.trajectory': {'open3d', 'rclpy'},
        'depth_refiner_ros.refiner.refiner': {
            'diffusers',
            'transformers',
            'rclpy',
            'open3d',
            'matplotlib',
            'plotly',
            'rosbags',
            'typer',
            'onnxruntime',
            'ncnn',
            'openvino',
            'torchvision',
        },
    }
    command = {
        'depth_refiner_ros.cli.main': {'rclpy', 'open3d', 'diffusers', 'matplotlib'},
        'depth_refiner_ros.demo.run': {'torch', 'open3d', 'matplotlib'},  # until its nodes run
    }
    for unwanted in (library, command):
        loaded = loaded_after(*unwanted)
        assert OURS in loaded[0]
        assert len(loaded) == len(unwanted)
        faults = {
            module: found & heavy
            for (module, heavy), found in zip(unwanted.items(), loaded)
            if found & heavy
        }
        assert not faults


def test_nodes_that_run_no_network_start_without_torch():
    pytest.importorskip('rclpy')
    nodes = [
        f'depth_refiner_ros.nodes.{name}_node' for name in ('collector', 'player', 'recorder')
    ]
    for node, loaded in zip(nodes, loaded_after(*nodes)):
        assert not loaded & {'torch', 'open3d', 'transformers'}, node
    (fusion,) = loaded_after('depth_refiner_ros.nodes.tsdf_node')
    assert 'open3d' in fusion
    assert not fusion & {'torch', 'scipy'}


def test_the_probe_sees_what_is_loaded():
    ours, numpy = loaded_after('depth_refiner_ros', 'numpy')
    assert 'numpy' not in ours
    assert {'numpy', OURS} <= numpy
