# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The script that refines known depth with many kinds of errors says what ``eval`` says."""

import json

from depth_refiner_ros.apps.evaluate import run
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.settings.recordings import RecordingSettings

from tests.cli.recordings import frame_list
from tests.test_scripts import script


def test_every_kind_has_the_figures_of_eval(tmp_path):
    source = str(frame_list(tmp_path))
    script('degradations').main(source, tmp_path / 'all.json', refiner='none')
    found = json.loads((tmp_path / 'all.json').read_text())
    assert list(found) == ['none', *script('degradations').KINDS]
    assert found['none']['prior']['abs_rel'] == 0.0
    assert min(found[kind]['prior']['abs_rel'] for kind in found if kind != 'none') > 0.003
    run(
        [source],
        ModelSettings(prior='smeared', refiner='none'),
        SmearSettings(kind='overshoot'),
        RecordingSettings(assume_fov_deg=60.0, pose_topic='none'),
        frames=0,
        every=1,
        range_m=(0.001, 0.0),
        json=tmp_path / 'one.json',
        csv=None,
        panels=None,
        strict=True,
    )
    alone = json.loads((tmp_path / 'one.json').read_text())['overall']
    for name in ('prior', 'refined', 'frames', 'std'):
        assert found['overshoot'][name] == alone[name]
