# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning on a recording: from a bundle to a bundle, compared on the frames held back."""

import json

import cv2
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.models.bundle import open_bundle
import numpy as np
import pytest
from training import run
from training.before_after import markdown
from training.config import SourceConfig
from training.config_file import save_config
from training.models.teacher import TeacherModel

from tests.training.tiny_runs import built

FRAMES = 6


@pytest.fixture
def start(make_config, tmp_path):
    """A bundle of SharpDepth with random weights."""
    model = {'spec': {'layout': True}, 'teacher': TeacherModel(start='small')}
    objective = built(make_config('sharpdepth', model=model, loss={'sds': 0.0}))
    objective.begin(None, '')
    objective.export(tmp_path / 'start', {})
    return tmp_path / 'start'


def write_recording(folder, *, depth):
    """Write a TUM folder of small noisy frames."""
    rng = np.random.default_rng(0)
    stamps = [f'{1.0 + number / 10:.6f}' for number in range(FRAMES)]
    for name in ('rgb', 'depth') if depth else ('rgb',):
        (folder / name).mkdir(parents=True)
        for stamp in stamps:
            picture = (
                rng.integers(0, 255, (48, 64, 3), np.uint8)
                if name == 'rgb'
                else rng.integers(5000, 20000, (48, 64)).astype(np.uint16)
            )
            cv2.imwrite(str(folder / name / f'{stamp}.png'), picture)
        lines = [f'{stamp} {name}/{stamp}.png' for stamp in stamps]
        (folder / f'{name}.txt').write_text('\n'.join(lines) + '\n')
    return folder


def finetune(make_config, tmp_path, start, recording, fov_deg=60.0):
    config = make_config(
        'sharpdepth',
        model={'start': 'weights', 'weights': str(start)},
        loss={'sds': 0.0},
        bundle=str(tmp_path / 'tuned'),
        steps=2,
    )
    config.data.source, config.data.held_back = str(recording), 0.34
    config.data.priors, config.data.assume_fov_deg = {'computed': 1.0}, fov_deg
    save_config(config, tmp_path / 'config.yaml')
    return run.main([str(tmp_path / 'config.yaml')])


def test_from_bundle_to_bundle_with_a_report(make_config, tmp_path, start, capsys, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    recording = write_recording(tmp_path / 'drive', depth=True)
    assert finetune(make_config, tmp_path, start, recording) == 0
    assert read_refiner(open_bundle(tmp_path / 'tuned', 'refiner')).spec.method == 'sharpdepth'
    result = json.loads((tmp_path / 'run/before_after.json').read_text())
    assert (result['source'], result['frames'], result['lost']) == ('drive', 2, 0)
    before, after, prior = (result['rows'][role] for role in ('before', 'after', 'prior'))
    assert prior['prior_abs_rel'] == 0.0
    assert 0.0 < before['prior_abs_rel'] != after['prior_abs_rel']
    assert all(row['abs_rel'] > 0.0 for row in (before, after, prior))
    told = capsys.readouterr().out
    assert markdown(result) in told
    assert markdown(result) == (tmp_path / 'run/before_after.md').read_text()
    picture = cv2.imread(str(tmp_path / 'run/before_after.png'))
    assert picture.shape[1] == 5 * 320  # image, prior, before, after, true
    # The finished run says so, and keeps what it wrote.
    stamp = (tmp_path / 'tuned/bundle.json').stat().st_mtime_ns
    assert run.main([str(tmp_path / 'config.yaml')]) == 0
    assert 'tuned is there already' in capsys.readouterr().err
    assert (tmp_path / 'tuned/bundle.json').stat().st_mtime_ns == stamp


def test_images_without_a_camera_want_a_field_of_view(
    make_config, tmp_path, start, capsys, monkeypatch
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    recording = write_recording(tmp_path / 'drive', depth=False) / 'rgb'
    assert finetune(make_config, tmp_path, start, recording, fov_deg=0.0) == 2
    assert 'give the horizontal field of view, such as data.assume_fov_deg=69' in (
        capsys.readouterr().err
    )


def test_without_true_depth_the_columns_that_need_it_are_left_out(
    make_config, tmp_path, start, monkeypatch
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    recording = write_recording(tmp_path / 'drive', depth=False) / 'rgb'
    assert finetune(make_config, tmp_path, start, recording) == 0
    table = (tmp_path / 'run/before_after.md').read_text()
    assert 'AbsRel' not in table
    assert 'outlines to image edges, px' in table


def test_images_of_several_sizes_are_drawn_one_below_the_other(make_config, tmp_path, start):
    photos = tmp_path / 'photos'
    photos.mkdir()
    rng = np.random.default_rng(0)
    for number in range(FRAMES):
        size = (48, 64) if number % 2 else (60, 80)
        cv2.imwrite(str(photos / f'{number}.png'), rng.integers(0, 255, (*size, 3), np.uint8))
    code = finetune(make_config, tmp_path, start, photos)
    assert code == 0
    [picture] = (tmp_path / 'run').glob('before_after.png')
    assert cv2.imread(str(picture)).shape[1] == 4 * 320


def test_validation_images_that_cannot_be_used_are_named_once_and_counted(
    make_config, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    recording = write_recording(tmp_path / 'drive', depth=True)
    first = sorted((recording / 'depth').iterdir())[0]
    cv2.imwrite(str(first), np.zeros((48, 64), np.uint16))
    config = make_config('apdepth_depth', steps=4, validation_samples=FRAMES)
    config.data.validation = {'drive': SourceConfig(path=str(recording))}
    save_config(config, tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml')]) == 0
    rows = [json.loads(line) for line in (tmp_path / 'run/log.jsonl').read_text().splitlines()]
    counts = [row[key] for row in rows if (key := 'validation/lost_images') in row]
    assert len(counts) == 2
    assert counts[0] == counts[1] >= 1, 'the same ones at each validation'
    told = capsys.readouterr().err
    assert told.count('validation: frame lost (no depth): no depth is known') == counts[0]
