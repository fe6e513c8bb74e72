# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``make`` and ``.ci/run``."""

import os
import shutil
import subprocess

import pytest

from tests.conftest import IS_WORKER
from tests.test_packaging import ROOT


def make(*words: str) -> str:
    """Return the commands that make would run."""
    done = subprocess.run(
        ['make', '--dry-run', '--no-print-directory', *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, 'MAKEFLAGS': ''},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_runs_the_demo_in_the_environment():
    assert make('demo').rstrip().endswith('.venv/bin/depth-refiner demo')
    assert '--cuda' not in make('demo')
    assert '--cuda' not in make('demo', 'CUDA=0')
    assert 'scripts/install.py .venv --cuda' in make('demo', 'CUDA=1')
    assert 'python3.12 scripts/install.py' in make('venv', 'PYTHON=python3.12')


def test_make_test_checks_first_and_then_runs_everything():
    steps = make('test')
    order = [steps.index(step) for step in ('install.py', 'ruff check .', 'bin/mypy', '-m pytest')]
    assert order == sorted(order)
    assert ' -x' not in steps
    assert len((ROOT / 'Makefile').read_text().splitlines()) < 60


def test_make_official_has_an_environment_and_a_hub_of_its_own():
    steps = make('official', 'PYTHON=python3.11')
    assert 'python3.11 scripts/official.py .venv_official \n' in steps
    assert 'scripts/official.py .venv_official --cuda' in make('official', 'CUDA=1')
    assert f"TORCH_HOME='{ROOT}/.venv_official/torch' .venv_official/bin/python" in steps
    assert '-m packages tests/priors' in steps.replace('\\\n', '')


def test_ci_passes_only_where_tests_ran_and_passed(tmp_path, subtests):
    cases = [
        ('@echo "12 passed, 3 skipped in 4.00s"', True),
        ('@echo "3 skipped in 0.10s"', False),
        ('@echo "0 passed"', False),
        ('@echo "12 passed in 4.00s"; exit 1', False),
        ('@true', False),
    ]
    (tmp_path / '.ci').mkdir()
    shutil.copy(ROOT / '.ci/run', tmp_path / '.ci/run')
    for spec, passes in cases:
        with subtests.test(spec=spec):
            (tmp_path / 'Makefile').write_text(f'test:\n\t{spec}\n')
            done = subprocess.run(
                ['bash', str(tmp_path / '.ci/run')],
                cwd='/',
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
            assert (done.returncode == 0) is passes
            assert 'passed' not in spec or 'passed' in done.stdout


@pytest.mark.skipif(not IS_WORKER, reason='one process runs all tests')
@pytest.mark.usefixtures('engines')
def test_a_group_of_tests_stays_on_one_worker(request):
    """Not with pytest 9.2: it no longer has the name that xdist 3.8 writes the group into."""
    assert request.node.nodeid.endswith('@networks exported once in a process')
