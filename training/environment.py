# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a run was made with: revision, versions, machine."""

import json
import os
from pathlib import Path
import platform
import subprocess
import sys

from depth_refiner_ros.core.atomic import write_text
import torch

ROOT = Path(__file__).resolve().parent.parent


def write_environment(file: Path) -> None:
    """
    Write the environment of this process as JSON.

    :raises OutputError: where it cannot be written
    """
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    facts = {
        'revision': revision(),
        'command': [Path(sys.argv[0]).name, *sys.argv[1:]],
        'python': platform.python_version(),
        'torch': torch.__version__,
        'gpus': gpus,
        'cpu_instructions': torch.backends.cpu.get_cpu_capability(),
        'threads': torch.get_num_threads(),
        'processes': int(os.environ.get('WORLD_SIZE', '1')),
    }
    write_text(file, json.dumps(facts, indent=1) + '\n')


def revision() -> str:
    """Return the commit of this checkout, with + where files differ; '' outside a checkout."""
    try:
        commit = _git('rev-parse', 'HEAD')
        return commit + ('+' if _git('status', '--porcelain', '--untracked-files=no') else '')
    except (OSError, subprocess.SubprocessError):
        return ''


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ['git', '-C', str(ROOT), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
