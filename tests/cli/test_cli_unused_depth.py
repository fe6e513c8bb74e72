# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands say once that measured depth is not used, unless the user chose the prior."""

import pytest

from tests.cli.recordings import frame_list, wall

LINE = 'has measured depth, which --prior bundled does not use; --prior sensor refines it\n'
VIEWS = ('--splats-hold-back', '2', '--splats-steps', '1', '--splats-device', 'cpu')


@pytest.mark.parametrize(
    ('command', 'more', 'told'),
    [
        ('fuse', (), True),
        ('refine', (), True),
        ('views', VIEWS, True),
        ('fuse', ('--prior', 'bundled'), False),
        ('refine', ('--prior', 'sensor'), False),
        ('fuse', ('--scale-prior', 'sensor', '--prior', 'bundled'), False),
        ('eval', (), False),  # there it is the truth
    ],
)
def test_measured_depth_is_named_unless_the_prior_was_chosen(
    depth_refiner, tmp_path, command, more, told
):
    wall(tmp_path / 'wall', 3)
    out = () if command == 'eval' else ('--out', 'out')
    ended = depth_refiner(command, 'wall', '--refiner', 'none', *more, *out)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count(f'wall {LINE}') == told
    assert ended.stderr.count('has measured depth') == told


def test_images_without_depth_are_not_said_to_have_any(depth_refiner, tmp_path):
    (wall(tmp_path / 'wall', 2) / 'depth.txt').unlink()
    ended = depth_refiner('refine', 'wall', 'sim:1:1', '--refiner', 'none', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    assert 'has measured depth' not in ended.stderr


def test_depth_of_a_frame_list_is_named(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner('refine', 'frames.json', '--refiner', 'none', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    assert f'frames {LINE}' in ended.stderr
