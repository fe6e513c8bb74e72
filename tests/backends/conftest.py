# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of this folder."""

import pytest


@pytest.fixture(scope='session')
def engines(tmp_path_factory):
    """Return one engine cache: TensorRT can use the ONNX files of ONNX Runtime."""
    return tmp_path_factory.mktemp('engines')
