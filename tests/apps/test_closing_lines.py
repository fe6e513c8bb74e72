# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lines at the end of a run say what their numbers are."""

from pathlib import Path

from depth_refiner_ros.apps.closing_lines import print_summary

SUMMARY = {
    'frames_in': 1,
    'frames_out': 1,
    'dropped': {},
    'fps': None,
    'latency_ms': {'p50': None, 'p95': None},
    'depth': {'prior': None, 'refined': None},
    'temporal_error_percent': None,
    'trajectory': None,
}


def test_the_errors_of_a_mesh_are_named_as_medians_and_means(capsys):
    mesh = {
        'triangles': 1234,
        'accuracy_mm': 4.25,
        'accuracy_mean_mm': 6.5,
        'completeness_mm': 3.0,
        'completeness_mean_mm': 8.0,
        'compared_with': 'a plane',
    }
    print_summary({**SUMMARY, 'mesh': mesh}, Path('out'))
    assert (
        'mesh: 1 234 triangles; accuracy: median 4.2 mm, mean 6.5 mm; '
        'completeness: median 3.0 mm, mean 8.0 mm; compared with a plane\n'
    ) in capsys.readouterr().out
