# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Numbers of a run: comparison, summary, folder."""

from html import unescape
import json
import re

import cv2
from depth_refiner_ros.apps.results import quantiles, Run, write_results
from depth_refiner_ros.apps.scoring import Comparison, FIGURES, frame_errors
from depth_refiner_ros.core.run_folder import run_folder
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_metrics import compare
from depth_refiner_ros.mapping.trajectory import read_tum, Trajectory
from depth_refiner_ros.report.panels import View
import numpy as np
import pytest

MEASURES = {'abs_rel', 'rmse_m', 'si_log', 'delta1', 'dbe_acc_px', 'dbe_compl_px'}


def plane(value, shape=(40, 50)):
    return np.full(shape, value, np.float32)


def mesh():
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    return Mesh(
        vertices_m_N3=corners,
        triangles_M3=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        colors_N3=np.full((4, 3), 90, np.uint8),
    )


def run(**changes):
    values = {
        'title': 'T',
        'subtitle': 'S',
        'frames_in': 2,
        'frames_out': 1,
        'dropped': {'superseded': 1},
        'fps': 5.0,
        'latency_ms': [10.0, 20.0],
        'stage_ms': {'prior': 3.0},
        'comparison': Comparison(),
        'views': [],
        'mesh': None,
        'mesh_score': None,
        'trajectory': None,
        'networks': [],
        'simulated': False,
    }
    return Run(**{**values, **changes})


def written(folder, result):
    with run_folder(folder) as out:
        return write_results(out, result)


def test_errors_by_hand():
    errors = frame_errors(plane(2.2), plane(2.0), plane(2.0))
    prior, refined = errors.figures('prior'), errors.figures('refined')
    assert set(prior) == MEASURES == set(FIGURES)
    assert prior['abs_rel'] == pytest.approx(0.1, rel=1e-5)
    assert prior['rmse_m'] == pytest.approx(0.2, rel=1e-5)
    assert prior['si_log'] == pytest.approx(0.0, abs=1e-3)
    assert refined['abs_rel'] == 0.0
    assert prior['dbe_compl_px'] is None, 'a plane has no edge'


def test_means_spread_and_counts():
    comparison = Comparison()
    for scale in (1.1, 1.3):
        comparison.add(frame_errors(plane(scale), plane(1.0), plane(1.0)))
    comparison.add(None)
    result = comparison.result()
    assert result['frames'] == 2
    assert result['prior']['abs_rel'] == pytest.approx(0.2, rel=1e-5)
    assert result['std']['prior']['abs_rel'] == pytest.approx(0.02**0.5, rel=1e-4)
    assert result['refined']['abs_rel'] == 0.0
    assert result['counts']['prior']['frames'] == 2
    json.dumps(result, allow_nan=False)


def test_summary_has_the_documented_form_without_truth():
    assert run().summary() == {
        'frames_in': 2,
        'frames_out': 1,
        'dropped': {'superseded': 1},
        'fps': 5.0,
        'latency_ms': {'p50': 15.0, 'p95': 19.5, 'p99': 19.9},
        'stage_ms': {'prior': 3.0},
        'depth': {'prior': None, 'refined': None},
        'depth_spread': {'prior': None, 'refined': None},
        'temporal_error_percent': None,
        'mesh': {
            'vertices': 0,
            'triangles': 0,
            'accuracy_mm': None,
            'accuracy_mean_mm': None,
            'completeness_mm': None,
            'completeness_mean_mm': None,
            'f_score_5cm': None,
            'compared_with': None,
        },
        'trajectory': None,
    }


def test_summary_with_truth_and_mesh():
    comparison = Comparison()
    comparison.add(frame_errors(plane(1.1), plane(1.0), plane(1.0)))
    lifted = mesh()
    lifted = Mesh(
        vertices_m_N3=lifted.vertices_m_N3 + np.float32([0, 0, 0.01]),
        triangles_M3=lifted.triangles_M3,
        colors_N3=lifted.colors_N3,
    )
    summary = run(
        comparison=comparison, mesh=lifted, mesh_score=compare(lifted, mesh(), samples=500)
    ).summary()
    assert set(summary['depth']['prior']) == MEASURES
    assert summary['depth']['prior']['abs_rel'] == pytest.approx(0.1, rel=1e-5)
    assert summary['mesh']['triangles'] == 2
    assert summary['mesh']['accuracy_mm'] == pytest.approx(10.0, abs=1e-3)
    assert summary['mesh']['completeness_mm'] == pytest.approx(10.0, abs=1e-3)
    assert summary['mesh']['f_score_5cm'] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ('simulated', 'depth', 'surface'),
    [
        (True, 'the exact depth of the simulation', 'the exact surface of the simulated room'),
        (False, 'the depth of the recording, as it was measured', "mesh of the recording's own"),
    ],
)
def test_what_depth_and_mesh_are_compared_with_is_said(tmp_path, simulated, depth, surface):
    comparison = Comparison()
    comparison.add(frame_errors(plane(1.1), plane(1.0), plane(1.0)))
    score = compare(mesh(), mesh(), samples=500)
    result = run(comparison=comparison, mesh=mesh(), mesh_score=score, simulated=simulated)
    assert surface in written(tmp_path, result)['mesh']['compared_with']
    report = unescape((tmp_path / 'report.html').read_text())
    assert f'Compared with {depth}. Mean over frames' in report
    assert re.search(f'Compared with .*{surface}.*Accuracy: distance from the mesh to', report)


def test_folder_holds_all_and_the_report_the_same_numbers(tmp_path):
    comparison = Comparison()
    comparison.add(frame_errors(plane(1.1), plane(1.05), plane(1.0)))
    view = View(
        rgb_HW3=np.zeros((40, 50, 3), np.uint8),
        prior_m_HW=plane(1.1),
        refined_m_HW=plane(1.05),
        truth_m_HW=plane(1.0),
    )
    poses = Trajectory(stamps_ns_N=np.array([5], np.int64), map_from_camera_N44=np.eye(4)[None])
    summary = written(
        tmp_path, run(comparison=comparison, views=[view], mesh=mesh(), trajectory=poses)
    )
    assert json.loads((tmp_path / 'summary.json').read_text()) == summary
    assert len(read_tum(tmp_path / 'trajectory.txt')) == 1
    assert cv2.imread(str(tmp_path / 'panel.png')).shape[1] > 6 * 300
    assert len(list(tmp_path.glob('mesh_*.png'))) >= 4
    report = (tmp_path / 'report.html').read_text()
    for name in ('prior', 'refined'):
        assert f'data-value="{summary["depth"][name]["abs_rel"]!r}"' in report


def test_run_without_mesh_and_frames_is_reported_all_the_same(tmp_path):
    written(tmp_path, run(latency_ms=[], stage_ms={}, fps=None))
    assert (tmp_path / 'report.html').is_file()
    assert not (tmp_path / 'panel.png').exists()
    assert json.loads((tmp_path / 'summary.json').read_text())['latency_ms']['p50'] is None


def test_quantiles_by_hand():
    assert quantiles([1.0, 2.0, 3.0]) == pytest.approx({'p50': 2.0, 'p95': 2.9, 'p99': 2.98})
    assert quantiles([]) == {'p50': None, 'p95': None, 'p99': None}
