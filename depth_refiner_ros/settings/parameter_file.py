# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read and write ROS parameter files by the table of options.

Sections are matched by the rules of rcl: ``*`` stands for one part of a node's full name and
``**`` for any number of parts, so that ``/**/refiner`` is the refiner in every namespace while
``refiner`` alone is the one without a namespace. Sections apply in the order of the file.
"""

from collections.abc import Iterable, Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any, TypeVar

from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.core.messages import not_parsed, shown
from depth_refiner_ros.core.text_file import read_text
from depth_refiner_ros.settings.options import flatten, Option, options, updated, values
import yaml

Group = TypeVar('Group')
BODY = 'ros__parameters'
LONGEST_NAME = 255
"""Longest name of a node with its namespaces, set by DDS."""
ROS_OWN = ('use_sim_time', 'qos_overrides')
"""Parameters that rclpy itself reads."""


class _AsRos(yaml.SafeLoader):
    """Reads a name that is there twice as ROS does: parts add up, the last value counts."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping in which a name has the parts of all its mappings."""
        self.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for pair in node.value:
            single = yaml.MappingNode(node.tag, [pair], node.start_mark, node.end_mark)
            ((key, value),) = super().construct_mapping(single, deep=True).items()
            found[key] = _joined(found.get(key), value)
        return found


def _joined(former: Any, value: Any) -> Any:
    """Return two mappings as one; of anything else the latter."""
    if not isinstance(former, dict) or not isinstance(value, dict):
        return value
    return {**former, **{key: _joined(former.get(key), inner) for key, inner in value.items()}}


def section_matches(section: str, node: str) -> bool:
    """
    Whether a section of a parameter file applies to a node.

    :param section: name in the file, such as ``/**/refiner``
    :param node: full name of the node, such as ``/front/refiner``
    """
    pattern = re.escape('/' + section.lstrip('/'))
    pattern = pattern.replace(r'/\*\*', r'(/\w+)*').replace(r'/\*', r'/\w+')
    return re.fullmatch(pattern, '/' + node.lstrip('/')) is not None


def sections(path: Path) -> dict[str, Mapping[str, Any]]:
    """
    Return the sections of a parameter file in order: name to parameters.

    :raises SettingsError: if the file is missing, not YAML or not a parameter file
    """
    try:
        tree = yaml.load(read_text(path), _AsRos) or {}
        if not isinstance(tree, Mapping):
            raise SettingsError(f'{path}: the file must map node names to {BODY}')
        return dict(_sections(path, tree, ''))
    except yaml.YAMLError as error:
        reason = not_parsed(path, 'YAML', error)
        raise SettingsError(f'cannot read parameters from {reason}') from error
    except InputError as error:
        reason = str(error).removeprefix('cannot read ')
        raise SettingsError(f'cannot read parameters from {reason}') from error
    except (ValueError, RecursionError) as error:
        reason = ' '.join(str(error).split())
        raise SettingsError(f'cannot read parameters from {path}: {reason}') from error


def _sections(
    path: Path, tree: Mapping[Any, Any], prefix: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the sections of nested mappings, in which namespaces may contain nodes."""
    for key, body in tree.items():
        name = f'{prefix}{key}'
        if len(name) > LONGEST_NAME:
            raise SettingsError(
                f'{path}: section {shown(name)} is too long for the name of a node'
            )
        if not isinstance(body, Mapping) or not body or (BODY in body and len(body) > 1):
            raise SettingsError(f'{path}, section {name}: must hold {BODY} and nothing else')
        if BODY not in body:
            yield from _sections(path, body, f'{name}/')
            continue
        parameters = body[BODY] or {}
        if not isinstance(parameters, Mapping):
            raise SettingsError(f'{path}, section {name}: {BODY} must map names to values')
        yield name, parameters


def unmatched(path: Path, nodes: Iterable[str]) -> str:
    """
    Return one line if no section of a file applies to any of some nodes, else nothing.

    :param nodes: their full names
    :raises SettingsError: if the file cannot be read
    """
    names, nodes = list(sections(path)), list(nodes)
    if any(section_matches(name, node) for name in names for node in nodes):
        return ''
    held = ', '.join(names) or 'none'
    return (
        f'{path}: no section applies to {" or ".join(nodes)} (sections: {held}), so the file has '
        f'no effect; name a section /**/{nodes[0].rpartition("/")[2]}'
    )


def read_yaml(cls: type[Group], path: Path, node: str) -> Group:
    """
    Read the options of one node from a parameter file.

    :param node: full name of the node; a plain name is the node without a namespace
    :raises SettingsError: if the file is missing, not YAML, or holds an unfit option
    """
    settings = cls()
    for name, parameters in sections(path).items():
        if not section_matches(name, node):
            continue
        try:
            settings = updated(settings, _ours(parameters, options(cls)))
        except (SettingsError, RecursionError) as error:
            raise SettingsError(f'{path}, section {name}: {error}') from error
    return settings


def _ours(parameters: Mapping[str, Any], known: Mapping[str, Option]) -> dict[str, Any]:
    """Return the options of one section by dotted name."""
    return {
        name: _as_ros(value, known.get(name))
        for name, value in flatten(parameters)
        if name.split('.')[0] not in ROS_OWN
    }


def as_word(value: Any, known: Option | None) -> Any:
    """Undo YAML 1.1, in which a bare ``off`` is a boolean."""
    return 'off' if value is False and known is not None and 'off' in known.choices else value


def _as_ros(value: Any, known: Option | None) -> Any:
    """Read 1e-3 as a number, as ROS does; in YAML 1.1 it is text."""
    if not (isinstance(value, str) and known is not None and known.type is float):
        return as_word(value, known)
    try:
        return float(value)
    except ValueError:
        return value  # the check reports it


def write_yaml(settings: Any, node: str) -> str:
    """
    Return a parameter file with every option of a node, each with doc, unit and range.

    :param node: name without namespace; the file applies to it in every namespace
    """
    lines = [f'/**/{node}:', f'  {BODY}:']
    known = options(type(settings))
    for name, value in values(settings).items():
        described = known[name]
        unit = f' [{described.unit}]' if described.unit else ''
        runtime = ', runtime' if described.runtime else ''
        lines.append(f'    # {described.doc}{unit} ({described.allowed}{runtime})')
        text = (
            json.dumps(value, ensure_ascii=False)
            if isinstance(value, str)
            else yaml.safe_dump(value).splitlines()[0]
        )
        lines.append(f'    {name}: {text}')
    return '\n'.join(lines) + '\n'
