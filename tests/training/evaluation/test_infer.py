# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Predictions: one file per image, resumable, never lost to a full disk or a row that fails."""

from dataclasses import replace
import json
from pathlib import Path
import shutil

import cv2
from depth_refiner_ros.core.errors import OutputError, SettingsError
from depth_refiner_ros.models.bundle import bundle_folder
import numpy as np
import pytest
import training
from training.config import SourceConfig
from training.evaluation.config import load_evaluation, RowConfig
from training.evaluation.infer import infer, not_loaded
from training.evaluation.predictions import Predictions
from training.evaluation.protocols import PROTOCOLS
from training.evaluation.published import published_tables
from training.evaluation.score import score

from tests.full_disk import full_disk
from tests.training.evaluation.made_images import evaluation, MadeImages, TRUE
from tests.training.rooms_folder import scene


def files_of(config, row='true'):
    return sorted((config_output(config) / 'predictions' / row).glob('*.npy'))


def config_output(config):
    return Path(config.output)


def test_every_image_gets_a_file_with_its_depth(made, tmp_path):
    made(MadeImages(3))
    config = evaluation(tmp_path)
    done = infer(config)
    assert done.rows['true'] == {'images': 3, 'new': 3, 'lost': {}, 'lines': []}
    assert [file.name for file in files_of(config)] == [f'00000{index}.npy' for index in range(3)]
    for index, file in enumerate(files_of(config)):
        stored = np.load(file)
        assert stored.dtype == np.float32
        np.testing.assert_array_equal(stored, scene(index)[1].astype(np.float32))


def test_half_precision_halves_the_files(made, tmp_path):
    made(MadeImages(1))
    config = evaluation(tmp_path, dtype='float16')
    infer(config)
    assert np.load(files_of(config)[0]).dtype == np.float16


def test_a_stopped_inference_goes_on_where_it_was(made, tmp_path):
    made(MadeImages(4))
    config = evaluation(tmp_path)
    infer(config)
    before = {file: file.stat().st_mtime_ns for file in files_of(config)}
    removed, cut, *kept = files_of(config)
    removed.unlink()
    cut.write_bytes(cut.read_bytes()[:-100])
    done = infer(config)
    assert done.rows['true']['new'] == 2
    assert all(file.stat().st_mtime_ns == before[file] for file in kept)
    assert np.load(cut).shape == np.load(removed).shape == (48, 64)


def test_a_full_disk_loses_nothing_that_was_written(made, tmp_path):
    made(MadeImages(3))
    config = evaluation(tmp_path)
    with full_disk(8000), pytest.raises(OutputError, match='free some space'):
        infer(config)
    assert not files_of(config)
    assert not list(config_output(config).rglob('*.part*'))
    assert infer(config).rows['true']['new'] == 3


def test_images_that_cannot_be_used_are_named_and_the_rest_goes_on(made, tmp_path, capsys):
    made(MadeImages(4, without_depth=[1], unreadable=[2]))
    config = evaluation(tmp_path)
    done = infer(config)
    assert done.rows['true']['images'] == 2
    assert done.rows['true']['lost'] == {'no depth': 1, 'unreadable image': 1}
    assert 'image 2 is cut short' in capsys.readouterr().err
    report = json.loads((config_output(config) / 'infer.json').read_text())
    assert report['rows']['true']['lost'] == {'no depth': 1, 'unreadable image': 1}


def test_a_row_that_cannot_be_loaded_is_named_and_the_others_go_on(made, tmp_path):
    made(MadeImages(2))
    config = evaluation(
        tmp_path,
        {
            'lotus': RowConfig(model={'refiner': 'aligned', 'refiner_weights': '/no/such'}),
            'true': RowConfig(map='prior'),
        },
    )
    done = infer(config)
    assert list(done.rows) == ['true']
    assert '/no/such' in done.not_loaded['lotus']
    assert '\n' not in done.not_loaded['lotus']
    assert not_loaded(config_output(config)) == done.not_loaded


def test_rows_of_one_model_share_its_run(made, tmp_path, monkeypatch):
    images = made(MadeImages(2))
    read = []
    plain = type(images).__getitem__
    monkeypatch.setattr(
        MadeImages, '__getitem__', lambda self, index: read.append(index) or plain(self, index)
    )
    rows = {name: RowConfig(map=name) for name in ('prior', 'refined', 'difference')}
    done = infer(evaluation(tmp_path, rows))
    assert read == [0, 1]
    assert {name: row['new'] for name, row in done.rows.items()} == dict.fromkeys(rows, 2)


def test_predictions_of_another_model_are_not_mixed(made, tmp_path):
    made(MadeImages(1))
    infer(evaluation(tmp_path))
    with pytest.raises(SettingsError, match=r"'seed': 5.*name another output"):
        infer(evaluation(tmp_path, model={**TRUE, 'seed': 5}))
    assert infer(evaluation(tmp_path, model={**TRUE, 'threads': 2})).rows['true']['new'] == 0


