# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The checks of ``depth-refiner doctor``, and the command that fixes each finding.

Any package may be missing or broken, so modules that import one are imported within a check.
"""

from collections.abc import Callable, Sequence
import ctypes
from dataclasses import asdict, dataclass
import importlib
import importlib.util
import os
from pathlib import Path
import shutil

from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.apps.hardware import gpu, system_facts, version
from depth_refiner_ros.apps.system_libraries import PACKAGE_OF
from depth_refiner_ros.core.dds_segments import abandoned_bytes
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.core.needed import NEEDED, package_of
from depth_refiner_ros.priors.packages import FAULTS, Package, PACKAGES
from depth_refiner_ros.settings.config_files import (
    config_file,
    PROFILE_VARIABLES,
    profile_variables,
)
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

INSTEAD = {'onnxruntime': 'onnxruntime-gpu', 'open3d-cpu': 'open3d'}
"""Distributions that provide the same module on other machines."""
ROS_MODULES = (
    'rclpy',
    'sensor_msgs',
    'std_msgs',
    'geometry_msgs',
    'nav_msgs',
    'diagnostic_msgs',
    'visualization_msgs',
    'lifecycle_msgs',
    'std_srvs',
)
"""Modules that the nodes import from ROS; ``setup.py`` requires the same wheels."""
SHARED_MEMORY_MIB = 64


@dataclass(frozen=True)
class Finding:
    """
    One line of the table.

    :param what: what was checked
    :param state: ``ok``, ``missing`` (something will not work) or ``note``
    :param found: what there is
    :param fix: the command to type; empty if there is nothing to do
    """

    what: str
    state: str
    found: str
    fix: str = ''


def run(json: Path | None) -> None:
    """Print the findings; exit with 1 where something that is needed is missing."""
    findings = [finding for look in LOOKS for finding in _guarded(look)]
    if json:
        write_json(json, {'findings': [asdict(finding) for finding in findings]})
    table = Table('what', 'state', Column('found', overflow='fold'), title='depth-refiner doctor')
    colors = {'ok': 'green', 'missing': 'red', 'note': 'yellow'}
    for finding in findings:
        table.add_row(
            finding.what, f'[{colors[finding.state]}]{finding.state}', escape(finding.found)
        )
    Console().print(table)
    _print_fixes(findings)
    if any(finding.state == 'missing' for finding in findings):
        raise SystemExit(1)


def _print_fixes(findings: Sequence[Finding]) -> None:
    """Print each command on a line of its own, since one that a table folds cannot be copied."""
    for finding in findings:
        if finding.fix:
            say(f'{finding.what}: {finding.state}, fix with')
            say(f'    {finding.fix}')


def machine() -> list[Finding]:
    """Return processor, memory and system."""
    return [Finding(name, 'ok', value) for name, value in system_facts().items()]


def packages() -> list[Finding]:
    """Import each required package, because one may be installed and still fail to load."""
    return [_import(module, package) for module, package in NEEDED.items()]


def devices() -> list[Finding]:
    """Look for a GPU."""
    import torch

    if torch.cuda.is_available():
        return [Finding('GPU', 'ok', gpu())]
    if Path('/dev/nvidia0').exists():
        return [
            Finding(
                'GPU', 'note', 'present, but this build of torch cannot use it', 'make demo CUDA=1'
            )
        ]
    return [Finding('GPU', 'note', 'none; networks run on the CPU')]


def ros() -> list[Finding]:
    """Look for ROS 2 and its messages."""
    missing = [name for name in ROS_MODULES if importlib.util.find_spec(name) is None]
    distribution = os.environ.get('ROS_DISTRO', '')
    wheel = version('ros-rclpy') or version('rclpy')
    found = f'distribution {distribution}' if distribution else f'wheels, rclpy {wheel}'
    if 'rclpy' in missing:
        return [
            Finding(
                'ROS 2',
                'missing',
                'rclpy cannot be imported',
                "source /opt/ros/DISTRO/setup.bash or pip install '.[ros]'",
            )
        ]
    if missing:
        return [
            Finding(
                'ROS 2',
                'missing',
                f'{found}, without {", ".join(missing)}',
                'rosdep install --from-paths . -y',
            )
        ]
    return [
        Finding('ROS 2', 'ok', found),
        Finding(
            'ROS middleware', 'ok', os.environ.get('RMW_IMPLEMENTATION', 'default (Fast DDS)')
        ),
    ]


def system_libraries() -> list[Finding]:
    """Load the libraries that Open3D links against."""
    missing = []
    for library, package in PACKAGE_OF.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    if missing:
        return [
            Finding(
                'system libraries',
                'missing',
                f'{", ".join(missing)} not found',
                f'sudo apt-get install -y {" ".join(missing)}',
            )
        ]
    return [Finding('system libraries', 'ok', ', '.join(PACKAGE_OF))]


def dds() -> list[Finding]:
    """Look for the DDS profile and the shared memory it needs."""
    named = [os.environ[name] for name in PROFILE_VARIABLES if os.environ.get(name)]
    profile = named[-1] if named else config_file('fastdds.xml')
    findings = [
        Finding('DDS profile', 'ok', str(profile))
        if profile
        else Finding(
            'DDS profile',
            'note',
            'none; large clouds may be lost',
            'export ' + ' '.join(f'{name}=.../config/fastdds.xml' for name in profile_variables()),
        )
    ]
    free_mib = shutil.disk_usage('/dev/shm').free / 2**20 if Path('/dev/shm').is_dir() else 0.0
    short = free_mib < 4 * SHARED_MEMORY_MIB
    findings.append(
        Finding(
            'shared memory',
            'note' if short else 'ok',
            f'{free_mib:.0f} MiB free',
            'docker run --shm-size=1g ...' if short else '',
        )
    )
    if abandoned := abandoned_bytes():
        findings.append(
            Finding(
                'shared memory',
                'note',
                f'{abandoned / 2**20:.0f} MiB are of ROS processes that were killed',
                'fastdds shm clean',
            )
        )
    return findings


def bundles() -> list[Finding]:
    """Open the weights that are part of the package."""
    from depth_refiner_ros.models.bundle import BUNDLED, open_bundle

    findings = []
    for name, kind in BUNDLED.items():
        try:
            findings.append(
                Finding(f'weights: {name}', 'ok', open_bundle('bundled', kind, name).describe())
            )
        except WeightsError as error:
            findings.append(
                Finding(
                    f'weights: {name}',
                    'missing',
                    str(error),
                    'git checkout -- depth_refiner_ros/weights',
                )
            )
    return findings


def other_priors() -> list[Finding]:
    """Look for what only some priors need; the others work without it."""
    transformers = version('transformers')
    first = (
        Finding('transformers', 'ok', transformers)
        if transformers
        else Finding(
            'transformers',
            'note',
            'not installed; needed by --prior depth_anything_v2 and others',
            "pip install 'depth_refiner_ros[models]'",
        )
    )
    return [first, *map(_pinned, PACKAGES)]


def _pinned(package: Package) -> Finding:
    fault = package.fault()
    if not fault:
        return Finding(package.name, 'ok', f'commit {package.commit[:7]}, imported')
    needed = f'for --prior {" or ".join(package.priors)} ({package.licence})'
    return Finding(package.name, 'note', f'{fault}; {needed}', package.command())


LOOKS: tuple[Callable[[], list[Finding]], ...] = (
    packages,
    machine,
    devices,
    ros,
    system_libraries,
    dds,
    bundles,
    other_priors,
)


def _guarded(look: Callable[[], list[Finding]]) -> list[Finding]:
    """Look; what fails, as most do without torch, is itself a finding."""
    try:
        return look()
    except FAULTS as error:
        what = look.__name__.replace('_', ' ')
        return [Finding(what, 'missing', f'cannot be checked: {first_line(error)}')]


def _import(module: str, package: str) -> Finding:
    try:
        importlib.import_module(module)
    except FAULTS as error:
        return Finding(package, 'missing', first_line(error), _fix(package, error))
    other = INSTEAD.get(package, '')
    return Finding(package, 'ok', version(package) or version(other) or 'found')


def _fix(package: str, error: Exception) -> str:
    """Return what to type after an import of a package failed."""
    if isinstance(error, ModuleNotFoundError):
        return f'pip install {package_of(error) or package}'  # it may be one it imports
    if isinstance(error, ImportError | OSError):
        return 'see system libraries'
    return f'pip install --upgrade --force-reinstall --no-deps {package}'
