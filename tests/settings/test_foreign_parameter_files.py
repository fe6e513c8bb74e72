# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameter files of foreign content: read, or refused in one line."""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.settings.nodes import RefinerNodeSettings
from depth_refiner_ros.settings.options import options, updated
from depth_refiner_ros.settings.parameter_file import read_yaml
from hypothesis import example, given, strategies
import pytest
import yaml

from tests.foreign_values import changes_of, fuzzed, VALUES

FUZZED = fuzzed(200)
NAMES = list(options(RefinerNodeSettings))


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    return tmp_path_factory.mktemp('foreign') / 'refiner.yaml'


def read(file):
    """Return the settings of a file, None if it is refused."""
    try:
        return read_yaml(RefinerNodeSettings, file, 'refiner')
    except SettingsError as error:
        assert '\n' not in str(error)  # noqa: PT017  or it was read
        assert len(str(error)) < 1500  # noqa: PT017
        return None


@FUZZED
@given(parameters=changes_of([*NAMES, 'points', 'unknown']))
@example(parameters={'seed': 10**400})
@example(parameters={'min_range_m': 10**400})
@example(parameters={'scale_lock': float('nan')})
@example(parameters={'agree_below.\n': None})
def test_values(file, parameters):
    file.write_text(yaml.safe_dump({'refiner': {'ros__parameters': parameters}}))
    read(file)


@FUZZED
@given(tree=VALUES | strategies.dictionaries(strategies.sampled_from(['/**', 'refiner']), VALUES))
@example(tree={'\n': None})
@example(tree={'x' * 500: None})
def test_trees(file, tree):
    file.write_text(yaml.safe_dump(tree))
    read(file)


@FUZZED
@given(content=strategies.binary(max_size=60) | strategies.text(max_size=60).map(str.encode))
@example(content=b'refiner: {ros__parameters: {seed: ' + b'9' * 5000 + b'}}')
@example(content=b'[' * 5000)
@example(content=b'&a {refiner: {ros__parameters: *a}}')
@example(content=b'refiner: {ros__parameters: &a {points: *a}}')
@example(content=b'a: 2024-99-99')
@example(content=b'? [1]\n: 2')
def test_bytes(file, content):
    file.write_bytes(content)
    read(file)


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-be'])
def test_a_file_of_windows_is_read_by_its_mark(file, encoding):
    text = ('\ufeff' if encoding == 'utf-16-be' else '') + (
        '# Größe\r\nrefiner:\r\n  ros__parameters: {seed: 7}\r\n'
    )
    file.write_bytes(text.encode(encoding))
    assert read_yaml(RefinerNodeSettings, file, 'refiner').seed == 7


def test_a_file_in_another_encoding_is_refused_with_the_fix(file):
    file.write_bytes('refiner: {ros__parameters: {seed: 7}} # Größe'.encode('latin-1'))
    with pytest.raises(SettingsError, match=r'not text in UTF-8, .*; save it as UTF-8$'):
        read_yaml(RefinerNodeSettings, file, 'refiner')


@FUZZED
@given(changes=changes_of(NAMES))
@example(changes={'seed': 2**63})
@example(changes={'expected_rate_hz': 10**400})
def test_values_from_a_running_node(changes):
    try:
        changed = updated(RefinerNodeSettings(), changes)
    except SettingsError as error:
        assert len(str(error)) < 1500  # noqa: PT017  or they fit
        return
    assert changed is not None
