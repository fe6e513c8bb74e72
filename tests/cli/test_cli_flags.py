# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Flags that come from the option tables."""

from dataclasses import dataclass, field

from depth_refiner_ros.cli.commands import app, COMMANDS
from depth_refiner_ros.cli.flags import settings_flags
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.nodes import PlayerNodeSettings
from depth_refiner_ros.settings.options import option, options
from depth_refiner_ros.settings.splats import SplatSettings
import pytest
import typer
from typer.testing import CliRunner

WIDE = {'COLUMNS': '400', 'TERM': 'dumb'}


@dataclass(frozen=True, kw_only=True)
class Inner:
    """A nested group."""

    size_px: int = option(3, 'size of it', unit='px', low=1, high=9)


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group with one option of each type."""

    word: str = option('one', 'choose a word', choices=('one', 'two'))
    name: str = option('', 'any name')
    share: float = option(0.5, 'share of it', low=0.0, high=1.0)
    enable: bool = option(True, 'do it')
    inner: Inner = field(default_factory=Inner)


def run(*arguments, **details):
    """Call a command with flags of ``Group``; return what it received."""
    received = []

    @settings_flags('group', Group, **details)
    def command(target: str, group: Group) -> None:
        """Do it."""
        received.append((target, group))

    app = typer.Typer(rich_markup_mode=None)
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments), env=WIDE)
    return received, result


def test_without_flags_the_defaults_arrive():
    received, _ = run('x')
    assert received == [('x', Group())]


def test_every_type_is_read():
    received, _ = run(
        'x',
        '--word',
        'two',
        '--name',
        'true',
        '--share',
        '0.25',
        '--no-enable',
        '--inner-size-px',
        '9',
    )
    assert received == [
        ('x', Group(word='two', name='true', share=0.25, enable=False, inner=Inner(size_px=9)))
    ]


def test_help_shows_units_ranges_defaults_and_choices():
    _, result = run('--help')
    assert 'Size of it.  [default: 3 px; range: 1 .. 9 px]' in result.output
    assert '--inner-size-px PX' in result.output
    assert '--word <one|two>' in result.output
    assert '--enable / --no-enable' in result.output
    assert 'Any name.  [default: empty]' in result.output


def test_value_out_of_range_is_a_settings_error():
    received, result = run('x', '--share', '1.5')
    assert isinstance(result.exception, SettingsError)
    assert str(result.exception) == 'share = 1.5 is outside 0 .. 1'
    assert received == []


def test_an_unknown_word_is_a_settings_error_with_the_nearest():
    received, result = run('x', '--word', 'twoo')
    assert isinstance(result.exception, SettingsError)
    assert str(result.exception) == "word = 'twoo' must be one of one | two; did you mean two?"
    assert received == []


@pytest.mark.parametrize('arguments', [('--inner-size-px', 'x'), ('--bad',)])
def test_unfit_words_are_usage_errors(arguments):
    received, result = run('x', *arguments)
    assert result.exit_code == 2
    assert received == []


def test_prefix_skip_and_other_defaults():
    received, result = run(
        'x',
        '--my-inner-size-px',
        '5',
        prefix='my.',
        skip=('name', 'word'),
        defaults={'share': 0.125},
    )
    assert received == [('x', Group(share=0.125, inner=Inner(size_px=5)))]
    _, result = run('--help', prefix='my.', skip=('name',), defaults={'share': 0.125})
    assert '--my-name' not in result.output
    assert '[default: 0.125; range: 0 .. 1]' in result.output


def test_default_out_of_range_is_a_mistake_of_ours():
    with pytest.raises(SettingsError, match=r'share = 2.0 is outside'):
        settings_flags('group', Group, defaults={'share': 2.0})


def test_each_option_of_a_group_is_a_flag_with_its_range(subtests):
    cases = [
        ('demo', ModelSettings, '', ('seed',)),
        ('refine', ModelSettings, '', ()),
        ('fuse', ModelSettings, '', ()),
        ('fuse', TsdfSettings, 'tsdf.', ()),
        ('views', SplatSettings, 'splats.', ()),
        ('eval', ModelSettings, '', ()),
        ('bench', ModelSettings, '', ()),
        ('play', PlayerNodeSettings, '', ('source',)),
    ]
    for command, group, prefix, skip in cases:
        with subtests.test(command=command, group=group, prefix=prefix, skip=skip):
            text = ' '.join(CliRunner().invoke(app, [command, '--help'], env=WIDE).output.split())
            for name, item in options(group).items():
                if name in skip:
                    continue
                assert '--' + (prefix + name).replace('.', '-').replace('_', '-') + ' ' in text, (
                    name
                )
                if not item.choices and item.low is not None:
                    unit = f' {item.unit}' if item.unit else ''
                    assert f'range: {item.allowed}{unit}]' in text


def test_every_command_has_help_of_one_line():
    text = CliRunner().invoke(app, ['--help'], env=WIDE).output
    for name in COMMANDS:
        assert f'\n  {name} ' in text
