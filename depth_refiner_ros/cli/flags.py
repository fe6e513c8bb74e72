# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Command-line flags made from the option tables of ``settings``."""

from collections.abc import Callable
import functools
import inspect
from pathlib import Path
from typing import Annotated, Any

from depth_refiner_ros.apps.wording import flag_of, speak_in_flags
from depth_refiner_ros.core.atomic import check_writable
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.settings.options import Option, options, updated
import typer

Command = Callable[..., None]

Output = Annotated[
    Path,
    typer.Option(
        '--out',
        '-o',
        help='Output folder; created if missing. Files of an earlier run are replaced.',
    ),
]
WITHOUT_POSES = {'assume_fov_deg': 60.0, 'pose_topic': 'none'}
"""Defaults for refining single frames: the camera may be assumed, and poses are not read."""


def writable(path: Path | None) -> Path | None:
    """Return the value of a flag, a file; one that cannot be written ends the command now."""
    if path is not None:
        check_writable(path)
    return path


def choice(*words: str, text: str, show_default: bool = True) -> Any:
    """Return a flag that takes one of some words; typer's own message would suggest none."""

    def checked(flag: typer.CallbackParam, word: str | None) -> str | None:
        if word is not None and word not in words:
            raise SettingsError(
                f'{flag.opts[0]} {shown(word)} must be one of {" | ".join(words)}'
                f'{nearest(word, words)}'
            )
        return word

    metavar = f'<{"|".join(words)}>'
    return typer.Option(callback=checked, help=text, metavar=metavar, show_default=show_default)


def plots_writable(path: Path | None) -> Path | None:
    """Return the value of a flag, the folder of plots; see :func:`writable`."""
    if path is not None:
        check_writable(path / '*.png')
    return path


JsonFile = Annotated[
    Path | None,
    typer.Option(
        '--json',
        dir_okay=False,
        callback=writable,
        help='Also write the result to this JSON file.',
    ),
]
Strict = Annotated[
    bool, typer.Option('--strict', help='Exit with code 1 if any frame was lost (0 without it).')
]
SourceLocation = Annotated[
    str,
    typer.Argument(
        metavar='SOURCE',
        show_default=False,
        help='sim:SEED[:FRAMES[:PEOPLE]], a TUM RGB-D folder, a folder of images, a video or a '
        'ROS 2 bag.',
    ),
]


def settings_flags(
    parameter: str,
    group: type,
    *,
    prefix: str = '',
    skip: tuple[str, ...] = (),
    defaults: dict[str, Any] | None = None,
) -> Callable[[Command], Command]:
    """
    Add a flag to a command for each option of a group; it receives the checked group.

    :param parameter: the command's argument that receives the settings
    :param group: class of the settings
    :param prefix: of each flag, where two groups of one command share names
    :param skip: options that the command sets itself
    :param defaults: dotted names and values of defaults that differ for this command
    :raises SettingsError: when the command is called with an invalid value
    """
    start = updated(group(), defaults or {})
    shown = {name: item for name, item in options(group).items() if name not in skip}
    names = {_argument(prefix + name): name for name in shown}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_settings(**arguments: Any) -> None:
            speak_in_flags(shown, prefix)
            given = {name: arguments.pop(argument) for argument, name in names.items()}
            changes = {name: value for name, value in given.items() if value is not None}
            command(**arguments, **{parameter: updated(start, changes)})

        kept = [
            item
            for item in inspect.signature(command).parameters.values()
            if item.name != parameter
        ]
        added = [
            _flag(argument, prefix, shown[name], (defaults or {}).get(name))
            for argument, name in names.items()
        ]
        _set_signature(with_settings, kept + added)
        return with_settings

    return decorate


def is_given(context: typer.Context, argument: str) -> bool:
    """Whether the user gave a flag, even with the value that it has anyway."""
    source = context.get_parameter_source(argument)
    return source is not None and source.name == 'COMMANDLINE'


def _argument(name: str) -> str:
    return name.replace('.', '_').replace('-', '_')


def _flag(argument: str, prefix: str, item: Option, default: Any) -> inspect.Parameter:
    name = flag_of(item.name, prefix)
    declared = f'{name}/--no-{name[2:]}' if item.type is bool else name
    info = typer.Option(
        declared,
        help=_help(item, default),
        show_default=False,
        metavar=_metavar(item),
        rich_help_panel='Settings',
    )
    return inspect.Parameter(
        argument,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[item.type | None, info],
    )


def _help(item: Option, default: Any) -> str:
    value = item.default if default is None else default
    shown = str(value).lower() if item.type is bool else str(value)
    unit = f' {item.unit}' if item.unit else ''
    allowed = (
        ''
        if item.choices or item.allowed in ('any', 'true | false')
        else (f'; range: {item.allowed}{unit}')
    )
    value = f'{shown}{unit}' if shown != '' else 'empty'
    return f'{item.doc[0].upper()}{item.doc[1:]}.  [default: {value}{allowed}]'


def _metavar(item: Option) -> str | None:
    if item.choices:
        return f'<{"|".join(item.choices)}>'
    if item.type is bool:
        return None
    return item.unit.upper() or item.type.__name__.upper()


def _set_signature(function: Command, parameters: list[inspect.Parameter]) -> None:
    """Set the signature that typer reads."""
    ordered = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in parameters]
    function.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    function.__annotations__ = {item.name: item.annotation for item in ordered}
