# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The scripts that describe training views: their distribution and their pictures."""

import json
import math
import runpy
import sys

import cv2
from depth_refiner_ros.core.camera import Intrinsics
import numpy as np
import pytest

from tests.test_packaging import ROOT
from tests.test_scripts import script


def test_what_counts_of_a_view_is_computed_from_known_depth():
    depth_m = np.concatenate([np.linspace(1, 101, 101), [0, np.nan, np.inf]])[None]
    camera = Intrinsics.from_fov(104, 1, 90.0)
    found = script('view_statistics').seen('row', 'group', depth_m, camera, 1.5)
    np.testing.assert_allclose(found.depth_m_4, [6, 51, 96, 100])
    assert found.fov_deg == pytest.approx(90.0)
    assert math.isnan(script('view_statistics').seen('', '', depth_m, None, 1).fov_deg)


def test_a_group_of_many_frames_counts_once():
    statistics = script('view_statistics')
    views = [
        statistics.Seen('row', group, np.full(4, depth_m), math.nan, 60.0)
        for group, depth_m in (('a', 1.0), ('a', 1.0), ('a', 1.0), ('b', 3.0))
    ]
    words = statistics.line('row', views).split()
    assert words[:6] == ['row', '4', '2.00', '2.00', '2.00', '2.00']
    assert words[6:] == ['-', '-', '-', '60', '60', '60']


def test_rooms_places_and_real_frames_are_printed_side_by_side(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / 'rgb.png'), np.zeros((24, 32, 3), np.uint8))
    cv2.imwrite(str(tmp_path / 'depth.png'), np.full((24, 32), 2500, np.uint16))
    entry = {'rgb': 'rgb.png', 'depth': 'depth.png', 'scene': 'indoor hall'}
    (tmp_path / 'real.json').write_text(json.dumps([entry]))
    script('view_statistics').main([str(tmp_path / 'real.json')], views=4, first_seed=40)
    rows = {line[:24].strip(): line[24:].split() for line in capsys.readouterr().out.splitlines()}
    assert rows['real.json indoor'][:3] == ['1', '2.50', '2.50']
    assert rows['rooms'][0] == '4'
    assert {name for name in rows if name.startswith('places: from')}


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('view_statistics', ('--views', '2')),
        ('compare_maps', ()),
        ('degradations', ('--refiner', 'none', '--json', 'result.json')),
    ],
)
def test_a_source_that_is_not_there_is_one_line_and_exit_code_2(
    name, options, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', [name, 'missing.png', *options])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / 'scripts' / f'{name}.py'), run_name='__main__')
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("'missing.png' does not exist; a source is")


@pytest.mark.parametrize('name', ['compare_maps', 'map_growth'])
def test_a_result_that_cannot_be_written_ends_a_script_before_its_work(
    name, tmp_path, monkeypatch, capsys
):
    (tmp_path / 'file').touch()
    source = ['sim:1:1'] if name == 'compare_maps' else []
    monkeypatch.setattr(sys, 'argv', [name, *source, '--json', str(tmp_path / 'file' / 'x.json')])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / 'scripts' / f'{name}.py'), run_name='__main__')
    assert ended.value.code == 2
    assert 'is no folder' in capsys.readouterr().err


def test_a_sheet_has_a_row_for_each_kind(tmp_path, monkeypatch):
    sheet = script('places_sheet')
    monkeypatch.setattr(sheet, 'SIZE', (32, 24))
    monkeypatch.setattr(sheet, 'KINDS', ('bathroom', 'corridor'))
    sheet.main(tmp_path / 'sheet.jpg', columns=2, first_seed=3)
    image = cv2.imread(str(tmp_path / 'sheet.jpg'))
    assert image.shape == (3 * 24, 2 * 32, 3)
    assert image.std() > 10
