# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names, versions and clocks of this machine, to print and to write into result files."""

import importlib.metadata
import os
from pathlib import Path
import platform
import re
import subprocess

QUERY = {
    'driver': 'driver_version',
    'SM clock': 'clocks.sm',
    'memory clock': 'clocks.mem',
    'highest SM clock': 'clocks.max.sm',
    'power limit': 'power.limit',
    'temperature': 'temperature.gpu',
}
"""What decides the speed of a GPU besides its model: our labels to nvidia-smi's names."""
INSTRUCTIONS = {
    'avx2': 'avx2',
    'avx512f': 'avx512',
    'avx_vnni': 'vnni',
    'avx512_vnni': 'vnni',
    'avx512_bf16': 'avx512_bf16',
    'amx_bf16': 'amx_bf16',
    'amx_int8': 'amx_int8',
    'asimd': 'neon',
    'sve': 'sve',
    'bf16': 'bf16',
    'i8mm': 'i8mm',
}
"""Instruction sets that decide the speed of networks: the kernel's names to our labels."""
SPEED_PACKAGES = (
    'diffusers',
    'transformers',
    'onnxruntime',
    'onnxruntime-gpu',
    'ncnn',
    'openvino',
    'tensorrt',
    'tensorrt-rtx-cu13',
    'triton',
)


def machine_facts() -> dict[str, str]:
    """Return processor, memory, GPU and the versions of the software that affects speed."""
    facts = {**system_facts(), 'GPU': gpu() or 'none'}
    packages = (
        'torch',
        'onnxruntime',
        'ncnn',
        'openvino',
        'open3d-cpu',
        'open3d',
        'opencv-python-headless',
    )
    versions = {name: version(name) for name in packages}
    facts['packages'] = ', '.join(f'{name} {found}' for name, found in versions.items() if found)
    return facts


def system_facts() -> dict[str, str]:
    """Return processor, memory and system, which takes no package to find out."""
    return {
        'processor': processor(),
        'memory': f'{_memory_gib():.0f} GiB',
        'system': f'{platform.system()} {platform.release()}, Python {platform.python_version()}',
    }


def processor() -> str:
    """Return the CPU's name, the cores this process may use, and the vector instructions."""
    cpuinfo = _cpuinfo()
    name = next(iter(_values_of(cpuinfo, 'model name')), platform.machine())
    cores = len(os.sched_getaffinity(0))
    return f'{name}, {cores} cores usable, {" ".join(instructions(cpuinfo)) or "no avx2"}'


def instructions(cpuinfo: str) -> list[str]:
    """
    Return the instruction sets that decide the speed of networks.

    :param cpuinfo: content of ``/proc/cpuinfo``
    """
    lines = [*_values_of(cpuinfo, 'flags'), *_values_of(cpuinfo, 'Features')]
    flags = lines[0].split() if lines else []
    return list(dict.fromkeys(shown for flag, shown in INSTRUCTIONS.items() if flag in flags))


def gpu() -> str:
    """Return the name of the first CUDA device; empty where there is none."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ''


def speed_facts() -> dict[str, str]:
    """Return clocks, power mode, driver and library versions, as far as they are known."""
    import torch

    facts = {
        'torch': torch.__version__,
        'CPU threads': str(torch.get_num_threads()),
        'CPU instructions used by torch': torch.backends.cpu.get_cpu_capability(),
        'CPU clock': _cpu_clock(),
    }
    if torch.cuda.is_available():
        major, minor = torch.cuda.get_device_capability(0)
        facts |= {
            'CUDA': str(torch.version.cuda),
            'cuDNN': str(torch.backends.cudnn.version()),
            'compute capability': f'{major}.{minor}',
        }
        facts |= _from_nvidia_smi()
    if board():
        facts |= {'board': board(), 'power mode': _output('nvpmodel', '-q').replace('\n', ' ')}
    facts |= {name: version(name) for name in SPEED_PACKAGES}
    return {name: value for name, value in facts.items() if value}


def board() -> str:
    """Return the name of the Jetson or other board; empty on a PC."""
    model = Path('/proc/device-tree/model')
    return model.read_text().strip('\0 \n') if model.is_file() else ''


def version(distribution: str) -> str:
    """Return the installed version of a distribution; empty where it is missing."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ''


def _cpuinfo() -> str:
    path = Path('/proc/cpuinfo')
    return path.read_text() if path.is_file() else ''


def _values_of(cpuinfo: str, name: str) -> list[str]:
    return re.findall(rf'^{name}\s*: (.*)$', cpuinfo, re.MULTILINE)


def _memory_gib() -> float:
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30


def _cpu_clock() -> str:
    found = _values_of(_cpuinfo(), 'cpu MHz')
    return f'{max(map(float, found)):.0f} MHz' if found else ''


def _from_nvidia_smi() -> dict[str, str]:
    """Query the first GPU; empty without nvidia-smi, as on Jetsons before JetPack 7."""
    line = _output(
        'nvidia-smi', '-i', '0', f'--query-gpu={",".join(QUERY.values())}', '--format=csv,noheader'
    )
    return dict(zip(QUERY, (part.strip() for part in line.split(',')))) if line else {}


def _output(*command: str) -> str:
    """Return what a program prints; empty where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout.strip() if done.returncode == 0 else ''
