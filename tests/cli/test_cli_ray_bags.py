# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine --ray``: bags as tasks of a Ray cluster on this machine."""

import importlib.util
import socket
import sys

from depth_refiner_ros.apps.ray_bags import copied_there
from depth_refiner_ros.apps.refine_bag import CopyOptions
from depth_refiner_ros.apps.refine_bags import BagJob
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
import pytest

from tests.bags import mixed_bags
from tests.bags.mixed_bags import IMAGE
from tests.cli.recordings import PLAIN

HAS_RAY = importlib.util.find_spec('ray') is not None
FLAGS = (*PLAIN, 'bundled', '--image-topic', IMAGE, '--no-clouds', '--bag')


def test_without_ray_the_message_says_how_to_get_it(depth_refiner, tmp_path, monkeypatch):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap', frames=1)
    monkeypatch.setitem(sys.modules, 'ray', None)
    ended = depth_refiner('refine', source, *FLAGS, '--out', 'out.mcap', '--ray', 'auto')
    assert ended.returncode == 2
    assert 'install it with: pip install ray' in ended.stderr.splitlines()[-1]


def test_a_machine_without_the_bag_or_the_folder_is_named(tmp_path):
    bag = mixed_bags.write(tmp_path / 'drive', 'mcap', frames=1)
    mark = tmp_path / 'mark'
    options = CopyOptions(
        model=ModelSettings(), recording=RecordingSettings(), bag=BagCopySettings()
    )
    for source, words in ((tmp_path / 'other.mcap', 'cannot read'), (bag, 'does not see')):
        job = BagJob(source, tmp_path / 'out.mcap')
        why = str(copied_there(job, options, 0, mark, 'robot (10.0.0.1)'))
        place = source if words == 'cannot read' else tmp_path
        assert why.startswith(f'the machine robot (10.0.0.1) {words} {place}; put it where')


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason='Ray is not installed')
def test_tasks_make_the_copies_that_this_process_makes(program, depth_refiner, tmp_path):
    paths = [mixed_bags.write(tmp_path / name, 'mcap', frames=2) for name in ('a', 'b', 'c')]
    paths[1].write_bytes(paths[1].read_bytes()[:-100])
    ended = program('refine', *paths, *FLAGS, '--out', 'spread', '--ray', 'local')
    assert ended.returncode == 2, ended.stderr
    assert 'failed:' in ended.stdout.splitlines()[2]
    assert ended.stdout.endswith('2 of 3 bags copied\n')
    assert f'{paths[0]} copied on {socket.gethostname()} (' in ended.stderr
    here = depth_refiner('refine', *paths, *FLAGS, '--out', 'here', '--threads', '1')
    assert here.returncode == 2, here.stderr
    for name in ('a.mcap', 'c.mcap'):
        copies = [(tmp_path / folder / name).read_bytes() for folder in ('spread', 'here')]
        assert copies[0] == copies[1]
    assert [path.name for path in (tmp_path / 'spread').iterdir()] == ['a.mcap', 'c.mcap']
