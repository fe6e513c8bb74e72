"""Options: types, ranges, words, YAML, nesting, refusal while running; and the table itself."""

from dataclasses import dataclass, field, fields, FrozenInstanceError, is_dataclass
import math
import re

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.settings import fusion, networks, nodes
from depth_refiner_ros.settings.options import (
    flatten,
    markdown_table,
    Option,
    option,
    options,
    read_yaml,
    unknown,
    updated,
    values,
    write_yaml,
)
import pytest
import yaml


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """An inner group."""

    power_w: float = option(5.0, 'electric power', unit='W', low=0.5, high=60.0, runtime=True)
    bulbs: int = option(1, 'how many bulbs', low=1, high=8)


@dataclass(frozen=True, kw_only=True)
class Robot:
    """An outer group."""

    name: str = option('r2', 'what it is called')
    mode: str = option('auto', 'how it moves', choices=('auto', 'manual', 'off'), runtime=True)
    lights: bool = option(True, 'whether it shines', runtime=True)
    offset_m: float = option(0.0, 'any offset', unit='m')
    front: Lamp = field(default_factory=Lamp)
    rear: Lamp = field(default_factory=Lamp)


def described(**changes) -> Option:
    """Make one float option of 0.5 to 60 W."""
    return Option(
        **{
            'name': 'power_w',
            'type': float,
            'default': 5.0,
            'doc': 'power',
            'unit': 'W',
            'low': 0.5,
            'high': 60.0,
            **changes,
        }
    )


# Checks of one value


@pytest.mark.parametrize(
    ('kind', 'value', 'result'),
    [
        (float, 3, 3.0),
        (float, 2.5, 2.5),
        (int, 4, 4),
        (bool, False, False),
        (str, 'x', 'x'),
        (str, '', ''),
    ],
)
def test_a_fitting_value_comes_back_in_its_type(kind, value, result):
    checked = Option(name='a', type=kind, default=result, doc='').check(value)
    assert checked == result
    assert type(checked) is kind


@pytest.mark.parametrize(
    ('kind', 'value'),
    [
        (float, True),
        (float, '3'),
        (float, None),
        (float, [1.0]),
        (int, 3.0),
        (int, True),
        (int, '3'),
        (int, None),
        (bool, 1),
        (bool, 0),
        (bool, 'true'),
        (bool, None),
        (str, 1),
        (str, False),
        (str, None),
        (str, {}),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(kind, value):
    with pytest.raises(SettingsError) as caught:
        Option(name='a.b', type=kind, default=kind(), doc='').check(value)
    assert f'a.b = {value!r} must be of type {kind.__name__}' in str(caught.value)


@pytest.mark.parametrize('value', [0.5, 60.0, 60, 1])
def test_the_ends_of_a_range_belong_to_it(value):
    assert described().check(value) == value


@pytest.mark.parametrize('value', [0.499999999, 60.000000001, -5, 61, math.inf, -math.inf])
def test_values_outside_the_range_name_value_range_and_unit(value):
    with pytest.raises(SettingsError, match=r'power_w = .* W is outside 0\.5 \.\. 60 W') as caught:
        described().check(value)
    assert str(float(value)) in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'bounds', [{}, {'low': None}, {'high': None}, {'low': None, 'high': None}]
)
def test_nan_is_never_a_value(bounds):
    with pytest.raises(SettingsError, match='power_w = nan must be a finite number'):
        described(**bounds).check(math.nan)


@pytest.mark.parametrize('value', [math.inf, -math.inf])
def test_infinity_is_no_value_even_without_bounds(value):
    with pytest.raises(SettingsError, match='finite'):
        described(low=None, high=None).check(value)


def test_half_open_ranges_check_their_one_end():
    assert described(high=None).check(1e9) == 1e9
    with pytest.raises(SettingsError, match=r'0\.5 \.\.'):
        described(high=None).check(0.4)
    assert described(low=None).check(-1e9) == -1e9
    with pytest.raises(SettingsError, match=r'\.\. 60'):
        described(low=None).check(61.0)


def test_an_unknown_word_gets_the_nearest_and_all():
    mode = options(Robot)['mode']
    with pytest.raises(SettingsError) as caught:
        mode.check('manuall')
    assert str(caught.value) == (
        "mode = 'manuall' must be one of auto | manual | off; did you mean 'manual'?"
    )
    with pytest.raises(SettingsError) as caught:
        mode.check('xyzzy')
    assert 'did you mean' not in str(caught.value)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({}, '0.5 .. 60'),
        ({'high': None}, '0.5 ..'),
        ({'low': None}, '.. 60'),
        ({'low': None, 'high': None}, 'any'),
        ({'type': bool, 'low': None, 'high': None}, 'true | false'),
        ({'type': str, 'low': None, 'high': None, 'choices': ('a', 'b')}, 'a | b'),
        ({'type': int, 'low': 0, 'high': 10}, '0 .. 10'),
    ],
)
def test_allowed_values_in_words(changes, words):
    assert described(**changes).allowed == words


