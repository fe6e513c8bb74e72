"""
The launch files: their arguments, and the nodes that they start.

``launch`` is not on PyPI. Without it the files are read as code: what they start must exist and
take the parameters it is given. Where it is installed they are also run.
"""

import ast
import importlib.util
from pathlib import Path

from depth_refiner_ros.settings import networks, nodes
from depth_refiner_ros.settings.options import options
import pytest

LAUNCH = Path(__file__).resolve().parents[2] / 'launch'
FILES = sorted(LAUNCH.glob('*.launch.py'))
GROUPS = {
    'refiner': nodes.RefinerNodeSettings,
    'tsdf': nodes.TsdfNodeSettings,
    'player': nodes.PlayerNodeSettings,
    'recorder': nodes.RecorderNodeSettings,
}
HAS_LAUNCH = importlib.util.find_spec('launch_ros') is not None
BESIDE = {'on_exit'}


def tree_of(name):
    return ast.parse((LAUNCH / name).read_text(encoding='utf-8'))


def constant(tree, name):
    """Return a module constant that is spelled out as a literal."""
    assigned = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    )
    return ast.literal_eval(assigned)


def started_nodes(tree):
    """Return name and parameters of each ``_node(given, name, ...)``."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, 'id', '') == '_node':
            yield call.args[1].value, {item.arg for item in call.keywords if item.arg} - BESIDE


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_files_compile_and_describe_their_arguments(path):
    tree = tree_of(path.name)
    compile(tree, path.name, 'exec')
    assert any(
        isinstance(node, ast.FunctionDef) and node.name == 'generate_launch_description'
        for node in tree.body
    )
    for name, (default, text) in constant(tree, 'ARGUMENTS').items():
        assert isinstance(default, str), name
        assert len(text) > 10, name


def test_nodes_exist_and_take_their_parameters():
    tree = tree_of('refiner.launch.py')
    started = dict(started_nodes(tree))
    assert set(started) == set(GROUPS)
    for node, parameters in started.items():
        assert importlib.util.find_spec(f'depth_refiner_ros.nodes.{node}_node'), node
        assert parameters <= set(options(GROUPS[node])), node


def test_arguments_offer_what_the_settings_allow():
    arguments = constant(tree_of('refiner.launch.py'), 'ARGUMENTS')
    refiner = options(nodes.RefinerNodeSettings)
    for name in ('prior', 'refiner', 'backend'):
        for choice in refiner[name].choices:
            assert choice in arguments[name][1], (name, choice)
    for choice in options(nodes.TsdfNodeSettings)['pose_source'].choices:
        assert choice in arguments['pose_source'][1]
    assert arguments['lock_step'][0] in options(nodes.PlayerNodeSettings)['lock_step'].choices


def function(tree, name):
    """Return a function of a launch file that needs nothing of launch."""
    body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    space = {'DEPTH_PRIORS': networks.DEPTH_PRIORS}
    exec(compile(ast.Module(body=body, type_ignores=[]), name, 'exec'), space)
    return space[name]


def test_what_is_not_given_is_left_to_the_parameter_file():
    """A parameter given beside a file wins over it, so a default must not be given."""
    arguments = constant(tree_of('refiner.launch.py'), 'ARGUMENTS')
    known = {name for group in GROUPS.values() for name in options(group)} | {'use_sim_time'}
    # Lock-step is a matter of two nodes at once, for which one file is no place.
    given = {name for name in known & set(arguments) if arguments[name][0]} - {'lock_step'}
    assert not given


def test_a_recording_brings_the_depth_that_the_prior_needs(subtests):
    cases = [
        ('', '', ''),
        ('bundled', 'none', ''),
        ('sensor', '', True),
        ('smeared', '', True),
        ('prompt_depth_anything', '', True),
        ('depth_anything_v2', 'sensor', True),
    ]
    for prior, scale_prior, publishes in cases:
        with subtests.test(prior=prior, scale_prior=scale_prior):
            publish_depth = function(tree_of('refiner.launch.py'), '_publish_depth')
            assert publish_depth({'prior': prior, 'scale_prior': scale_prior}) == publishes


def test_the_rate_of_a_recording():
    rate_hz = function(tree_of('refiner.launch.py'), '_rate_hz')
    assert rate_hz({'rate_hz': ''}) == ''
    assert rate_hz({'rate_hz': '5'}) == 5.0


def test_the_demo_passes_arguments_that_exist():
    demo, general = tree_of('demo.launch.py'), tree_of('refiner.launch.py')
    known = set(constant(general, 'ARGUMENTS'))
    passed = next(
        item.value
        for call in ast.walk(demo)
        if isinstance(call, ast.Call)
        for item in call.keywords
        if item.arg == 'launch_arguments'
    )
    literal = {
        key.value
        for key in ast.walk(passed)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    assert literal & known == {'fusion', 'lock_step', 'exit_with_source'}
    assert set(constant(demo, 'ARGUMENTS')) <= known


@pytest.mark.skipif(not HAS_LAUNCH, reason='launch is not installed')
@pytest.mark.parametrize(
    'arguments',
    [{}, {'fusion': 'tsdf', 'source': 'sim:1:2'}, {'fusion': 'monogs', 'lock_step': 'refiner'}],
)
def test_the_nodes_of_a_launch(arguments):
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    from launch import LaunchContext

    described = get_launch_description_from_python_launch_file(str(LAUNCH / 'refiner.launch.py'))
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    nodes = []
    for entity in described.entities:
        nodes += entity.visit(context) or []
    wanted = {'refiner'} | ({'player'} if 'source' in arguments else set())
    wanted |= {'tsdf': {'tsdf'}, 'monogs': {'recorder'}}.get(arguments.get('fusion'), set())
    assert {node.node_executable.removesuffix('_node') for node in nodes} == wanted
