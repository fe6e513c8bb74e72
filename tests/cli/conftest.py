# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that call the command line."""

from pathlib import Path
import subprocess
import sys
from types import SimpleNamespace

from depth_refiner_ros.cli.main import main
from depth_refiner_ros.report import mesh_views
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = 'import sys; from depth_refiner_ros.cli.main import main; sys.exit(main())'


@pytest.fixture
def depth_refiner(tmp_path, monkeypatch, capsys):
    """Return a function that runs a command in an empty folder, in this process."""

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['depth-refiner', *map(str, arguments)])
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(mesh_views, 'SAMPLES', 1)  # smooth edges are tests/report's business
        capsys.readouterr()
        threads = torch.get_num_threads()
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code or 0
        finally:
            torch.set_num_threads(threads)  # --threads is of a process, and this one goes on
        output = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=output.out, stderr=output.err)

    return run


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that runs the program in a separate process, like a user."""
    monkeypatch.setenv('PYTHONPATH', str(ROOT))
    monkeypatch.setenv('COLUMNS', '100')

    def run(*arguments, code=PROGRAM, timeout_s=500):
        return subprocess.run(
            [sys.executable, '-c', code, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    return run