# Groups


def test_nested_options_have_dotted_names_in_order():
    assert list(options(Robot)) == [
        'name',
        'mode',
        'lights',
        'offset_m',
        'front.power_w',
        'front.bulbs',
        'rear.power_w',
        'rear.bulbs',
    ]
    front = options(Robot)['front.power_w']
    assert (front.type, front.default, front.unit, front.low, front.high, front.runtime) == (
        float,
        5.0,
        'W',
        0.5,
        60.0,
        True,
    )


def test_values_carry_the_same_names():
    assert list(values(Robot())) == list(options(Robot))
    assert values(Robot(front=Lamp(bulbs=3)))['front.bulbs'] == 3


def test_a_change_reaches_one_nested_group_and_leaves_the_rest():
    before = Robot()
    after = updated(before, {'front.power_w': 9, 'name': 'c3'})
    assert after.front.power_w == 9.0
    assert type(after.front.power_w) is float
    assert (after.name, after.rear, after.front.bulbs) == ('c3', Lamp(), 1)
    assert before == Robot()
    with pytest.raises(FrozenInstanceError):
        after.name = 'x'


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('fron.power_w', 'did you mean front.power_w?'),
        ('naem', 'did you mean name?'),
        ('front', 'did you mean front.bulbs?'),
        ('xyzzy', 'depth-refiner params lists all'),
    ],
)
def test_an_unknown_name_gets_the_nearest(name, hint):
    with pytest.raises(SettingsError) as caught:
        updated(Robot(), {name: 1})
    assert str(caught.value) == f'unknown option {name}; {hint}'
    assert unknown(name, options(Robot)) == str(caught.value)


def test_one_bad_change_keeps_all_others_out():
    robot = Robot()
    with pytest.raises(SettingsError, match=r'front\.bulbs'):
        updated(robot, {'name': 'c3', 'front.bulbs': 99})
    assert robot.name == 'r2'


def test_a_running_node_takes_runtime_options_only():
    running = updated(Robot(), {'mode': 'off', 'front.power_w': 6.0}, running=True)
    assert (running.mode, running.front.power_w) == ('off', 6.0)
    with pytest.raises(SettingsError, match='name cannot change while running; set it at start'):
        updated(running, {'name': 'c3'}, running=True)
    with pytest.raises(SettingsError, match=r'rear\.bulbs cannot change while running'):
        updated(running, {'rear.bulbs': 2}, running=True)


def test_a_running_node_accepts_a_fixed_option_set_to_what_it_is():
    assert updated(Robot(), {'name': 'r2', 'front.bulbs': 1}, running=True) == Robot()


def test_a_running_node_still_checks_ranges():
    with pytest.raises(SettingsError, match='outside'):
        updated(Robot(), {'front.power_w': 61.0}, running=True)


def test_flatten_joins_names_with_dots():
    tree = {'a': 1, 'b': {'c': 2, 'd': {'e': 3}}, 'f.g': 4}
    assert dict(flatten(tree)) == {'a': 1, 'b.c': 2, 'b.d.e': 3, 'f.g': 4}
    assert dict(flatten({'empty': {}})) == {}


# YAML


