# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameter files: written, read back, sections, refusals."""

import re

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.settings.options import markdown_table, options, values
from depth_refiner_ros.settings.parameter_file import (
    read_yaml,
    section_matches,
    unmatched,
    write_yaml,
)
import pytest
import yaml

from tests.settings.robot_options import Lamp, Robot


def parameter_file(folder, text: str):
    """Write a parameter file."""
    path = folder / 'params.yaml'
    path.write_text(text, encoding='utf-8')
    return path


CHANGED = Robot(
    name='Große "Nr. 1": #7 \\ ' + 'long words ' * 20 + '\nline',
    mode='off',
    lights=False,
    offset_m=1e-7,
    front=Lamp(power_w=60.0, bulbs=8),
)


def test_what_is_written_is_read_back_the_same(tmp_path, subtests):
    for settings in (
        Robot(),
        CHANGED,
        Robot(name=''),
        Robot(name='true'),
        Robot(name='1e3'),
        Robot(offset_m=-1e21),
    ):
        with subtests.test(str(settings)):
            path = parameter_file(tmp_path, write_yaml(settings, 'robot'))
            assert read_yaml(Robot, path, 'robot') == settings


def test_written_yaml_is_a_ros_parameter_file_with_doc_unit_and_range():
    text = write_yaml(Robot(), 'robot')
    tree = yaml.safe_load(text)
    assert list(tree) == ['/**/robot']
    assert tree['/**/robot']['ros__parameters'] == values(Robot())
    assert '# electric power [W] (0.5 .. 60, runtime)\n    front.power_w: 5.0\n' in text
    assert '# how it moves (auto | manual | off, runtime)\n    mode: "auto"\n' in text


def test_floats_stay_floats_for_ros():
    """A ROS node that declares a double refuses an integer from its parameter file."""
    written = yaml.safe_load(write_yaml(Robot(offset_m=3.0), 'robot'))
    assert type(written['/**/robot']['ros__parameters']['offset_m']) is float


def test_sections_apply_in_the_order_of_the_file(tmp_path):
    path = parameter_file(
        tmp_path,
        """
/**:
  ros__parameters: {name: all, mode: manual, use_sim_time: true}
robot:
  ros__parameters:
    name: mine
    front: {power_w: 7, bulbs: 2}
    rear.bulbs: 3
other:
  ros__parameters: {unheard_of: 1}
/robot:
  ros__parameters: {lights: false}
""",
    )
    assert read_yaml(Robot, path, 'robot') == Robot(
        name='mine',
        mode='manual',
        lights=False,
        front=Lamp(power_w=7.0, bulbs=2),
        rear=Lamp(bulbs=3),
    )


def test_names_that_ros_itself_reads_are_passed_over(tmp_path):
    path = parameter_file(
        tmp_path,
        """
robot:
  ros__parameters:
    use_sim_time: true
    qos_overrides: {/points: {publisher: {depth: 2}}}
""",
    )
    assert read_yaml(Robot, path, 'robot') == Robot()


def test_an_exponent_without_a_dot_is_a_number_as_in_ros(tmp_path):
    path = parameter_file(tmp_path, 'robot:\n  ros__parameters: {offset_m: 1e-3, name: 1e-3}\n')
    assert read_yaml(Robot, path, 'robot') == Robot(offset_m=0.001, name='1e-3')


def test_a_bare_off_is_the_word_where_it_is_a_choice(tmp_path):
    path = parameter_file(tmp_path, 'robot:\n  ros__parameters: {mode: off, lights: off}\n')
    assert read_yaml(Robot, path, 'robot') == Robot(mode='off', lights=False)


def test_a_file_without_our_options_gives_the_defaults(tmp_path):
    for text in (
        '',
        '# nothing\n',
        'other:\n  ros__parameters: {a: 1}\n',
        'robot:\n  ros__parameters:\n',
    ):
        assert read_yaml(Robot, parameter_file(tmp_path, text), 'robot') == Robot(), text


