"""The files of config/ say what the settings say, and the middleware takes its profile."""

from pathlib import Path
import xml.etree.ElementTree as ElementTree

from depth_refiner_ros.cli.params import NODES
from depth_refiner_ros.settings.options import read_yaml, write_yaml
import yaml

CONFIG = Path(__file__).resolve().parents[2] / 'config'


def test_parameter_files_are_made_from_the_settings(subtests):
    for node in NODES:
        with subtests.test(node=node):
            text = (CONFIG / f'{node}.yaml').read_text(encoding='utf-8')
            assert text == write_yaml(NODES[node](), node), (
                'make them anew: depth-refiner params --yaml -o config'
            )
            assert read_yaml(NODES[node], CONFIG / f'{node}.yaml', node) == NODES[node]()
            assert list(yaml.safe_load(text)) == [node]


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
