# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options: types, ranges, words, nesting, refusal while running."""

from dataclasses import FrozenInstanceError
import math

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.settings.options import flatten, Option, options, unknown, updated, values
import pytest

from tests.settings.robot_options import Lamp, Robot


def described(**changes) -> Option:
    """Return a float option of 0.5 to 60 W."""
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


def test_a_fitting_value_comes_back_in_its_type():
    fitting = [(float, 3), (float, 2.5), (int, 4), (bool, False), (str, 'x'), (str, '')]
    checked = [
        Option(name='a', type=kind, default=kind(), doc='').check(value) for kind, value in fitting
    ]
    assert checked == [3.0, 2.5, 4, False, 'x', '']
    assert [type(value) for value in checked] == [kind for kind, _ in fitting]


def test_a_value_of_another_type_is_refused_by_name(subtests):
    unfit = {
        float: (True, '3', None, [1.0]),
        int: (3.0, True, '3', None),
        bool: (1, 0, 'true', None),
        str: (1, False, None, {}),
    }
    for kind, value in [(kind, value) for kind, several in unfit.items() for value in several]:
        with subtests.test(f'{kind.__name__}: {value!r}'):
            with pytest.raises(SettingsError) as caught:
                Option(name='a.b', type=kind, default=kind(), doc='').check(value)
            assert f'a.b = {value!r} must be of type {kind.__name__}' in str(caught.value)


def test_the_ends_of_a_range_belong_to_it():
    inside = [0.5, 60.0, 60, 1]
    assert [described().check(value) for value in inside] == inside


def test_values_outside_the_range_name_value_range_and_unit(subtests):
    for value in (0.499999999, 60.000000001, -5, 61, math.inf, -math.inf):
        with subtests.test(str(value)):
            with pytest.raises(
                SettingsError, match=r'power_w = .* W is outside 0\.5 \.\. 60 W'
            ) as caught:
                described().check(value)
            assert str(float(value)) in str(caught.value)
            assert '\n' not in str(caught.value)


def test_nan_is_never_a_value(subtests):
    for bounds in ({}, {'low': None}, {'high': None}, {'low': None, 'high': None}):
        with (
            subtests.test(str(bounds)),
            pytest.raises(SettingsError, match='power_w = nan must be a finite number'),
        ):
            described(**bounds).check(math.nan)


def test_infinity_is_no_value_even_without_bounds():
    for value in (math.inf, -math.inf):
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
        "mode = 'manuall' must be one of auto | manual | off; did you mean manual?"
    )
    with pytest.raises(SettingsError) as caught:
        mode.check('xyzzy')
    assert 'did you mean' not in str(caught.value)


def test_allowed_values_in_words():
    unbounded = {'low': None, 'high': None}
    words = {
        '0.5 .. 60': {},
        '0.5 ..': {'high': None},
        '.. 60': {'low': None},
        'any': unbounded,
        'true | false': {'type': bool, **unbounded},
        'a | b': {'type': str, 'choices': ('a', 'b'), **unbounded},
        '0 .. 10': {'type': int, 'low': 0, 'high': 10},
    }
    assert [described(**changes).allowed for changes in words.values()] == list(words)


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


def test_an_unknown_name_gets_the_nearest(subtests):
    hints = {
        'fron.power_w': 'did you mean front.power_w?',
        'naem': 'did you mean name?',
        'front': 'did you mean front.bulbs?',
        'xyzzy': 'depth-refiner params lists all',
    }
    for name, hint in hints.items():
        with subtests.test(name):
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
