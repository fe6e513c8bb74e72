# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Typed options, described once and checked everywhere.

See ``networks.py``, ``fusion.py`` and ``nodes.py`` for the options themselves.

A group of options is a frozen dataclass whose fields are made by :func:`option`; a group may hold
other groups, and dots join their names (``points.stride``), as ROS parameters do. YAML files, ROS
parameters, command-line flags and the table in the documentation all derive from these fields.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
import math
from typing import Any, get_type_hints, TypeVar

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, printable, shown

Group = TypeVar('Group')
Value = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class Option:
    """
    One option as users see it.

    :param name: dotted name
    :param type: bool, int, float or str
    :param default: value unless set
    :param doc: one line
    :param unit: physical unit, empty if it has none
    :param low: smallest allowed number
    :param high: largest allowed number
    :param choices: allowed words, empty if any text is allowed
    :param runtime: whether a running node accepts a change
    """

    name: str
    type: type
    default: Value
    doc: str
    unit: str = ''
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    runtime: bool = False

    @property
    def allowed(self) -> str:
        """Return the allowed values in words."""
        if self.choices:
            return ' | '.join(self.choices)
        if self.low is None and self.high is None:
            return 'true | false' if self.type is bool else 'any'
        low = '' if self.low is None else f'{self.low:g}'
        high = '' if self.high is None else f'{self.high:g}'
        return f'{low} .. {high}'.strip()

    def check(self, value: Any) -> Value:
        """
        Return the value in the option's type.

        :raises SettingsError: if type, range or word do not fit
        """
        kinds = (int, float) if self.type is float else (self.type,)
        if not isinstance(value, kinds) or isinstance(value, bool) is not (self.type is bool):
            hint = '; put it in quotes' if self.type is str else ''
            raise SettingsError(
                f'{self.name} = {shown(value)} must be of type {self.type.__name__} '
                f'({self.allowed}){hint}'
            )
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise SettingsError(f'{self.name} = {shown(value)} does not fit 64 bits')
        checked: Value = self.type(value)
        if self.choices and checked not in self.choices:
            raise SettingsError(
                f'{self.name} = {shown(checked)} must be one of {self.allowed}'
                f'{nearest(checked, self.choices)}'
            )
        if not isinstance(checked, bool | str):
            self._check_range(checked)
        return checked

    def _check_range(self, value: float) -> None:
        unit = f' {self.unit}' if self.unit else ''
        below = self.low is not None and value < self.low
        above = self.high is not None and value > self.high
        if below or above:
            raise SettingsError(f'{self.name} = {value}{unit} is outside {self.allowed}{unit}')
        if not math.isfinite(value):
            raise SettingsError(f'{self.name} = {value} must be a finite number')


def option(
    default: Any,
    doc: str,
    *,
    unit: str = '',
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    runtime: bool = False,
) -> Any:
    """Declare one option of a group; see :class:`Option` for the parameters."""
    return field(
        default=default,
        metadata={
            'option': {
                'doc': doc,
                'unit': unit,
                'low': low,
                'high': high,
                'choices': choices,
                'runtime': runtime,
            }
        },
    )


def options(cls: type, prefix: str = '') -> dict[str, Option]:
    """Return all options of a group and its nested groups by dotted name, in order."""
    found: dict[str, Option] = {}
    types = get_type_hints(cls)
    for item in fields(cls):
        name = prefix + item.name
        if is_dataclass(types[item.name]):
            found.update(options(types[item.name], name + '.'))
        else:
            default: Any = item.default
            found[name] = Option(
                name=name, type=types[item.name], default=default, **item.metadata['option']
            )
    return found


def values(settings: Any, prefix: str = '') -> dict[str, Value]:
    """Return the values of a group and its nested groups by dotted name."""
    flat: dict[str, Value] = {}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if is_dataclass(value):
            flat.update(values(value, prefix + item.name + '.'))
        else:
            flat[prefix + item.name] = value
    return flat


def updated(settings: Group, changes: Mapping[str, Any], *, running: bool = False) -> Group:
    """
    Return the settings with some values changed, each checked.

    :param changes: dotted names and new values
    :param running: refuse options that a running node cannot change
    :raises SettingsError: if a name is unknown, a value unfit or a change impossible at run time
    """
    known = options(type(settings))
    for name, value in changes.items():
        if name not in known:
            raise SettingsError(unknown(name, known))
        if running and not known[name].runtime and value != values(settings)[name]:
            raise SettingsError(f'{name} cannot change while running; set it at start')
        settings = _replaced(settings, name.split('.'), known[name].check(value))
    return settings


def unknown(name: str, known: Mapping[str, Any]) -> str:
    """Return the message for an unknown option, with the nearest known one."""
    hint = nearest(name, known) or '; depth-refiner params lists all'
    return f'unknown option {printable(name[:80])}{hint}'


def _replaced(settings: Any, path: list[str], value: Value) -> Any:
    head, *rest = path
    inner = _replaced(getattr(settings, head), rest, value) if rest else value
    return replace(settings, **{head: inner})


def flatten(tree: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Convert nested mappings to dotted names and values."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f'{prefix}{name}.')
        else:
            yield f'{prefix}{name}', value


def markdown_table(cls: type) -> str:
    """Return the table of a group's options for the documentation."""
    rows = [
        '| name | default | unit | allowed | runtime | what it does |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for item in options(cls).values():
        default = str(item.default).lower() if item.type is bool else item.default
        allowed = item.allowed.replace('|', '\\|')
        rows.append(
            f'| `{item.name}` | `{default}` | {item.unit} | {allowed} '
            f'| {"yes" if item.runtime else ""} | {item.doc} |'
        )
    return '\n'.join(rows) + '\n'
