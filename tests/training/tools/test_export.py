# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A run becomes a bundle that records how it was made, and not where."""

from dataclasses import asdict
import json

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.bundle import open_bundle
import pytest
from safetensors.torch import load_file, save_file
import torch
from training.export import compare, without_places
from training.loop import train
from training.objectives.registry import build_objective
from training.tools.export import main


@pytest.fixture
def finished(make_config, tmp_path):
    config = make_config('metric_prior')
    train(config, build_objective(config))
    return tmp_path / 'run'


def test_the_bundle_holds_the_average_and_its_record(finished, tmp_path):
    bundle = tmp_path / 'bundle'
    assert main([str(finished), str(bundle), 'best', 'name=tiny', 'note=by hand']) == 0
    opened = open_bundle(bundle, 'prior')
    told = opened.manifest['training']
    assert (opened.manifest['name'], told['name'], told['note']) == ('tiny', 'tiny', 'by hand')
    assert told['samples'] == told['steps'] * told['config']['batch']
    assert told['validation']['step'] <= told['steps']
    assert told['config']['output'] == 'run'
    assert told['config']['data']['train']['rooms']['path'] == 'train'
    assert str(tmp_path) not in json.dumps(opened.manifest)
    average = load_file(finished / 'best' / 'average.safetensors')
    for name, value in opened.tensors('network/model.safetensors').items():
        torch.testing.assert_close(value.float(), average[f'network.{name}'], rtol=1e-3, atol=1e-4)


def test_no_place_of_the_machine_is_in_a_record(make_config, tmp_path):
    """Folders of predictions, of teachers and of a prior's weights, and lists, were."""
    config = make_config('apdepth_depth', loss={'prior': f'unidepth_v1:{tmp_path}/unidepth'})
    source = config.data.train['rooms']
    source.prior, source.split = f'{tmp_path}/predictions', f'{tmp_path}/list.txt@2'
    config.loss.teacher = f'{tmp_path}/teacher'
    told = without_places(asdict(config))
    assert str(tmp_path) not in json.dumps(told)
    assert told['loss']['prior'] == 'unidepth_v1:unidepth'
    assert told['data']['train']['rooms']['split'] == 'list.txt@2'


def test_samples_are_those_of_all_processes(finished, tmp_path):
    environment = finished / 'environment.json'
    facts = json.loads(environment.read_text())
    assert facts['processes'] == 1
    environment.write_text(json.dumps({**facts, 'processes': 2}))
    assert main([str(finished), str(tmp_path / 'bundle')]) == 0
    told = open_bundle(tmp_path / 'bundle', 'prior').manifest['training']
    assert told['samples'] == 2 * told['steps'] * told['config']['batch']


def test_a_bundle_of_other_weights_is_refused(finished, tmp_path):
    assert main([str(finished), str(tmp_path / 'bundle')]) == 0
    other = {
        name: value + 0.1
        for name, value in load_file(finished / 'checkpoint' / 'average.safetensors').items()
    }
    with pytest.raises(WeightsError, match='differs by'):
        compare(other, tmp_path / 'bundle')


def test_what_cannot_be_exported_is_one_line(finished, tmp_path, capsys):
    assert main([str(finished), str(tmp_path / 'bundle'), 'bset']) == 2
    assert 'bset/average.safetensors is missing, so' in capsys.readouterr().err
    path = finished / 'checkpoint' / 'average.safetensors'
    save_file({'foreign': torch.zeros(1)}, path)
    assert main([str(finished), str(tmp_path / 'bundle')]) == 2
    assert 'average.safetensors differs from its hash' in capsys.readouterr().err


def test_a_log_that_a_power_cut_tore_can_be_exported(finished, tmp_path):
    log = finished / 'log.jsonl'
    log.write_bytes(log.read_bytes()[:-20] + b'\0\xff')
    assert main([str(finished), str(tmp_path / 'bundle')]) == 0
    assert open_bundle(tmp_path / 'bundle', 'prior').manifest['training']['steps'] == 4
