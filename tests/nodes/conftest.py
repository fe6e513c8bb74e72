# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Node tests need ROS messages; without them the whole folder is left out."""

import importlib.util

import pytest

HAS_ROS = importlib.util.find_spec('rclpy') is not None
collect_ignore_glob = [] if HAS_ROS else ['test_*.py']

if HAS_ROS:
    from tests.nodes.node_graph import graph_domain, Probe

    @pytest.fixture(scope='session', autouse=True)
    def _ros_domain():
        with graph_domain():
            yield

    @pytest.fixture
    def probe():
        with Probe() as made:
            yield made


@pytest.hookimpl(tryfirst=True)  # before tests/conftest.py groups by it
def pytest_collection_modifyitems(items):
    for item in items:
        if '/nodes/' in str(item.path):
            item.add_marker(pytest.mark.ros)
