# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner params``: every option, as a table or as YAML."""

import inspect
from pathlib import Path
from typing import Annotated, Any

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.settings.nodes import NODES
from depth_refiner_ros.settings.options import markdown_table
import typer


def params(
    markdown: Annotated[
        bool,
        typer.Option(
            '--markdown', help='Print the page of the documentation (docs/parameters.md).'
        ),
    ] = False,
    yaml: Annotated[
        bool,
        typer.Option(
            '--yaml',
            help='Print ROS parameter files with every option at its default, as in config/.',
        ),
    ] = False,
    node: Annotated[str, typer.Option(help='Only this node: refiner, tsdf, player, ...')] = '',
    out: Annotated[
        Path | None,
        typer.Option(
            '--out',
            '-o',
            help='Write to this file instead, or with --yaml one NODE.yaml per node to this '
            'folder.',
        ),
    ] = None,
) -> None:
    """List every option with its default, unit and range."""
    if markdown and yaml:
        raise SettingsError('--markdown and --yaml exclude each other; choose one')
    chosen = _chosen(node)
    if yaml:
        _write_yaml(chosen, out)
    else:
        text = documentation(chosen)
        write_text(out, text) if out else say(text)


def documentation(nodes: dict[str, type]) -> str:
    """Return the page ``docs/parameters.md``."""
    head = (
        '# Parameters\n\nMade by `depth-refiner params --markdown` from '
        '`depth_refiner_ros/settings/`.\n'
    )
    sections = [
        f'## `{name}`\n\n{inspect.cleandoc(group.__doc__ or "")}\n\n{markdown_table(group)}'
        for name, group in nodes.items()
    ]
    return '\n'.join([head, *sections])


def _chosen(node: str) -> dict[str, type]:
    if not node:
        return NODES
    if node not in NODES:
        raise SettingsError(
            f'unknown node {shown(node)}; use one of {", ".join(NODES)}{nearest(node, NODES)}'
        )
    return {node: NODES[node]}


def _write_yaml(nodes: dict[str, Any], out: Path | None) -> None:
    # Here, as doctor must start without PyYAML.
    from depth_refiner_ros.settings.parameter_file import write_yaml

    for name, group in nodes.items():
        text = write_yaml(group(), name)
        write_text(out / f'{name}.yaml', text) if out else say(text)
