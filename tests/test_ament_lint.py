# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The linters in package.xml, on a ROS host that has them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [
    str(ROOT / name) for name in ('depth_refiner_ros', 'launch', 'scripts', 'tests', 'training')
]


@pytest.mark.slow
def test_every_file_names_its_copyright_and_licence():
    main = pytest.importorskip('ament_copyright.main').main
    assert main(argv=FOLDERS) == 0


@pytest.mark.slow
def test_docstrings_follow_pep257():
    main = pytest.importorskip('ament_pep257.main').main
    assert main(argv=[str(ROOT / 'depth_refiner_ros'), str(ROOT / 'launch')]) == 0


@pytest.mark.slow
def test_code_follows_flake8(monkeypatch):
    main = pytest.importorskip('ament_flake8.main').main_with_errors
    monkeypatch.chdir(ROOT)  # the configuration names files from here
    count, lines = main(argv=['--config', 'tests/ament_flake8.ini', 'depth_refiner_ros', 'launch'])
    assert count == 0, '\n'.join(lines)
