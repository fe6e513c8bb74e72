"""What this machine is, in words."""

import importlib.metadata
import os
from pathlib import Path
import platform


def machine_facts() -> dict[str, str]:
    """Give processor, memory, GPU and the versions that decide speed."""
    facts = {'processor': f'{_processor()}, {len(os.sched_getaffinity(0))} cores usable',
             'memory': f'{_memory_gib():.0f} GiB', 'GPU': gpu() or 'none',
             'system': f'{platform.system()} {platform.release()}, '
                       f'Python {platform.python_version()}'}
    packages = ('torch', 'onnxruntime', 'open3d-cpu', 'open3d', 'opencv-python-headless')
    versions = {name: version(name) for name in packages}
    facts['packages'] = ', '.join(f'{name} {found}' for name, found in versions.items() if found)
    return facts


def gpu() -> str:
    """Give the name of the first CUDA device, empty where there is none."""
    import torch
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ''


def version(distribution: str) -> str:
    """Give the installed version of a distribution, empty where it is missing."""
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
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2 ** 30
