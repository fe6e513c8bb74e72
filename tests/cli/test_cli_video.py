# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands with a prior of video: recordings are videos, frame lists and rooms are not."""

import json

from depth_refiner_ros.apps.models_import import import_prior
from depth_refiner_ros.priors import depth_anything_v2_network
from depth_refiner_ros.sources.registry import open_source
import numpy as np
import pytest

from tests.bags import mixed_bags
from tests.cli.recordings import CAMERA, PLAIN, wall
from tests.full_disk import full_disk
from tests.priors.official_video_depth_anything import published, TINY

PRIOR = 'video_depth_anything'
OPTIONS = (
    *(*PLAIN, PRIOR, '--prior-weights', 'folder', '--prior-short-side', '42'),
    *('--backend', 'torch', '--precision', 'fp32'),
)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """A tiny imported network in place of the small one, beside two recordings of one wall."""
    monkeypatch.setitem(depth_anything_v2_network.ARCHITECTURES, 'small', TINY)
    import_prior(published(tmp_path, TINY), tmp_path / 'folder', None, None)
    for name, first in (('a', 1), ('b', 4)):  # the second begins where the first would go on
        wall(tmp_path / name, 3, first=first)


def maps(path):
    return [np.load(file) for file in sorted(path.glob('*.npy'))]


def test_refine_carries_over_within_a_recording_and_not_to_the_next(depth_refiner, tmp_path):
    ended = depth_refiner('refine', 'a', 'b', *OPTIONS, '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    first, second = maps(tmp_path / 'out' / 'a'), maps(tmp_path / 'out' / 'b')
    assert not np.array_equal(first[0], first[1]), 'the same image with something before it'
    assert np.array_equal(first[0], second[0])


def test_an_interrupted_copy_of_a_bag_equals_an_unbroken_one(depth_refiner, tmp_path):
    source = mixed_bags.write(tmp_path / 'drive', 'mcap')
    command = ('refine', source, *OPTIONS, '--image-topic', mixed_bags.IMAGE, '--out')
    assert depth_refiner(*command, 'whole.mcap').returncode == 0
    with full_disk(150_000):
        ended = depth_refiner(*command, 'out.mcap')
    assert '2 of 4 frames are kept' in ended.stderr
    ended = depth_refiner(*command, 'out.mcap')
    assert ended.returncode == 0, ended.stderr
    assert 'are kept, and refined again' in ended.stderr
    assert (tmp_path / 'out.mcap').read_bytes() == (tmp_path / 'whole.mcap').read_bytes()


def errors(depth_refiner, tmp_path, *sources):
    ended = depth_refiner('eval', *sources, *OPTIONS, '--json', 'r.json', '--csv', 'r.csv')
    assert ended.returncode == 0, ended.stderr
    lines = (tmp_path / 'r.csv').read_text().splitlines()[1:]
    assert json.loads((tmp_path / 'r.json').read_text())['overall']['frames'] == len(lines)
    return [line.split(',')[3:] for line in lines]


def test_eval_of_photographs_carries_nothing_over(depth_refiner, tmp_path):
    pictures = sorted((tmp_path / 'a' / 'rgb').glob('*.png'))
    depths = sorted((tmp_path / 'a' / 'depth').glob('*.png'))
    (tmp_path / 'frames.json').write_text(
        json.dumps(
            [
                {
                    'rgb': str(rgb.relative_to(tmp_path)),
                    'depth': str(depth.relative_to(tmp_path)),
                    'depth_scale': 5000,
                    'fx_fy_cx_cy': [CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy],
                }
                for rgb, depth in zip(pictures, depths, strict=True)
            ]
        )
    )
    listed = errors(depth_refiner, tmp_path, 'frames.json')
    assert listed[0] == listed[1] == listed[2]
    recorded = errors(depth_refiner, tmp_path, 'a', 'b')
    assert recorded[0] == listed[0]
    assert recorded[0] != recorded[1]
    assert recorded[:3] == recorded[3:]


@pytest.mark.parametrize(
    ('source', 'of_video'),
    [('a', True), ('a/rgb', False), ('sim:1:1', True), ('rooms:1:1', False)],
)
def test_each_kind_of_source_says_whether_it_is_a_video(tmp_path, monkeypatch, source, of_video):
    monkeypatch.chdir(tmp_path)
    assert next(iter(open_source(source))).of_video == of_video
