# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The papers' data sets, in small trees of their official layouts, through infer and score."""

import csv
from pathlib import Path

import pytest
from training.evaluation.config import RowConfig
from training.evaluation.infer import infer
from training.evaluation.score import score

from tests.training.data.trees import TREES
from tests.training.evaluation.made_images import evaluation


@pytest.mark.parametrize(
    ('protocol', 'tree', 'compared', 'without_truth', 'pixels'),
    [
        ('kitti', 'kitti', 0, 2, 0),  # its known pixels lie outside Eigen's part
        ('nyu', 'nyuv2', 0, 2, 0),
        ('eth3d', 'eth3d', 2, 0, 16 * 12 - 1),
        ('scannet', 'scannet', 3, 0, 8),  # two pixels, 2 x 2 each at the size of the image
        ('diode', 'diode', 0, 5, 0),  # a ramp of 0.5 m per pixel
        ('diode_marigold', 'diode', 5, 0, 16 * 12 - 1),
        ('booster', 'booster', 4, 0, 16 * 12 - 1),  # all but a disparity of 0
        ('nuscenes', 'nuscenes', 2, 0, 2),
        ('ibims', 'ibims', 2, 0, 96),  # 1 m to 49.5 m in steps of 0.5 m, two of them masked
        ('sintel', 'sintel', 2, 0, 16 * 12),
        ('unrealstereo4k', 'unrealstereo4k', 2, 0, 189),  # 0, 2 and 4 px are 240 m and more
    ],
)
def test_true_depth_of_each_set_has_no_error(
    tmp_path, protocol, tree, compared, without_truth, pixels
):
    folder = TREES[tree](tmp_path / 'set')
    config = evaluation(
        tmp_path, {'true': RowConfig(map='prior'), 'also': RowConfig()}, protocol='frames'
    )
    config.protocol, config.data.path, config.data.reader = protocol, str(folder), tree
    infer(config)
    row = score(config)['true']
    assert row['images']['compared'] == compared
    assert row['images']['without_truth'] == without_truth
    assert row['images']['lost'] == {}
    if compared:
        assert row['abs_rel'] == 0.0
        assert row['delta1'] == 1.0
        with (Path(config.output) / f'scores/{protocol}/true.csv').open() as file:
            assert int(next(csv.DictReader(file))['pixels']) == pixels
    if protocol == 'diode_marigold':
        assert row['groups']['indoor']['counts']['frames'] == 2
        assert row['groups']['outdoor']['counts']['frames'] == 3
    if protocol == 'ibims':
        assert row['counts']['edge_frames'] == 2
    if protocol == 'unrealstereo4k':
        assert sum(row['counts']['edge_skipped'].values()) + row['counts']['edge_frames'] == 2
