# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The text of values of any type and length in messages."""

from pathlib import Path

from depth_refiner_ros.core import messages
from depth_refiner_ros.core.messages import shown, SHOWN_CHARACTERS
import pytest
import yaml


@pytest.mark.parametrize(
    'value',
    [
        'long ' * 1000,
        'two\nlines and \x1b[31m a color',
        [10**300] * 50,
        {'': [[['x' * 500]] * 50] * 50},
        10**5000,  # no integer of that length can be written
        object(),
        b'\0' * 1000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_of_any_length_is_one_short_line(value):
    words = shown(value)
    assert 0 < len(words) <= SHOWN_CHARACTERS + 3
    assert words.isprintable()


def test_short_values_are_shown_as_python_writes_them():
    assert [shown(value) for value in ('bgr8', 7, [1.5, None], True)] == [
        "'bgr8'", '7', '[1.5, None]', 'True'
    ]  # fmt: skip


def test_a_number_and_its_noun_agree():
    assert [messages.counted(number, 'frame') for number in (0, 1, 2)] == [
        '0 frames',
        '1 frame',
        '2 frames',
    ]
    assert messages.counted(2, 'vertex', 'vertices') == '2 vertices'


def test_a_parser_names_file_line_and_what_it_found():
    with pytest.raises(yaml.YAMLError) as raised:
        yaml.safe_load('fx: 1\nfy: [')
    told = messages.not_parsed(Path('a.yaml'), 'YAML', raised.value)
    assert told.startswith('a.yaml, line 2: this is not YAML (')
    assert '<unicode string>' not in told


def test_an_unknown_name_gets_the_nearest_known_one_whatever_its_case():
    words = ['bundled', 'Sensor', 'none']
    assert messages.nearest('bundle', words) == '; did you mean bundled?'
    assert messages.nearest('sensor', words) == '; did you mean Sensor?'
    assert messages.nearest(7, words) == messages.nearest('', words) == ''
    assert messages.nearest('bundle', words, 0.99) == ''
