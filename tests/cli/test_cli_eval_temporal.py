# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``eval`` of recordings with poses: the temporal alignment error of prior and refined depth."""

import json

import cv2
from depth_refiner_ros.mapping.recording import SequenceWriter
import numpy as np
import pytest
import torch

from tests.cli.recordings import CAMERA, frame_list, PLAIN, STEP_NS, wall, WALL_M
from tests.cli.test_cli_bags import wall as wall_messages
from tests.sources.ros import bags

SCALES_ALONE = (
    *('--smear-factor', '1', '--smear-warp', '0.0'),
    *('--smear-scale', '0.1', '--json', 'r.json'),
)


def scale_of(seed: int) -> float:
    """Return the factor that prior ``smeared`` draws for the image of this number."""
    generator = torch.Generator().manual_seed(seed)
    torch.randn(1, 1, 3, 4, generator=generator)
    return float(np.exp(0.1 * float(torch.randn(1, 1, 1, 1, generator=generator))))


def percent(*pairs: tuple[int, int]) -> float:
    """Return equation 7 of Video Depth Anything for a wall before a camera at rest."""
    errors = []
    for first, second in pairs:
        near, far = sorted((scale_of(first), scale_of(second)))
        errors += [(far - near) / far, (far - near) / near]
    return 100 * float(np.mean(errors))


@pytest.fixture
def evaluated(depth_refiner, tmp_path):
    """Return a function that evaluates sources of one plane and returns JSON and output."""

    def run(*arguments):
        ended = depth_refiner('eval', *arguments, *PLAIN, 'smeared', *SCALES_ALONE)
        assert ended.returncode == 0, ended.stderr
        return json.loads((tmp_path / 'r.json').read_text()), ended.stdout

    return run


def test_frames_that_jump_in_scale_have_the_error_of_their_jumps(evaluated, tmp_path):
    wall(tmp_path / 'wall', 3)
    result, printed = evaluated('wall')
    expected = percent((0, 1), (1, 2))
    for scores in (result['overall'], result['per_source']['wall']):
        found = scores['temporal_error_percent']
        assert found == {'prior': pytest.approx(expected, rel=1e-4), 'refined': found['prior']}
    assert printed.count(f'{"TAE, %":22}{expected:10.2f}{expected:10.2f}\n') == 2


def test_nothing_is_compared_across_lost_frames_poses_and_recordings(evaluated, tmp_path):
    for name in 'ab':
        wall(tmp_path / name, 5)
    for path, lost in ((tmp_path / 'a/depth.txt', 2), (tmp_path / 'b/groundtruth.txt', 1)):
        lines = path.read_text().splitlines(keepends=True)
        del lines[1 + lost]
        path.write_text(''.join(lines))
    result, _ = evaluated('a', 'b')
    pairs = {'a': [(0, 1), (3, 4)], 'b': [(7, 8), (8, 9)]}
    for name, of_source in pairs.items():
        found = result['per_source'][name]['temporal_error_percent']['prior']
        assert found == pytest.approx(percent(*of_source), rel=1e-4)
    overall = result['overall']['temporal_error_percent']['prior']
    assert overall == pytest.approx(percent(*pairs['a'], *pairs['b']), rel=1e-4)


def test_sources_without_poses_and_photographs_have_no_such_column(evaluated, tmp_path):
    wall(tmp_path / 'unplaced', 3, poses=False)
    wall(tmp_path / 'placed', 3)
    frame_list(tmp_path)
    for source in ('unplaced', 'frames.json', 'rooms:1:2'):
        result, printed = evaluated(source)
        assert result['overall']['frames'] >= 2
        assert 'temporal_error_percent' not in result['overall']
        assert 'TAE' not in printed
    result, _ = evaluated('placed', 'unplaced')
    assert 'temporal_error_percent' in result['overall']
    assert 'temporal_error_percent' in result['per_source']['placed']
    assert 'temporal_error_percent' not in result['per_source']['unplaced']


def test_poses_of_a_bag_are_read_where_their_topic_is_named(evaluated, tmp_path):
    bags.write_bag(tmp_path / 'bag', wall_messages())
    result, _ = evaluated('bag')
    assert 'temporal_error_percent' not in result['overall']
    result, _ = evaluated('bag', '--pose-topic', '/pose')
    found = result['overall']['temporal_error_percent']['prior']
    assert found == pytest.approx(percent((0, 1), (1, 2)), rel=1e-3)


@pytest.mark.slow
def test_eval_and_fuse_find_the_same_errors_of_prior_and_refined(depth_refiner, tmp_path):
    draw = np.random.default_rng(0)
    with SequenceWriter(tmp_path / 'room', CAMERA) as writer:
        for index in range(3):
            rgb_HW3 = cv2.resize(draw.integers(0, 255, (6, 8, 3), dtype=np.uint8), (64, 48))
            depth_m_HW = np.full((48, 64), WALL_M, np.float32)
            writer.add(STEP_NS * (index + 1), rgb_HW3, depth_m_HW, np.eye(4))
    options = ('--backend', 'torch', '--precision', 'fp32')
    evaluated = depth_refiner('eval', 'room', *options, '--json', 'eval.json')
    fused = depth_refiner('fuse', 'room', *options, '--out', 'out')
    assert (evaluated.returncode, fused.returncode) == (0, 0), evaluated.stderr + fused.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    found = json.loads((tmp_path / 'eval.json').read_text())['overall']['temporal_error_percent']
    assert found == {name: summary['temporal_error_percent'][name] for name in found}
    assert found['prior'] != found['refined']
