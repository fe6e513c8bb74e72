# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``eval`` on small real input: errors, what is left out, refusals."""

import csv
import json

import cv2
from depth_refiner_ros.sources.labelled import scene_of
import numpy as np
import pytest
import torch

from tests.cli.recordings import frame_list, PLAIN


def test_eval_of_true_depth_is_free_of_error(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner(
        'eval',
        'frames.json',
        *PLAIN,
        'smeared',
        '--smear-factor',
        '1',
        '--smear-warp',
        '0.0',
        '--smear-scale',
        '0.0',
        '--json',
        'r.json',
        '--csv',
        'r.csv',
        '--panels',
        'pictures',
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads((tmp_path / 'r.json').read_text())
    assert set(result['per_source']) == {'halls', 'roads'}
    assert set(result['per_scene']) == {'indoor', 'outdoor'}
    overall = result['overall']
    assert overall['frames'] == 2
    for name in ('prior', 'refined'):
        assert overall[name]['abs_rel'] == pytest.approx(0.0, abs=1e-6)
        assert overall[name]['delta1'] == 1.0
        assert overall[name]['dbe_acc_px'] == pytest.approx(0.0, abs=1e-6)
    assert len(list((tmp_path / 'pictures').glob('*.png'))) == 2
    assert 'overall: 2 frames' in ended.stdout
    assert overall['confidence']['right'] == 1.0
    assert 'confidence: mean 1.00, right within 1.25 1.00; 0.5 or more for 1.00' in ended.stdout


def test_eval_shows_its_scores_before_it_writes_them(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner('eval', 'frames.json', *PLAIN, 'smeared', '--json', '/dev/full')
    assert ended.returncode == 2
    assert 'cannot write /dev/full: No space left' in ended.stderr.splitlines()[-1]
    assert 'overall: 2 frames' in ended.stdout


def test_eval_spoils_each_frame_in_its_own_way(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner(
        'eval',
        'frames.json',
        *PLAIN,
        'smeared',
        '--smear-factor',
        '1',
        '--smear-warp',
        '0.0',
        '--smear-scale',
        '0.1',
        '--json',
        'r.json',
        '--csv',
        'r.csv',
    )
    assert ended.returncode == 0, ended.stderr
    with (tmp_path / 'r.csv').open() as file:
        rows = list(csv.DictReader(file))
    errors = [float(row['prior_abs_rel']) for row in rows]
    assert [row['frame'] for row in rows] == ['hall', 'road']
    for seed, error in enumerate(errors):
        generator = torch.Generator().manual_seed(seed)
        torch.randn(1, 1, 3, 4, generator=generator)
        draw = float(torch.randn(1, 1, 1, 1, generator=generator))
        assert error == pytest.approx(abs(np.exp(0.1 * draw) - 1), rel=1e-4)
    assert errors[0] != errors[1]
    overall = json.loads((tmp_path / 'r.json').read_text())['overall']
    assert overall['prior']['abs_rel'] == pytest.approx(sum(errors) / 2, rel=1e-6)


def test_eval_leaves_out_truth_beyond_the_range(depth_refiner, tmp_path):
    frame_list(tmp_path)
    ended = depth_refiner(
        'eval',
        'frames.json',
        *PLAIN,
        'sensor',
        '--max-depth-m',
        '5',
        '--frames',
        '1',
        '--json',
        'r.json',
    )
    assert ended.returncode == 0, ended.stderr
    counts = json.loads((tmp_path / 'r.json').read_text())['overall']['counts']['prior']
    assert (counts['frames'], counts['pixels']) == (1, 48 * 32)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('frames.json', '--min-depth-m', '5', '--max-depth-m', '2'), 'must be below'),
        (('a.png',), 'has no depth'),
        (('frames.json', '--smear-kind', 'median'), '--prior sensor is not spoilt'),
    ],
)
def test_eval_refuses_what_it_cannot_measure(depth_refiner, tmp_path, arguments, message):
    frame_list(tmp_path)
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    ended = depth_refiner('eval', *arguments, *PLAIN, 'sensor')
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()[-1]


def test_scenes():
    scenes = {
        'indoor hall': 'indoor',
        'tabletop clutter': 'indoor',
        'outdoor street': 'outdoor',
        '': '',
    }
    assert {scene: scene_of(scene) for scene in scenes} == scenes
