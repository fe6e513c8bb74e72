# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of this folder."""

import pytest


@pytest.fixture(scope='session')
def engines(tmp_path_factory):
    """Return one engine cache: ONNX files exported for ONNX Runtime serve TensorRT too."""
    return tmp_path_factory.mktemp('engines')