def parameter_file(folder, text: str):
    """Write a parameter file."""
    path = folder / 'params.yaml'
    path.write_text(text, encoding='utf-8')
    return path


CHANGED = Robot(
    name='Große "Nr. 1": #7 \\ ' + 'long words ' * 20 + '\nline',
    mode='off',
    lights=False,
    offset_m=1e-7,
    front=Lamp(power_w=60.0, bulbs=8),
)


@pytest.mark.parametrize(
    'settings',
    [
        Robot(),
        CHANGED,
        Robot(name=''),
        Robot(name='true'),
        Robot(name='1e3'),
        Robot(offset_m=-1e21),
    ],
)
def test_what_is_written_is_read_back_the_same(tmp_path, settings):
    path = parameter_file(tmp_path, write_yaml(settings, 'robot'))
    assert read_yaml(Robot, path, 'robot') == settings


def test_written_yaml_is_a_ros_parameter_file_with_doc_unit_and_range():
    text = write_yaml(Robot(), 'robot')
    tree = yaml.safe_load(text)
    assert list(tree) == ['robot']
    assert tree['robot']['ros__parameters'] == values(Robot())
    assert '# electric power [W] (0.5 .. 60, runtime)\n    front.power_w: 5.0\n' in text
    assert '# how it moves (auto | manual | off, runtime)\n    mode: "auto"\n' in text


def test_floats_stay_floats_for_ros():
    """A ROS node that declares a double refuses an integer from its parameter file."""
    written = yaml.safe_load(write_yaml(Robot(offset_m=3.0), 'robot'))
    assert type(written['robot']['ros__parameters']['offset_m']) is float


def test_sections_apply_from_general_to_particular(tmp_path):
    path = parameter_file(
        tmp_path,
        """
/**:
  ros__parameters: {name: all, mode: manual, use_sim_time: true}
robot:
  ros__parameters:
    name: mine
    front: {power_w: 7, bulbs: 2}
    rear.bulbs: 3
other:
  ros__parameters: {unheard_of: 1}
/robot:
  ros__parameters: {lights: false}
""",
    )
    assert read_yaml(Robot, path, 'robot') == Robot(
        name='mine',
        mode='manual',
        lights=False,
        front=Lamp(power_w=7.0, bulbs=2),
        rear=Lamp(bulbs=3),
    )


def test_names_that_ros_itself_reads_are_passed_over(tmp_path):
    path = parameter_file(
        tmp_path,
        """
robot:
  ros__parameters:
    use_sim_time: true
    qos_overrides: {/points: {publisher: {depth: 2}}}
""",
    )
    assert read_yaml(Robot, path, 'robot') == Robot()


def test_an_exponent_without_a_dot_is_a_number_as_in_ros(tmp_path):
    path = parameter_file(tmp_path, 'robot:\n  ros__parameters: {offset_m: 1e-3, name: 1e-3}\n')
    assert read_yaml(Robot, path, 'robot') == Robot(offset_m=0.001, name='1e-3')


