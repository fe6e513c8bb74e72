# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The options of the package: described, with ranges and units that agree."""

from dataclasses import fields, FrozenInstanceError, is_dataclass, replace

from depth_refiner_ros.settings import fusion, networks, nodes, splats
from depth_refiner_ros.settings.options import Option, options, updated, values
from depth_refiner_ros.settings.parameter_file import read_yaml, write_yaml
import pytest

GROUPS = {
    name: group
    for module in (networks, fusion, nodes, splats)
    for name, group in vars(module).items()
    if isinstance(group, type) and is_dataclass(group)
}.values()
EVERY = [
    (f'{group.__name__}.{name}', item) for group in GROUPS for name, item in options(group).items()
]
UNIT_OF_SUFFIX = {'_m': 'm', '_ms': 'ms', '_s': 's', '_hz': 'Hz', '_px': 'px', '_deg': 'deg'}


def well_described(item) -> bool:
    """Whether the words of an option fit one cell of a table."""
    return (
        len(item.doc) > 10
        and not set('\n|') & set(item.doc)
        and item.doc == item.doc.strip().rstrip('.')
    )


def has_its_range(item) -> bool:
    """Whether a number has a range, and nothing else has one."""
    if item.type not in (int, float):
        return (item.low, item.high) == (None, None)
    return (
        item.choices == () and item.low is not None and (item.high is None or item.low < item.high)
    )


def test_every_option_is_described_and_takes_its_own_default():
    assert len(EVERY) > 100
    faults = {
        name: item
        for name, item in EVERY
        if not well_described(item)
        or type(item.default) is not item.type
        or item.check(item.default) != item.default
        or len(set(item.choices)) != len(item.choices)
    }
    assert not faults


def test_numbers_and_only_numbers_have_a_range():
    assert not {name: (item.low, item.high) for name, item in EVERY if not has_its_range(item)}


def test_a_unit_in_the_name_is_the_unit_of_the_option():
    units = [
        (name, item.unit, unit)
        for name, item in EVERY
        for suffix, unit in UNIT_OF_SUFFIX.items()
        if name.endswith(suffix)
    ]
    assert len(units) > 20
    assert not [one for one in units if one[1] != one[2]]


def test_the_checks_find_what_they_look_for():
    good = Option(name='a_m', type=float, default=1.0, doc='a long description', low=0.0)
    assert well_described(good)
    for doc in (
        'short',
        'two\nlong lines of it',
        'a cell | another one',
        'a sentence with a dot.',
    ):
        assert not well_described(replace(good, doc=doc)), doc
    assert has_its_range(good)
    for change in ({'low': None}, {'high': 0.0}, {'choices': (1.0,)}, {'type': str}):
        assert not has_its_range(replace(good, **change)), change


def test_every_group_says_what_it_is_and_round_trips(tmp_path, subtests):
    for group in GROUPS:
        with subtests.test(group.__name__):
            assert group.__doc__
            assert not group.__doc__.startswith(group.__name__)
            path = tmp_path / f'{group.__name__}.yaml'
            path.write_text(write_yaml(group(), 'node'), encoding='utf-8')
            assert read_yaml(group, path, 'node') == group()
            assert updated(group(), values(group())) == group()


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
