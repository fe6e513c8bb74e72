"""What this machine is, in words."""

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
"""What decides a GPU's speed beside its name, as nvidia-smi calls it."""
SPEED_PACKAGES = (
    'diffusers',
    'transformers',
    'onnxruntime',
    'onnxruntime-gpu',
    'tensorrt',
    'tensorrt-rtx-cu13',
    'triton',
)


def machine_facts() -> dict[str, str]:
    """Return processor, memory, GPU and the versions that decide speed."""
    facts = {
        'processor': f'{_processor()}, {len(os.sched_getaffinity(0))} cores usable',
        'memory': f'{_memory_gib():.0f} GiB',
        'GPU': gpu() or 'none',
        'system': f'{platform.system()} {platform.release()}, Python {platform.python_version()}',
    }
    packages = ('torch', 'onnxruntime', 'open3d-cpu', 'open3d', 'opencv-python-headless')
    versions = {name: version(name) for name in packages}
    facts['packages'] = ', '.join(f'{name} {found}' for name, found in versions.items() if found)
    return facts


def gpu() -> str:
    """Return the name of the first CUDA device, empty where there is none."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ''


def speed_facts() -> dict[str, str]:
    """Return clocks, power mode, driver and library versions, as far as the machine tells them."""
    import torch

    facts = {
        'torch': torch.__version__,
        'CPU threads': str(torch.get_num_threads()),
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
        facts |= {'board': board(), 'power mode': _told('nvpmodel', '-q').replace('\n', ' ')}
    facts |= {name: version(name) for name in SPEED_PACKAGES}
    return {name: value for name, value in facts.items() if value}


def board() -> str:
    """Return the name of the Jetson or other board, empty on a PC."""
    model = Path('/proc/device-tree/model')
    return model.read_text().strip('\0 \n') if model.is_file() else ''


def version(distribution: str) -> str:
    """Return the installed version of a distribution, empty where it is missing."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ''


def _processor() -> str:
    cpuinfo = Path('/proc/cpuinfo')
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30


def _cpu_clock() -> str:
    cpuinfo = Path('/proc/cpuinfo')
    found = re.findall(r'cpu MHz\s*: ([\d.]+)', cpuinfo.read_text()) if cpuinfo.is_file() else []
    return f'{max(map(float, found)):.0f} MHz' if found else ''


def _from_nvidia_smi() -> dict[str, str]:
    """Ask for the first GPU; Jetsons before JetPack 7 have no such program."""
    line = _told(
        'nvidia-smi', '-i', '0', f'--query-gpu={",".join(QUERY.values())}', '--format=csv,noheader'
    )
    return dict(zip(QUERY, (part.strip() for part in line.split(',')))) if line else {}


def _told(*command: str) -> str:
    """Return what a program prints, empty where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    return done.stdout.strip() if done.returncode == 0 else ''