@pytest.mark.parametrize(
    'text',
    ['', '# nothing\n', 'other:\n  ros__parameters: {a: 1}\n', 'robot:\n  ros__parameters:\n'],
)
def test_a_file_without_our_options_gives_the_defaults(tmp_path, text):
    assert read_yaml(Robot, parameter_file(tmp_path, text), 'robot') == Robot()


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('robot:\n  ros__parameters: {naem: x}\n', 'unknown option naem; did you mean name?'),
        (
            'robot:\n  ros__parameters: {front: {power_w: 99}}\n',
            'front.power_w = 99.0 W is outside',
        ),
        (
            'robot:\n  ros__parameters: {mode: off}\n',
            r'mode = False must be of type str \(auto .* off\); put it in quotes',
        ),
        ('robot:\n  ros__parameters: {name: null}\n', 'name = None must be of type str'),
        (
            'robot:\n  ros__parameters: {name: [a, b]}\n',
            r"name = \['a', 'b'\] must be of type str",
        ),
        ('robot:\n  name: x\n', 'must hold ros__parameters and nothing else'),
        ('robot: 3\n', 'must hold ros__parameters and nothing else'),
        ('robot:\n', 'must hold ros__parameters and nothing else'),
        ('robot:\n  ros__parameters: 3\n', 'ros__parameters must map names to values'),
        ('- robot\n', 'the file must map node names to ros__parameters'),
        ('just words\n', 'the file must map node names to ros__parameters'),
        ('/**:\n  ros__parameters: {bulbs: 3}\n', r'section /\*\*: unknown option bulbs'),
        ('robot: {a: [}\n', 'cannot read parameters'),
    ],
)
def test_a_bad_file_is_refused_in_one_line_that_names_it(tmp_path, text, reason):
    path = parameter_file(tmp_path, text)
    with pytest.raises(SettingsError, match=reason) as caught:
        read_yaml(Robot, path, 'robot')
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_missing_folder_or_binary_file_is_refused(tmp_path):
    binary = tmp_path / 'binary.yaml'
    binary.write_bytes(b'\xff\xfe\x00\x81')
    for path in (tmp_path / 'none.yaml', tmp_path, binary):
        with pytest.raises(SettingsError, match=f'cannot read parameters from {path}'):
            read_yaml(Robot, path, 'robot')


def test_the_table_has_one_row_per_option():
    rows = markdown_table(Robot).splitlines()
    assert len(rows) == 2 + len(options(Robot))
    cells = re.compile(r'(?<!\\)\|')
    assert {len(cells.findall(row)) for row in rows} == {7}
    assert '| `front.power_w` | `5.0` | W | 0.5 .. 60 | yes | electric power |' in rows
    assert '| `lights` | `true` |  | true \\| false | yes | whether it shines |' in rows


# The real table

GROUPS = {
    name: group
    for module in (networks, fusion, nodes)
    for name, group in vars(module).items()
    if isinstance(group, type) and is_dataclass(group)
}.values()
EVERY = [
    pytest.param(group, item, id=f'{group.__name__}.{name}')
    for group in GROUPS
    for name, item in options(group).items()
]


@pytest.mark.parametrize('group', GROUPS, ids=lambda group: group.__name__)
def test_every_group_says_what_it_is_and_round_trips(group, tmp_path):
    assert group.__doc__
    assert not group.__doc__.startswith(group.__name__)
    path = parameter_file(tmp_path, write_yaml(group(), 'node'))
    assert read_yaml(group, path, 'node') == group()
    assert updated(group(), values(group())) == group()


@pytest.mark.parametrize(('group', 'item'), EVERY)
def test_every_option_is_described_and_fits_itself(group, item):
    assert item.check(item.default) == item.default
    assert type(item.default) is item.type
    assert len(item.doc) > 10
    assert '\n' not in item.doc
    assert '|' not in item.doc
    assert item.doc == item.doc.strip().rstrip('.')
    assert len(set(item.choices)) == len(item.choices)


@pytest.mark.parametrize(('group', 'item'), EVERY)
def test_every_number_has_a_range_that_is_one(group, item):
    if item.type in (int, float):
        assert item.low is not None
        assert item.high is None or item.low < item.high
        assert item.choices == ()
    else:
        assert (item.low, item.high) == (None, None)


UNIT_OF_SUFFIX = {'_m': 'm', '_ms': 'ms', '_s': 's', '_hz': 'Hz', '_px': 'px', '_deg': 'deg'}


@pytest.mark.parametrize(('group', 'item'), EVERY)
def test_a_unit_in_the_name_is_the_unit_of_the_option(group, item):
    for suffix, unit in UNIT_OF_SUFFIX.items():
        if item.name.endswith(suffix):
            assert item.unit == unit


def test_groups_are_frozen_and_ask_for_names():
    for group in GROUPS:
        assert all(item.kw_only for item in fields(group))
        with pytest.raises(FrozenInstanceError):
            setattr(group(), fields(group)[0].name, None)


def test_ranges_of_depth_are_a_range():
    for group in GROUPS:
        known = values(group())
        if 'min_range_m' in known:
            assert known['min_range_m'] < known['max_range_m']