def test_predictions_of_weights_exported_again_are_not_mixed(made, tmp_path):
    made(MadeImages(1))
    weights = tmp_path / 'prior'
    shutil.copytree(bundle_folder('bundled', 'prior'), weights)
    row = RowConfig(
        map='prior', model={'prior': 'bundled', 'prior_weights': str(weights), 'refiner': 'none'}
    )
    config = evaluation(tmp_path, {'own': row})
    infer(config)
    manifest = weights / 'bundle.json'
    manifest.write_text(manifest.read_text() + ' ')
    with pytest.raises(SettingsError, match=r'weights.*name another output'):
        infer(config)
    with pytest.raises(SettingsError, match=r"'assume_fov_deg': 60"):
        infer(replace(config, assume_fov_deg=90.0))


def test_predictions_of_a_set_of_the_same_name_are_not_mixed(made, tmp_path):
    made(MadeImages(1))
    config = evaluation(tmp_path)
    infer(config)
    other = tmp_path / 'elsewhere' / tmp_path.name
    other.mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"'set': .*, not .*/elsewhere/.*name another output"):
        infer(replace(config, data=replace(config.data, path=str(other))))


def test_smeared_depth_is_the_same_whichever_image_is_first(made, tmp_path):
    made(MadeImages(2))
    config = evaluation(tmp_path, model={**TRUE, 'prior': 'smeared'})
    infer(config)
    second = files_of(config)[1]
    kept = np.load(second)
    second.unlink()
    infer(config)
    np.testing.assert_array_equal(np.load(second), kept)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'protocol': 'nyuv2'}, 'did you mean nyu'),
        ({'dtype': 'float64'}, 'float32'),
        ({'output': ''}, 'output is not set'),
        ({'limit': -1}, 'must not be negative'),
        ({'model': {'prio': 'sensor'}}, 'did you mean prior'),
        ({'rows': {'../up': RowConfig()}}, 'must be NAME or SET/NAME'),
        ({'rows': {'a': RowConfig(map='depth')}}, 'refined, prior, difference'),
        ({'rows': {'a': RowConfig(align='scale')}}, 'none, depth, disparity'),
        ({'smear': {'factor': 0}}, 'smear: factor = 0'),
    ],
)
def test_unfit_keys_are_named(tmp_path, changes, message):
    with pytest.raises(SettingsError, match=message):
        evaluation(tmp_path, **changes)


CONFIGS = sorted((Path(training.__file__).parent / 'evaluation/configs').glob('*.yaml'))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_shipped_configurations_fit_every_data_set(path):
    for protocol in PROTOCOLS:
        config = load_evaluation(path, ['output=out', 'source=a.json', f'protocol={protocol}'])
        assert config.rows
    of_papers = {row.ours for table in published_tables().values() for row in table.rows}
    own = {'bundled/prior', 'bundled/aligned', 'bundled/refined', 'bundled/difference'}
    assert set(config.rows) <= of_papers | own | {'apdepth/aligned', 'e2e_ft'}


def test_keys_of_the_command_line_come_last(tmp_path):
    file = tmp_path / 'a.yaml'
    file.write_text('output: out\nprotocol: nyu\nsource: a\nrows: {a/refined: {align: depth}}\n')
    config = load_evaluation(file, ['rows.a/refined.align=disparity', 'model.seed=7'])
    assert config.rows['a/refined'].align == 'disparity'
    assert config.settings('a/refined').seed == 7
    with pytest.raises(SettingsError, match=r"a\.yaml: .*'alignment' not in 'RowConfig'"):
        load_evaluation(file, ['rows.a/refined.alignment=depth'])


def test_refined_depth_that_is_the_prior_is_noted(made, tmp_path, capsys):
    class Sparse(MadeImages):
        """Three known pixels in image 1: too few to fit anything to."""

        def __getitem__(self, index):
            sample = super().__getitem__(index)
            few = np.full_like(sample.depth_m_HW, np.nan)
            few[0, :3] = sample.depth_m_HW[0, :3]
            return replace(sample, depth_m_HW=few) if index == 1 else sample

    made(Sparse(2))
    model = {'prior': 'sensor', 'refiner': 'apdepth', 'threads': 1}
    config = evaluation(tmp_path, {'a/refined': RowConfig()}, model=model)
    infer(config)
    assert Predictions(Path(config.output), 'a/refined').unfitted() == [1]
    assert 'image 1 could not be fitted' in capsys.readouterr().err
    assert score(config)['a/refined']['images']['kept_prior'] == 1


def test_maps_of_another_list_of_images_are_refused(tmp_path):
    """Image 0 kept the map of the image that the list named first before, also in scores."""
    for number in range(3):
        rgb = np.full((32, 48, 3), 80 * number, np.uint8)
        cv2.imwrite(str(tmp_path / f'{number}.png'), rgb)
    file = tmp_path / 'list.txt'
    file.write_text('0.png\n1.png\n')
    rows = {'prior': RowConfig(map='prior')}
    config = evaluation(tmp_path, rows, model={'refiner': 'none', 'threads': 1})
    config.data = SourceConfig(path=str(tmp_path), reader='images', split=str(file))
    assert infer(config).rows['prior']['new'] == 2
    assert infer(config).rows['prior']['new'] == 0
    file.write_text('2.png\n1.png\n')
    for step in (infer, score):
        with pytest.raises(SettingsError, match=r'was made with list = .*name another output'):
            step(config)
    config.data.split = ''
    with pytest.raises(SettingsError, match='was made with'):
        infer(config)
