# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores: alignment, counts, groups; the figures are those of ``depth-refiner eval``."""

import csv
import json
import math
from pathlib import Path

from depth_refiner_ros.apps.evaluate import run as evaluate
from depth_refiner_ros.core.errors import InputError, OutputError
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest
import torch
from training.data.sample import Sample
from training.evaluation.comparison import compare, fit_columns_of, truth_of
from training.evaluation.config import RowConfig
from training.evaluation.infer import infer
from training.evaluation.predictions import Predictions
from training.evaluation.protocols import PROTOCOLS
from training.evaluation.score import score

from tests.cli.recordings import frame_list
from tests.full_disk import full_disk
from tests.training.evaluation.made_images import evaluation, MadeImages, TRUE
from tests.training.rooms_folder import scene

FRAMES = PROTOCOLS['frames']


def truth(depth_m_HW, protocol=FRAMES, **changes):
    rgb = np.zeros((*depth_m_HW.shape, 3), np.uint8)
    sample = Sample(rgb_HW3=rgb, depth_m_HW=np.float32(depth_m_HW), name='a', **changes)
    return truth_of(sample, protocol)


def lines_of(config, row='true'):
    path = Path(config.output) / 'scores' / config.protocol / f'{row}.csv'
    with path.open() as file:
        return list(csv.DictReader(file))


def test_true_depth_has_no_error(made, tmp_path):
    made(MadeImages(3))
    config = evaluation(tmp_path)
    infer(config)
    row = score(config)['true']
    assert row['abs_rel'] == row['rmse_m'] == row['dbe_acc_px'] == 0.0
    assert row['delta1'] == 1.0
    assert row['images']['compared'] == row['counts']['frames'] == 3
    assert json.loads((tmp_path / 'out/scores/frames/true.json').read_text()) == row
    assert [line['pixels'] for line in lines_of(config)] == ['3072'] * 3


def test_scores_are_those_of_depth_refiner_eval(tmp_path):
    listed = frame_list(tmp_path)
    rows = {name: RowConfig(map=name) for name in ('prior', 'refined')}
    model = {'prior': 'smeared', 'refiner': 'apdepth', 'threads': 1}
    config = evaluation(tmp_path, rows, source=str(listed), model=model)
    infer(config)
    ours = score(config)
    evaluate(
        [str(listed)],
        ModelSettings(**model),
        SmearSettings(),
        RecordingSettings(assume_fov_deg=60.0, pose_topic='none'),
        frames=0,
        every=1,
        range_m=(0.001, 0.0),
        json=tmp_path / 'eval.json',
        csv=None,
        panels=None,
        strict=False,
    )
    theirs = json.loads((tmp_path / 'eval.json').read_text())['overall']
    for name in rows:
        assert {key: ours[name][key] for key in theirs[name]} == theirs[name]
        assert {key: ours[name]['std'][key] for key in theirs[name]} == theirs['std'][name]
        assert ours[name]['counts'] == theirs['counts'][name]


def test_missing_broken_and_empty_predictions_are_named_and_counted(made, tmp_path, capsys):
    made(MadeImages(6))
    config = evaluation(tmp_path)
    infer(config)
    maps = Predictions(Path(config.output), 'true')
    maps.path(0).unlink()
    maps.path(1).write_bytes(maps.path(1).read_bytes()[:200])
    maps.write(2, np.full((48, 64), np.nan), 'float32')
    maps.write(3, np.ones((4, 4)), 'float32')
    half = np.load(maps.path(4))
    half[:24] = np.nan
    maps.write(4, half, 'float32')
    row = score(config)['true']
    assert row['images']['compared'] == 2
    assert row['images']['lost'] == {
        'missing prediction': 1,
        'unreadable prediction': 1,
        'empty prediction': 1,
        'wrong size': 1,
    }
    assert row['counts']['missing_px'] == 24 * 64
    said = capsys.readouterr().err
    for index in range(4):
        assert f'{index:06d}.npy' in said
    lost = [line['lost'] for line in lines_of(config)]
    assert lost[0] == 'missing prediction'
    assert lost[4:] == ['', '']
    for index in (2, 3):  # whole files, which only their owner can judge
        maps.path(index).unlink()
    infer(config)
    assert score(config)['true']['images'] == {
        'in_set': 6,
        'compared': 6,
        'without_truth': 0,
        'lost': {},
        'near_and_far_swapped': 0,
        'of_the_papers': 0,
        'kept_prior': 0,
    }


def test_images_without_truth_are_counted_apart(made, tmp_path, capsys):
    made(MadeImages(3, without_depth=[1]))
    rows = {'own': RowConfig(model={'prior': 'bundled'}, map='prior')}
    config = evaluation(tmp_path, rows, protocol='scannet')
    infer(config)
    row = score(config)['own']
    assert row['images'] == {
        'in_set': 3,
        'compared': 2,
        'without_truth': 1,
        'lost': {},
        'near_and_far_swapped': 0,
        'of_the_papers': 800,
        'kept_prior': 0,
    }
    assert 'own: 2 images compared, the papers have 800 of ScanNet' in capsys.readouterr().err


def test_groups_are_averaged_apart(made, tmp_path):
    made(MadeImages(3, names=['indoors/a', 'outdoor/b', 'indoors/c']))
    config = evaluation(tmp_path, model={**TRUE, 'prior': 'smeared'}, protocol='diode_marigold')
    infer(config)
    row = score(config)['true']
    errors = [float(line['abs_rel']) for line in lines_of(config)]
    assert row['groups']['indoor']['abs_rel'] == pytest.approx((errors[0] + errors[2]) / 2)
    assert row['groups']['outdoor']['abs_rel'] == pytest.approx(errors[1])
    assert row['abs_rel'] == pytest.approx(sum(errors) / 3)


