# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``doctor``: what is missing and how to fix it, and the priors that bring their own code."""

import json

from depth_refiner_ros.apps import doctor as doctor_run
from depth_refiner_ros.priors import packages
import pytest
import torch


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty torch.hub, and the folder where Metric3D belongs."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    return packages.metric3d_folder()


def findings():
    return {finding.what: finding for finding in doctor_run.other_priors()}


@pytest.mark.skipif(packages.unidepth_commit() is not None, reason='UniDepth is installed')
def test_missing_code_is_a_note_with_the_pinned_command(checkout):
    found = findings()
    for name, prior in (('UniDepth', 'unidepth_v1 or unidepth_v2'), ('Metric3D', 'metric3d_v2')):
        assert found[name].state == 'note', 'no prior of these is needed'
        assert f'not installed; for --prior {prior}' in found[name].found
    assert f'UniDepth@{packages.UNIDEPTH_COMMIT}' in found['UniDepth'].fix
    assert f'checkout {packages.METRIC3D_COMMIT}' in found['Metric3D'].fix
    assert str(checkout) in found['Metric3D'].fix
    assert 'NON-COMMERCIAL' in found['UniDepth'].found


def test_a_checkout_at_another_commit_is_told(checkout):
    (checkout / '.git').mkdir(parents=True)
    (checkout / '.git' / 'HEAD').write_text('0123456789abcdef\n')
    assert 'at 0123456, wanted eb5b6fa' in findings()['Metric3D'].found


def test_half_a_checkout_is_tried_and_not_believed(checkout):
    (checkout / '.git').mkdir(parents=True)
    (checkout / '.git' / 'HEAD').write_text(f'{packages.METRIC3D_COMMIT}\n')
    found = findings()['Metric3D']
    assert found.state == 'note'
    assert 'Metric3D cannot be imported' in found.found
    assert 'hubconf.py' in found.found
    assert 'for --prior metric3d_v2' in found.found
    assert 'pip install' not in found.found, 'that belongs into the column with the fix'
    (checkout / 'hubconf.py').write_text('import nothing_of_this_name\n')
    assert "No module named 'nothing_of_this_name'" in findings()['Metric3D'].found


def test_the_table_holds_them(depth_refiner, tmp_path, monkeypatch):
    monkeypatch.setattr(doctor_run, 'NEEDED', {'yaml': 'PyYAML'})
    depth_refiner('doctor', '--json', 'd.json')
    listed = json.loads((tmp_path / 'd.json').read_text())['findings']
    assert {'transformers', 'UniDepth', 'Metric3D'} <= {item['what'] for item in listed}


def test_the_table_shows_commands_whole(depth_refiner, monkeypatch):
    found = doctor_run.Finding('ROS 2', 'missing', 'not [here]', "pip install '.[ros]'")
    monkeypatch.setattr(doctor_run, 'LOOKS', (lambda: [found],))
    shown = depth_refiner('doctor').stdout
    assert "pip install '.[ros]'" in shown, 'to rich, brackets are styles'
    assert 'not [here]' in shown


@pytest.mark.parametrize('columns', ['20', '80'])
def test_a_long_command_is_one_line_that_can_be_copied(depth_refiner, monkeypatch, columns):
    monkeypatch.setenv('COLUMNS', columns)
    command = packages.PACKAGES[0].command()
    assert len(command) > 100
    found = doctor_run.Finding('UniDepth', 'note', 'not installed; ' * 20, command)
    monkeypatch.setattr(doctor_run, 'LOOKS', (lambda: [found],))
    shown = depth_refiner('doctor').stdout
    assert command in [line.strip() for line in shown.splitlines()]


def test_doctor_says_what_to_type(depth_refiner, monkeypatch, tmp_path):
    monkeypatch.setattr(doctor_run, 'PACKAGE_OF', {'libnothere.so.9': 'libnothere9'})
    monkeypatch.setattr(doctor_run, 'NEEDED', {'yaml': 'PyYAML', 'not_there': 'not-there'})
    monkeypatch.setenv('FASTDDS_DEFAULT_PROFILES_FILE', 'mine.xml')
    ended = depth_refiner('doctor', '--json', 'd.json')
    assert ended.returncode == 1
    findings = {
        item['what']: item for item in json.loads((tmp_path / 'd.json').read_text())['findings']
    }
    assert findings['system libraries']['fix'] == 'sudo apt-get install -y libnothere9'
    assert findings['not-there']['fix'] == 'pip install not-there'
    assert findings['PyYAML']['state'] == 'ok'
    assert findings['DDS profile']['found'] == 'mine.xml'
    assert 'cores' in findings['processor']['found']


def test_a_check_that_fails_is_a_finding(depth_refiner, monkeypatch, tmp_path):
    def graphics_card():
        raise RuntimeError('no driver\nmore about it')

    monkeypatch.setattr(doctor_run, 'LOOKS', (graphics_card,))
    assert depth_refiner('doctor', '--json', 'd.json').returncode == 1
    (finding,) = json.loads((tmp_path / 'd.json').read_text())['findings']
    assert finding['what'] == 'graphics card'
    assert finding['found'] == 'cannot be checked: no driver'
