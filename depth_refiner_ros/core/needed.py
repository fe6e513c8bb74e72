# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The packages that ``setup.py`` requires, and what to type where one is missing."""

NEEDED = {
    'numpy': 'numpy',
    'scipy': 'scipy',
    'cv2': 'opencv-python-headless',
    'PIL': 'pillow',
    'skimage': 'scikit-image',
    'torch': 'torch',
    'diffusers': 'diffusers',
    'safetensors': 'safetensors',
    'onnx': 'onnx',
    'onnxscript': 'onnxscript',
    'onnxruntime': 'onnxruntime',
    'ncnn': 'ncnn',
    'pnnx': 'pnnx',
    'open3d': 'open3d-cpu',
    'numba': 'numba',
    'av': 'av',
    'rosbags': 'rosbags',
    'apsw': 'apsw',
    'lz4': 'lz4',
    'backports.zstd': 'backports.zstd',
    'yaml': 'PyYAML',
    'jinja2': 'jinja2',
    'matplotlib': 'matplotlib',
    'rich': 'rich',
    'typer': 'typer',
}
"""Modules to import and their distributions; ``setup.py`` requires the same."""
ROS_FIX = "source a ROS 2 setup.bash or pip install '.[ros]'"
OF_ROS = ('rclpy', 'std_srvs', 'builtin_interfaces', 'rosidl_runtime_py')
"""Modules of ROS 2 whose names do not end in ``_msgs``."""


def package_of(error: ModuleNotFoundError) -> str:
    """Return the package that has the module that is missing, empty if it is none of these."""
    name = error.name or ''
    modules = (module for module in NEEDED if name and f'{module}.'.startswith(f'{name}.'))
    return NEEDED.get(next(modules, ''), '')


def missing_line(error: ModuleNotFoundError) -> str:
    """Return what is missing and what to type, empty for a module that is none of these."""
    if package := package_of(error):
        return f'the package {package} is missing; run: pip install {package}'
    module = (error.name or '').partition('.')[0]
    if module in OF_ROS or module.endswith('_msgs'):
        return f'{module} of ROS 2 cannot be imported; {ROS_FIX}'
    return ''
