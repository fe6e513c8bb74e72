# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Processes that are forked after the imports, which take longer than most tests.

Python has one fork server in a process, with what it was told to import before it started: here
the nodes and the training, whichever is tested first. What a program does between its start and
its exit code is the same; its imports and the end of the interpreter are not run. Tests of those
start the program itself.
"""

import multiprocessing
from multiprocessing import forkserver
import os
from pathlib import Path
import sys

ROOT = Path(__file__).resolve().parents[1]
NODES = ('collector', 'player', 'recorder', 'refiner', 'tsdf')
OBJECTIVES = (path.stem for path in (ROOT / 'training/objectives').glob('[a-z]*.py'))
IMPORTS = [
    __name__,
    *(f'depth_refiner_ros.nodes.{name}_node' for name in NODES),
    *(f'training.objectives.{name}' for name in OBJECTIVES),
    'training.reproduction.training_piece',
    'training.run',
    'torch.utils.tensorboard',
]
FORKS = multiprocessing.get_context('forkserver')


def start_server():
    """Start the fork server unless it runs; it finds this checkout by the environment alone."""
    FORKS.set_forkserver_preload(IMPORTS)
    before = os.environ.get('PYTHONPATH')
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(ROOT), before]))
    forkserver.ensure_running()
    if before is None:
        del os.environ['PYTHONPATH']
    else:
        os.environ['PYTHONPATH'] = before


def start(target, words, folder, environment, *, daemon=True):
    """
    Run a function in a process of its own and exit with what it returns.

    :param target: a function of a module, given the words
    :return: the process, and the end of a pipe with all that it prints
    """
    start_server()
    output, written = FORKS.Pipe(duplex=False)
    process = FORKS.Process(
        target=_run, args=(target, words, str(folder), environment, written), daemon=daemon
    )
    process.start()
    written.close()
    text = os.fdopen(os.dup(output.fileno()), encoding='utf-8', errors='replace')
    output.close()
    return process, text


def _run(target, words, folder, environment, written):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(written.fileno(), stream.fileno())
        stream.reconfigure(line_buffering=True)
    written.close()
    sys.exit(target(words))
