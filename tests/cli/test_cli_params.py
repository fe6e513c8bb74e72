# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner params``."""

from pathlib import Path

from depth_refiner_ros.cli.commands import app
from depth_refiner_ros.cli.params import NODES
from depth_refiner_ros.settings.nodes import RefinerNodeSettings
from depth_refiner_ros.settings.options import options
from depth_refiner_ros.settings.parameter_file import read_yaml
from typer.testing import CliRunner


def invoke(*arguments):
    result = CliRunner().invoke(app, ['params', *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_nodes_are_found_by_the_names_of_their_groups():
    assert NODES['refiner'] is RefinerNodeSettings
    assert {'refiner', 'tsdf', 'player', 'recorder'} <= set(NODES)


def test_table_has_a_row_for_each_option(subtests):
    for node in sorted(NODES):
        with subtests.test(node=node):
            text = invoke('--markdown', '--node', node)
            assert f'## `{node}`' in text
            for name in options(NODES[node]):
                assert f'\n| `{name}` |' in text


def test_yaml_can_be_read_again(tmp_path):
    invoke('--yaml', '--out', tmp_path)
    for node, group in NODES.items():
        assert read_yaml(group, tmp_path / f'{node}.yaml', node) == group()


def test_yaml_of_one_node_goes_to_stdout():
    assert invoke('--yaml', '--node', 'tsdf').startswith('/**/tsdf:\n  ros__parameters:\n')


def test_table_is_written_where_asked(tmp_path):
    assert invoke('--markdown', '--out', tmp_path / 'docs' / 'parameters.md') == ''
    assert (tmp_path / 'docs' / 'parameters.md').read_text().startswith('# Parameters')


def test_the_page_in_the_repository_is_up_to_date(tmp_path):
    invoke('--markdown', '--out', tmp_path / 'parameters.md')
    page = Path(__file__).parents[2] / 'docs' / 'parameters.md'
    assert page.read_text() == (tmp_path / 'parameters.md').read_text(), (
        'run depth-refiner params --markdown --out docs/parameters.md'
    )
