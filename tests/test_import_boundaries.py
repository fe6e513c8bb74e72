"""Who may import whom, and what stays unloaded: read off the code, tried in fresh processes."""

import ast
from collections.abc import Iterator
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = 'depth_refiner_ros'

# Unit of the package -> what of ours it may import. A unit may always import itself.
ALLOWED = {
    '__init__': set(),
    'options': {'core.errors'},
    'settings': {'core.errors', 'options'},
    'core': set(),
    'bundle': {'core'},
    'catalogue': {'core.licence'},
    'hub': {'core', 'bundle'},
    'pickles': {'core', 'bundle'},
    'priors': {'core', 'bundle', 'catalogue', 'hub', 'pickles'},
    'diffusion': {'core', 'bundle', 'catalogue', 'hub', 'pickles'},
    'backends': {'core', 'bundle'},
    'mapping': {'core'},
    # Poses and trajectories are plain numpy; recordings carry them too.
    'sources': {'core', 'mapping.poses', 'mapping.trajectory'},
    'report': {'core'},
    'combination': {'core.errors', 'settings', 'diffusion.recipe'},
    'refinement': {'core', 'priors', 'diffusion', 'backends'},
    'refiner': {'core', 'bundle', 'combination', 'refinement', 'settings', 'priors', 'diffusion',
                'backends'},
    'nodes': {'core', 'bundle', 'options', 'settings', 'refiner', 'sources', 'mapping',
              '__init__'},
    'cli': {'core', 'bundle', 'catalogue', 'options', 'settings', 'refiner', 'priors', 'diffusion',
            'backends', 'sources', 'mapping', 'report', 'nodes', '__init__'},
    'training': {'core', 'bundle', 'options', 'settings', 'diffusion', 'priors', 'backends',
                 'sources', 'refiner', '__init__'},
    'launch': {'core.errors', 'options', 'settings', '__init__'},
}
MAY_USE_ROS = {'nodes', 'launch'}
ROS_MODULES = {'ament_index_python', 'builtin_interfaces', 'cv_bridge', 'launch', 'launch_ros',
               'message_filters', 'rclpy', 'rosidl_runtime_py', 'sensor_msgs_py', 'std_srvs',
               'tf2_ros'}


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
    """Tell whether a module comes with ROS."""
    top = module.split('.')[0]
    return top in ROS_MODULES or top.endswith(('_msgs', '_interfaces'))


def unit_of(path: Path) -> str:
    """Give the unit that a file of the repository belongs to."""
    parts = path.with_suffix('').parts
    return parts[1] if parts[0] == OURS else parts[0]


def faults(unit: str, code: str) -> list[str]:
    """List the imports in a unit's code that the rules do not allow."""
    allowed = ALLOWED[unit] | {unit}
    found = []
    for module in imported_modules(code):
        if is_ros(module):
            if unit not in MAY_USE_ROS:
                found.append(module)
            continue
        top, _, rest = module.partition('.')
        if top == 'training' and unit != 'training':
            found.append(module)
        if top == OURS and not _within(rest or '__init__', allowed):
            found.append(module)
    return found


def _within(module: str, allowed: set[str]) -> bool:
    """Tell whether a module is an allowed one or lies in it, or is a name of the root module."""
    if module.split('.')[0] not in ALLOWED:
        return '__init__' in allowed
    return any(module == name or module.startswith(f'{name}.') for name in allowed)


def source_files() -> list[Path]:
    """List all modules of the package, of training and of launch, from the root."""
    folders = (ROOT / name for name in (OURS, 'training', 'launch'))
    return sorted(path.relative_to(ROOT) for folder in folders for path in folder.rglob('*.py'))


@pytest.mark.parametrize('path', source_files(), ids=str)
def test_imports_follow_the_rules(path):
    unit = unit_of(path)
    assert unit in ALLOWED, f'{path}: say in ALLOWED what {unit} may import'
    wrong = faults(unit, (ROOT / path).read_text(encoding='utf-8'))
    assert not wrong, f'{path} must not import {", ".join(wrong)}'


