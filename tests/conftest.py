# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How tests share the machine: workers, threads, signals.

Modules shared by several folders are next to this file, which puts them on the path.
"""

import os
import signal

from depth_refiner_ros.core.dds_segments import free_abandoned
import pytest

MAX_WORKERS = 4
"""Each loads torch, and the longest chain of tests is the one that must not be split."""
IS_WORKER = 'PYTEST_XDIST_WORKER' in os.environ

if IS_WORKER:  # before torch is imported: workers that each use all cores wait for each other
    for name in ('OMP_NUM_THREADS', 'OPENCV_FOR_THREADS_NUM'):
        os.environ.setdefault(name, '1')

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background jobs ignore Ctrl-C, and so would every process that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Return how many workers ``-n auto`` starts: none where a part of the tests was asked for."""
    options = config.option
    if options.file_or_dir or options.keyword or options.markexpr or options.lf:
        return 0  # it takes longer to start workers, each of which collects everything
    return min(len(os.sched_getaffinity(0)), MAX_WORKERS)


def pytest_sessionstart():
    """Give back what killed nodes left; by hundreds, they filled the memory of a machine."""
    free_abandoned()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Keep on one worker what must not run twice at a time, or shares what is slow to make."""
    if IS_WORKER:
        for item in items:
            if group := group_of(item):
                item.add_marker(pytest.mark.xdist_group(group))


def group_of(item):
    """Return the group of a test; empty where it may run on any worker, beside any other test."""
    if item.get_closest_marker('ros') or hasattr(item.module, 'signal'):
        return 'processes that wait for each other'  # and give up after a while
    if 'engines' in item.fixturenames:
        return 'networks exported once in a process'
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    shares = any(made.scope == 'module' for known in fixtures for made in known)
    return str(item.path) if shares else ''


@pytest.fixture(scope='session')
def engines(tmp_path_factory):
    """Return one engine cache: TensorRT can use the ONNX files of ONNX Runtime."""
    return tmp_path_factory.mktemp('engines')
