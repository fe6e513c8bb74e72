# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Create or update the virtual environment that ``make demo`` and ``make test`` use.

``python scripts/install.py VENV [--cuda]`` needs only the standard library. A stamp in the
environment records what it was made from. Changed pins are installed on top; with another Python,
or another choice of CPU or GPU, it is made anew, as the two builds overwrite each other's files.
"""

import argparse
import hashlib
import importlib.util
import json
from pathlib import Path
import subprocess
import sys
import time
from typing import Any
import urllib.error
import urllib.request

from system_libraries import install as install_system_packages
from system_libraries import require, SetupError

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 10), (3, 12)
CPU_INDEX = 'https://download.pytorch.org/whl/cpu'
EXTRAS = ('base', 'models', 'ros', 'test', 'train', 'viewer')


def requirement_files(cuda: bool) -> list[Path]:
    """List the requirement files to install from."""
    return [ROOT / 'requirements' / f'{name}.txt' for name in (*EXTRAS, 'gpu' if cuda else 'cpu')]


def fingerprint() -> str:
    """Return a digest of the files and the path that the environment depends on."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in [
        *sorted((ROOT / 'requirements').glob('*.txt')),
        ROOT / 'setup.py',
        ROOT / 'setup.cfg',
        Path(__file__),
    ]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_python() -> None:
    """
    Refuse Python versions for which some dependency has no wheel.

    :raises SetupError: if the running Python is too old or too new
    """
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise SetupError(
            f'Python {sys.version.split()[0]} is not supported; install Python 3.10, '
            '3.11 or 3.12 and run: make PYTHON=python3.12'
        )


def make_environment(venv: Path, *, anew: bool) -> Path:
    """
    Make a virtual environment.

    :param anew: empty it first if it exists
    :return: its Python
    :raises SetupError: if venv is not installed or the folder cannot be written
    """
    if importlib.util.find_spec('ensurepip') is None:
        version = '.'.join(map(str, sys.version_info[:2]))
        install_system_packages([f'python{version}-venv'], 'a virtual environment needs it')
    command = [sys.executable, '-m', 'venv', *(['--clear'] if anew else []), str(venv)]
    if subprocess.run(command, check=False).returncode:
        raise SetupError(f'cannot make {venv}; the lines above say why')
    return venv / 'bin' / 'python'


def offers_cpu_build(python: Path) -> bool:
    """Whether pip as configured here already finds a CPU build of torch (2.13.0+cpu)."""
    listed = subprocess.run(
        [str(python), '-m', 'pip', 'index', 'versions', 'torch'],
        capture_output=True,
        text=True,
        check=False,
    )
    pin = next(
        line
        for line in (ROOT / 'requirements/cpu.txt').read_text().splitlines()
        if line.startswith('torch==')
    )
    return f'{pin.removeprefix("torch==")}+cpu' in listed.stdout


def answers(url: str, within_s: float = 5.0) -> bool:
    """Whether an address can be reached; without it, pip would wait for a timeout."""
    try:
        with urllib.request.urlopen(f'{url}/torch/', timeout=within_s):
            return True
    except (urllib.error.URLError, OSError):
        return False


def index_options(python: Path, cuda: bool) -> list[str]:
    """Return the pip options for a CPU build of ``torch``, 2 GB smaller than PyPI's own."""
    if cuda or sys.platform != 'linux' or offers_cpu_build(python):
        return []
    if answers(CPU_INDEX):
        return ['--extra-index-url', CPU_INDEX]
    print(
        f'{CPU_INDEX} does not answer: using the build of torch that pip finds, which may '
        'include CUDA (3 GB); it also works without a GPU',
        flush=True,
    )
    return []


def pip_install(python: Path, *arguments: str) -> None:
    """
    Run pip, showing only errors and the sources of packages.

    :raises SetupError: if pip fails
    """
    command = [
        str(python),
        '-m',
        'pip',
        'install',
        '--disable-pip-version-check',
        '--quiet',
        *arguments,
    ]
    if subprocess.run(command, check=False, cwd=ROOT).returncode:
        raise SetupError('pip could not install the dependencies; the lines above say why')


def fill_environment(python: Path, cuda: bool) -> None:
    """Install the pinned dependencies, then this checkout in editable form."""
    files = [word for path in requirement_files(cuda) for word in ('--requirement', str(path))]
    pip_install(python, *index_options(python, cuda), *files)
    pip_install(python, '--no-deps', '--no-build-isolation', '--editable', str(ROOT))


def starts_anew(found: dict[str, Any], kind: dict[str, Any]) -> bool:
    """Whether an environment has another Python, or is for GPU instead of CPU or vice versa."""
    return any(found.get(name) != value for name, value in kind.items())


def bring_up_to_date(venv: Path, cuda: bool) -> None:
    """
    Create the environment, or update it if needed.

    :raises SetupError: if something is missing that only the user can fix
    """
    stamp = venv / 'made_from.json'
    kind = {'python': sys.version, 'cuda': cuda}
    wanted = {**kind, 'fingerprint': fingerprint()}
    found = json.loads(stamp.read_text()) if stamp.is_file() else kind
    require()
    if found == wanted:
        return
    start_s = time.monotonic()
    print(f'installing into {venv} (only once, takes a few minutes) ...', flush=True)
    python = make_environment(venv, anew=starts_anew(found, kind))
    stamp.write_text(json.dumps(kind))
    fill_environment(python, cuda)
    stamp.write_text(json.dumps(wanted))
    print(f'{venv} is ready after {time.monotonic() - start_s:.0f} s', flush=True)


def main() -> None:
    """Read the command line and bring the environment up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('venv', type=Path, help='folder of the virtual environment')
    parser.add_argument('--cuda', action='store_true', help='GPU builds of torch, Open3D, ONNX')
    arguments = parser.parse_args()
    check_python()
    bring_up_to_date(arguments.venv, arguments.cuda)


if __name__ == '__main__':
    try:
        main()
    except SetupError as error:
        sys.exit(f'error: {error}')