REFUSED = [
    ('robot:\n  ros__parameters: {naem: x}\n', 'unknown option naem; did you mean name?'),
    ('robot:\n  ros__parameters: {front: {power_w: 99}}\n', 'front.power_w = 99.0 W is outside'),
    (
        'robot:\n  ros__parameters: {mode: on}\n',
        r'mode = True must be of type str \(auto .* off\); put it in quotes',
    ),
    ('robot:\n  ros__parameters: {name: null}\n', 'name = None must be of type str'),
    ('robot:\n  ros__parameters: {name: [a, b]}\n', r"name = \['a', 'b'\] must be of type str"),
    ('robot:\n  name: x\n', 'must hold ros__parameters and nothing else'),
    ('robot: 3\n', 'must hold ros__parameters and nothing else'),
    ('robot:\n', 'must hold ros__parameters and nothing else'),
    ('robot:\n  ros__parameters: 3\n', 'ros__parameters must map names to values'),
    ('- robot\n', 'the file must map node names to ros__parameters'),
    ('just words\n', 'the file must map node names to ros__parameters'),
    ('/**:\n  ros__parameters: {bulbs: 3}\n', r'section /\*\*: unknown option bulbs'),
    ('robot: {a: [}\n', 'cannot read parameters'),
]


def test_a_bad_file_is_refused_in_one_line_that_names_it(tmp_path, subtests):
    for text, reason in REFUSED:
        path = parameter_file(tmp_path, text)
        with subtests.test(text):
            with pytest.raises(SettingsError, match=reason) as caught:
                read_yaml(Robot, path, 'robot')
            assert str(path) in str(caught.value)
            assert '\n' not in str(caught.value)


def test_a_missing_folder_or_binary_file_is_refused(tmp_path):
    binary = tmp_path / 'binary.yaml'
    binary.write_bytes(b'\x00\xff\xfe\x81')
    for path in (tmp_path / 'none.yaml', tmp_path, binary):
        with pytest.raises(SettingsError, match=f'cannot read parameters from {path}'):
            read_yaml(Robot, path, 'robot')


def test_the_table_has_one_row_per_option():
    rows = markdown_table(Robot).splitlines()
    assert len(rows) == 2 + len(options(Robot))
    cells = re.compile(r'(?<!\\)\|')
    assert {len(cells.findall(row)) for row in rows} == {7}
    assert '| `front.power_w` | `5.0` | W | 0.5 .. 60 | yes | electric power |' in rows
    assert '| `lights` | `true` |  | true \\| false | yes | whether it shines |' in rows


MATCHING = {
    'refiner': ('/refiner',),
    '/refiner': ('/refiner',),
    '/**': ('/refiner', '/ns/refiner', '/a/b/refiner'),
    '/**/refiner': ('/refiner', '/ns/refiner', '/a/b/refiner'),
    '/*/refiner': ('/ns/refiner',),
    '/ns/refiner': ('/ns/refiner',),
    'ns/refiner': ('/ns/refiner',),
    '/ns/**': ('/ns/refiner',),
    '/ns/*': ('/ns/refiner',),
    '/*': ('/refiner',),
    '/a/**/refiner': ('/a/b/refiner',),
    '/**/ns/refiner': ('/ns/refiner',),
    '/**/**': ('/refiner', '/ns/refiner', '/a/b/refiner'),
    '/**/finer': (),
}
"""Section to those of three nodes that it applies to, as rcl's own parser has it."""


def test_sections_match_by_the_rules_of_ros(subtests):
    for section, nodes in MATCHING.items():
        with subtests.test(section):
            for node in ('/refiner', '/ns/refiner', '/a/b/refiner'):
                assert section_matches(section, node) is (node in nodes), node


def test_a_namespace_may_hold_its_nodes(tmp_path):
    path = parameter_file(tmp_path, '/front:\n  robot:\n    ros__parameters: {name: x}\n')
    assert read_yaml(Robot, path, '/front/robot').name == 'x'
    assert read_yaml(Robot, path, '/rear/robot') == Robot()


def test_a_file_for_no_node_is_named_with_what_would_fit(tmp_path):
    path = parameter_file(tmp_path, 'robot:\n  ros__parameters: {name: x}\n')
    assert unmatched(path, ['/front/robot', '/robot']) == ''
    line = unmatched(path, ['/front/robot', '/front/cart'])
    assert line == (
        f'{path}: no section applies to /front/robot or /front/cart (sections: robot), so the '
        'file has no effect; name a section /**/robot'
    )


def test_names_that_are_there_twice_add_up_as_in_ros(tmp_path):
    path = parameter_file(
        tmp_path,
        'robot:\n  ros__parameters:\n    name: first\n    front: {power_w: 9.0}\n'
        '    front: {bulbs: 3}\n'
        'robot:\n  ros__parameters:\n    offset_m: 2.0\n    name: second\n',
    )
    assert read_yaml(Robot, path, 'robot') == Robot(
        name='second', offset_m=2.0, front=Lamp(power_w=9.0, bulbs=3)
    )
