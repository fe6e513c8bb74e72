# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of results: unique, and valid on every file system."""

from depth_refiner_ros.apps.output_names import folder_names, frame_name, safe_name


def test_folders_of_sources_do_not_collide():
    assert folder_names(['a/x.mp4', 'b/x', 'sim:3:5', 'x']) == ['x', 'x-2', 'sim_3_5', 'x-3']
    assert folder_names(['x-2.mp4', 'x.mp4', 'x.avi']) == ['x-2', 'x', 'x-3']
    assert folder_names(['summary.json.mp4', 'größe.mp4']) == ['summary.json-2', 'größe']


def test_results_of_the_folder_above_stay_inside_the_output(tmp_path, monkeypatch):
    (tmp_path / 'photos' / 'inner').mkdir(parents=True)
    monkeypatch.chdir(tmp_path / 'photos' / 'inner')
    assert folder_names(['..', '.']) == ['photos', 'inner']


def test_names_of_frames_keep_what_tells_them_apart():
    assert frame_name(3, '1403636579.763555584') == '000003_1403636579.763555584'
    assert frame_name(4, 'simulated_3/00004') == '000004_00004'
    assert frame_name(5, '') == '000005'
    assert frame_name(6, 'a\0b:c\ud800') == '000006_a_b_c_'
    assert safe_name(300 * 'a') == 80 * 'a'
    assert safe_name(300 * '深') == 66 * '深'
    assert len(frame_name(7, 'x' * 5000)) < 100
    assert safe_name('../..') == '..'
    assert frame_name(8, '../..') == '000008_..'