def test_scoring_nothing_is_refused(made, tmp_path):
    made(MadeImages(1))
    with pytest.raises(InputError, match='run infer first'):
        score(evaluation(tmp_path))


@pytest.mark.parametrize('negative', [False, True])
def test_least_squares_of_depth_undo_scale_and_shift(negative):
    depth = np.float32(scene(0)[1])
    predicted = (depth - 0.5) / (-2.0 if negative else 2.0)
    found = compare(predicted, truth(depth), FRAMES, 'depth')
    assert found.depth.abs_rel == pytest.approx(0.0, abs=1e-5)
    assert found.scale == pytest.approx(-2.0 if negative else 2.0, rel=1e-4)
    assert found.shift == pytest.approx(0.5, rel=1e-3)
    assert compare(predicted, truth(depth), FRAMES).depth.abs_rel > 0.5


def test_least_squares_of_disparity_undo_scale_and_shift_of_disparity():
    depth = np.float32(scene(0)[1])
    predicted = 1.0 / (3.0 / depth + 0.2)
    found = compare(predicted, truth(depth), FRAMES, 'disparity')
    assert found.depth.abs_rel == pytest.approx(0.0, abs=1e-5)
    assert found.scale == pytest.approx(1 / 3, rel=1e-4)
    assert compare(predicted, truth(depth), FRAMES, 'depth').depth.abs_rel > 0.005


def test_only_compared_pixels_take_part_in_the_fit():
    depth = np.float32(scene(0)[1])
    depth[:10] = 60.0
    predicted = depth / 2.0
    predicted[:10] = 1.0
    protocol = PROTOCOLS['scannet']
    found = compare(predicted, truth(depth, protocol), protocol, 'depth')
    assert found.depth.abs_rel == pytest.approx(0.0, abs=1e-5)
    assert found.depth.pixels == 38 * 64


def test_aligned_depth_is_moved_into_the_range():
    depth = np.full((8, 8), 9.0, np.float32)
    depth[0] = 1.0
    predicted = np.where(depth == 9.0, 12.0, -3.0).astype(np.float32)
    protocol = PROTOCOLS['scannet']
    found = compare(predicted, truth(depth, protocol), protocol)
    assert found.depth.clipped == 64
    assert found.depth.rmse_m == pytest.approx(
        math.sqrt((56 * 1.0 + 8 * (1.0 - 1e-3) ** 2) / 64), rel=1e-6
    )


def test_a_flat_map_cannot_be_aligned():
    with pytest.raises(FrameError, match=r'cannot be aligned \(constant\)'):
        compare(np.ones((48, 64), np.float32), truth(scene(0)[1]), FRAMES, 'depth')


def test_annotated_edges_are_those_of_the_image():
    depth = np.full((40, 60), 2.0, np.float32)
    depth[:, 30:] = 4.0
    edges = np.zeros((40, 60), np.uint8)
    edges[:, 27] = 1
    protocol = PROTOCOLS['ibims']
    found = compare(depth, truth(depth, protocol, edges_HW=edges), protocol)
    assert found.edges.dbe_acc_px == pytest.approx(2.5, abs=0.6)
    assert compare(depth, truth(depth, protocol), protocol).edges is None


def test_sky_is_at_the_far_limit_where_boundaries_are_found():
    depth = np.full((40, 60), 100.0, np.float32)
    depth[:20] = np.inf
    protocol = PROTOCOLS['spring']
    seen = truth(depth, protocol)
    assert float(seen.edges_HW.max()) == 200.0
    found = compare(np.clip(depth, 0, 200), seen, protocol)
    assert found.edges.dbe_acc_px == 0.0
    assert found.edges.gt_edges >= 60
    assert found.depth.pixels == 20 * 60


def test_a_wide_map_is_fitted_by_some_of_its_columns():
    assert torch.equal(fit_columns_of((10, 20), 0), torch.arange(20))
    assert torch.equal(fit_columns_of((10, 20), 20), torch.arange(20))
    assert fit_columns_of((10, 20), 5).tolist() == [0, 4, 8, 12, 16]
    assert fit_columns_of((40, 20), 10).tolist() == [0, 4, 8, 12, 16]


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'PK\x03\x04junk',
        b'\x93NUMPY\x01\x00v\x00' + b"{'descr': '<f4', 'fortran_order': False, (".ljust(118),
        b'\x93NUMPY\x01\x00v\x00'
        + b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999, 99999999), }".ljust(118),
    ],
)
def test_no_content_of_a_file_ends_a_run(tmp_path, content):
    maps = Predictions(tmp_path, 'a')
    maps.folder.mkdir(parents=True)
    maps.path(0).write_bytes(content)
    assert not maps.has(0)
    with pytest.raises(FrameError, match=r'000000\.npy is broken .*; run infer again'):
        maps.read(0, (6, 8))


def test_a_full_disk_keeps_the_scores_before(made, tmp_path, capsys):
    made(MadeImages(2))
    config = evaluation(tmp_path)
    infer(config)
    before = score(config)['true']
    with full_disk(300), pytest.raises(OutputError, match='free some space'):
        score(config)
    assert json.loads((tmp_path / 'out/scores/frames/true.json').read_text()) == before
    assert len(lines_of(config)) == 2
