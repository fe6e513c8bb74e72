"""Shared by the tests of this folder."""

import pytest


@pytest.fixture(scope='session')
def engines(tmp_path_factory):
    """Give one engine cache, so that what ONNX Runtime reads need not be exported for TensorRT."""
    return tmp_path_factory.mktemp('engines')
