# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A process that dies costs the updates since the last checkpoint, and nothing else."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from training.checkpoint import read_progress
from training.config_file import save_config
from training.log import read_log

RUN = Path(__file__).resolve().parents[2] / 'training' / 'run.py'
LAUNCH = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node', '2']
STEPS = 20


def workers_of(launcher):
    """Return the processes that train, children of the launcher."""
    listed = subprocess.run(
        ['ps', '-o', 'pid=,args=', '--ppid', str(launcher.pid)], capture_output=True, text=True
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if str(RUN) in line]


def test_the_run_goes_on_after_a_process_was_killed(make_config, tmp_path):
    config = make_config(
        'metric_prior', steps=STEPS, validate_every=STEPS, save_every=1, shard=True
    )
    save_config(config, tmp_path / 'config.yaml')
    with subprocess.Popen(
        [*LAUNCH, '--max-restarts', '1', str(RUN), str(tmp_path / 'config.yaml')],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': ''},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        checkpoint, workers = Path(config.output) / 'checkpoint', []
        while len(workers) < 2 or not checkpoint.exists():
            assert process.poll() is None, process.stderr.read()[-2000:]
            # Listed before: all updates may take no longer than the list.
            workers = workers if len(workers) == 2 else workers_of(process)
            time.sleep(0.02)
        os.kill(workers[-1], signal.SIGKILL)
        _, told = process.communicate(timeout=300)
    assert process.returncode == 0, told[-2000:]
    assert read_progress(checkpoint).step == STEPS
    steps = [row['step'] for row in read_log(Path(config.output)) if 'loss' in row]
    assert steps == list(range(1, STEPS + 1)), 'each update once, from the checkpoint on'
