# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The files of config/ match the settings, and the middleware accepts its profile."""

from pathlib import Path
import xml.etree.ElementTree as ElementTree

from depth_refiner_ros.cli.params import NODES
from depth_refiner_ros.settings.options import options
from depth_refiner_ros.settings.parameter_file import read_yaml, write_yaml
import rclpy
from rclpy.context import Context
from rclpy.node import Node
import yaml

from tests.settings.test_options_yaml import MATCHING

CONFIG = Path(__file__).resolve().parents[2] / 'config'


def test_parameter_files_are_made_from_the_settings(subtests):
    for node in NODES:
        with subtests.test(node=node):
            text = (CONFIG / f'{node}.yaml').read_text(encoding='utf-8')
            assert text == write_yaml(NODES[node](), node), (
                'make them anew: depth-refiner params --yaml -o config'
            )
            assert read_yaml(NODES[node], CONFIG / f'{node}.yaml', node) == NODES[node]()
            assert list(yaml.safe_load(text)) == [f'/**/{node}']


def test_the_dds_profile_offers_large_shared_memory_and_udp():
    space = '{http://www.eprosima.com}'
    root = ElementTree.parse(CONFIG / 'fastdds.xml').getroot()
    transports = {
        item.findtext(f'{space}transport_id'): item
        for item in root.iter(f'{space}transport_descriptor')
    }
    assert {item.findtext(f'{space}type') for item in transports.values()} == {'SHM', 'UDPv4'}
    segment = transports['large_shared_memory'].findtext(f'{space}segment_size')
    assert int(segment) == 64 * 2**20
    participant = root.find(f'{space}participant')
    assert participant.get('is_default_profile') == 'true'
    used = [item.text for item in participant.iter(f'{space}transport_id')]
    assert used == ['large_shared_memory', 'udp']
    writer = root.find(f'{space}data_writer')
    assert writer.get('is_default_profile') == 'true'
    period = next(writer.iter(f'{space}heartbeat_period'))
    assert [item.text for item in period] == ['0', '200000000'], 'the default of 3 s is too long'


def test_shipped_files_apply_in_every_namespace(subtests):
    for node in NODES:
        with subtests.test(node=node):
            name = next(iter(options(NODES[node])))
            read = parameters_of(node, ('/', '/robot', '/robot/front'), CONFIG / f'{node}.yaml')
            assert all(name in names for names in read)


def test_sections_match_as_rcl_matches_them(tmp_path, subtests):
    """The rules are reimplemented to report files that match no node; this is the original."""
    for section, nodes in MATCHING.items():
        file = tmp_path / 'params.yaml'
        file.write_text(f'{section}:\n  ros__parameters: {{probe: 1}}\n')
        with subtests.test(section):
            read = parameters_of('refiner', ('/', '/ns', '/a/b'), file)
            full = ('/refiner', '/ns/refiner', '/a/b/refiner')
            assert [name for name, names in zip(full, read) if 'probe' in names] == list(nodes)


def parameters_of(node, namespaces, file):
    """Return the names of the parameters that real nodes read from a file."""
    context = Context()
    rclpy.init(args=['--ros-args', '--params-file', str(file)], context=context)
    found = []
    for namespace in namespaces:
        made = Node(
            node,
            namespace=namespace,
            context=context,
            automatically_declare_parameters_from_overrides=True,
        )
        found.append(set(made.get_parameters_by_prefix('')))
        made.destroy_node()
    rclpy.shutdown(context=context)
    return found