def test_there_is_something_to_check():
    units = {unit_of(path) for path in source_files()}
    assert {'core', 'diffusion', 'priors', 'mapping', 'sources', 'nodes', 'cli', 'report',
            'refiner', 'training', 'settings', 'options'} <= units


@pytest.mark.parametrize(('unit', 'code', 'wrong'), [
    ('core', 'import rclpy', ['rclpy']),
    ('core', 'from depth_refiner_ros.settings.settings import PRIORS', 2),
    ('core', 'def late():\n    from depth_refiner_ros import diffusion', 2),
    ('priors', 'from depth_refiner_ros.diffusion.codec import Codec', 2),
    ('diffusion', 'import depth_refiner_ros.refiner.refiner', 1),
    ('settings', 'from depth_refiner_ros.core.types import RefinedDepth', 2),
    ('sources', 'from depth_refiner_ros.mapping.tsdf import TsdfVolume', 2),
    ('refiner', 'from sensor_msgs.msg import Image', 2),
    ('refiner', 'from depth_refiner_ros.nodes import qos', 2),
    ('cli', 'import rclpy', 1),
    ('training', 'from depth_refiner_ros.nodes.runtime.mailbox import Mailbox', 2),
    ('nodes', 'import training.loop', 1),
    ('mapping', 'from nav_msgs.msg import Odometry', 2),
])
def test_the_check_finds_forbidden_imports(unit, code, wrong):
    found = faults(unit, code)
    assert found == wrong if isinstance(wrong, list) else len(found) == wrong


@pytest.mark.parametrize(('unit', 'code'), [
    ('core', 'from depth_refiner_ros.core.errors import InputError\nimport torch'),
    ('nodes', 'import rclpy\nfrom depth_refiner_ros.refiner.refiner import DepthRefiner'),
    ('cli', 'from depth_refiner_ros import __version__'),
    ('sources', 'from depth_refiner_ros.mapping.trajectory import Trajectory'),
    ('launch', 'from launch_ros.actions import LifecycleNode'),
    ('settings', 'from depth_refiner_ros.core.errors import SettingsError'),
])
def test_the_check_lets_allowed_imports_pass(unit, code):
    assert faults(unit, code) == []


def test_relative_imports_are_refused():
    with pytest.raises(AssertionError, match='relative import in line 1'):
        faults('core', 'from .errors import InputError')


def loaded_after(statement: str) -> set[str]:
    """Run a statement in a fresh Python and give the top-level modules that it loaded."""
    probe = f'import sys; {statement}; print(*{{name.split(".")[0] for name in sys.modules}})'
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', probe], cwd=ROOT, timeout=120,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(('module', 'unwanted'), [
    ('depth_refiner_ros', {'torch', 'numpy'}),
    ('depth_refiner_ros.models.catalogue', {'torch', 'numpy', 'huggingface_hub'}),
    ('depth_refiner_ros.settings.settings', {'torch', 'numpy', 'rclpy', 'cv2'}),
    ('depth_refiner_ros.core.types', {'open3d', 'cv2', 'diffusers', 'rclpy', 'matplotlib'}),
    ('depth_refiner_ros.refiner.refiner', {'rclpy', 'open3d', 'matplotlib', 'plotly', 'rosbags', 'typer',
                                   'onnxruntime', 'torchvision'}),
    ('depth_refiner_ros.cli.main', {'rclpy', 'open3d', 'diffusers', 'matplotlib'}),
    ('depth_refiner_ros.mapping.trajectory', {'open3d', 'rclpy'}),
])
def test_importing_leaves_heavy_parts_unloaded(module, unwanted):
    loaded = loaded_after(f'import {module}')
    assert OURS in loaded
    assert not loaded & unwanted


def test_the_probe_sees_what_is_loaded():
    assert {'numpy', OURS} <= loaded_after('import numpy, depth_refiner_ros')
