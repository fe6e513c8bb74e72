# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameter files of running nodes: unreadable ones end the node, unmatched ones are named."""

import time


def test_a_file_that_matches_no_node_is_named_in_one_line(probe, tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text('refnier:\n  ros__parameters: {stride: 2}\n')
    words = ['--params-file', str(file)]
    with probe.run('collector', {'folder': tmp_path / 'out'}, words=words) as collector:
        line = wait_for_line(collector, 'no section applies to')
        assert f'{probe.namespace}/collector' in line
        assert '(sections: refnier)' in line
    assert collector.process.returncode == 0


def test_a_file_for_another_of_our_nodes_is_as_it_should_be(probe, tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text('/**/refiner:\n  ros__parameters: {points.stride: 2}\n')
    words = ['--params-file', str(file)]
    with probe.run('collector', {'folder': tmp_path / 'out'}, words=words) as collector:
        probe.wait(lambda: (tmp_path / 'out' / 'arrivals.csv').exists(), 'the collector')
        probe.watch(1.0)
    assert collector.process.returncode == 0
    assert '[collector]' not in collector.output


def test_an_unreadable_command_line_is_one_line_of_ours_and_exit_code_2(probe, subtests):
    for words in (['--params-file', '/nowhere.yaml'], ['-r', 'image'], ['--nonsense']):
        with subtests.test(str(words)), probe.run('collector', words=words) as collector:
            assert collector.finish() == 2
            ours = [line for line in collector.lines if '[collector]' in line]
            assert len(ours) == 1, collector.output
            assert 'ROS cannot read the command line' in ours[0]
            assert words[-1] in ours[0]
            assert 'Traceback' not in collector.output


def wait_for_line(process, text, patience_s=60.0):
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s and process.process.poll() is None:
        found = [line for line in process.lines if text in line]
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f'no line with {text!r}:\n{process.output}')
