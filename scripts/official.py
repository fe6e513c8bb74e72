# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Create the environment in which the code of priors' authors is tested or compared with.

``python scripts/official.py VENV [--cuda]`` installs the project's own pins, then both packages by
the commands that ``depth-refiner doctor`` shows, from requirements/official and GitHub. The
xformers that the authors of UniDepth v1 used goes into a separate folder, VENV/xformers, and the
checkout of Metric3D into the folder of torch.hub when TORCH_HOME is VENV/torch. The code of Depth
Anything 3, InfiniDepth, Pixel-Perfect Depth, Prior Depth Anything, UniK3D and Video Depth
Anything, which no prior needs, is cloned into folders of VENV by these names; that of MoGe-2,
which none needs either, is installed.
"""

import argparse
import os
from pathlib import Path
import subprocess
import sys

from install import check_python, index_options, make_environment, pip_install, ROOT
from system_libraries import SetupError

OFFICIAL = ROOT / 'requirements/official'
CHECKOUT = (
    'from depth_refiner_ros.priors import packages; '
    'print("" if packages.metric3d_commit() else packages.metric3d_checkout_command())'
)
COMPARED = {
    'depth_anything_3': (
        'https://github.com/ByteDance-Seed/Depth-Anything-3',
        '2c21ea849ceec7b469a3e62ea0c0e270afc3281a',
    ),
    'infinidepth': (
        'https://github.com/zju3dv/InfiniDepth',
        '36c6e0c31887fafc210184ee43ca475230704095',
    ),
    'pixel_perfect_depth': (
        'https://github.com/gangweix/pixel-perfect-depth',
        '427a86f5882aa3f7233c1b94fbdccce87f1c8313',
    ),
    'prior_depth_anything': (
        'https://github.com/SpatialVision/Prior-Depth-Anything',
        '8c029cbca669443fe0bbf8dcefb5f91ad531084d',
    ),
    'unik3d': (
        'https://github.com/lpiccinelli-eth/UniK3D',
        '29f7862f3c3ee79c53ef0153dfc901ce511df575',
    ),
    'video_depth_anything': (
        'https://github.com/DepthAnything/Video-Depth-Anything',
        '4f5ae23172ba60fd7bc11ef671cca678842c7072',
    ),
}
"""Folder in the environment, address and commit of code that only tests run."""


def install(python: Path, cuda: bool) -> None:
    """
    Install the project and the packages of other authors.

    :raises SetupError: if pip fails
    """
    index = index_options(python, cuda)
    files = [ROOT / f'requirements/{name}.txt' for name in ('base', 'models')]
    files += [ROOT / f'requirements/{"gpu" if cuda else "cpu"}.txt']
    files += [OFFICIAL / 'with_dependencies.txt', OFFICIAL / 'compared.txt']
    words = [word for path in files for word in ('--requirement', str(path))]
    tests = ('--constraint', str(ROOT / 'requirements/test.txt'), 'pytest')
    pip_install(python, *index, *words, *tests)
    alone = str(OFFICIAL / 'without_dependencies.txt')
    pip_install(python, '--no-deps', *index, '--requirement', alone)
    pip_install(python, '--no-deps', '--requirement', str(OFFICIAL / 'moge.txt'))
    target = ('--target', str(python.parent.parent / 'xformers'), '--upgrade')
    pip_install(python, '--no-deps', *target, '--requirement', str(OFFICIAL / 'xformers.txt'))
    pip_install(python, '--no-deps', '--no-build-isolation', '--editable', str(ROOT))


def check_out(python: Path) -> None:
    """
    Clone Metric3D with the command that ``doctor`` shows, unless it exists.

    :raises SetupError: if git fails
    """
    environment = {**os.environ, 'TORCH_HOME': str(python.parent.parent / 'torch')}
    line = subprocess.run(
        [str(python), '-c', CHECKOUT], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    if line and subprocess.run(['bash', '-c', line], check=False).returncode:
        raise SetupError('git could not fetch Metric3D; the lines above say why')


def clone_compared(venv: Path) -> None:
    """
    Clone the code of :data:`COMPARED`, unless it exists.

    :raises SetupError: if git fails
    """
    for name, (address, commit) in COMPARED.items():
        folder = venv / name
        if folder.is_dir():
            continue
        for words in (('clone', address, folder), ('-C', folder, 'checkout', commit)):
            if subprocess.run(['git', *map(str, words)], check=False).returncode:
                raise SetupError(f'git could not fetch {address}; the lines above say why')


def main() -> None:
    """Read the command line and create or update the environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('venv', type=Path, help='folder of the virtual environment')
    parser.add_argument('--cuda', action='store_true', help="PyPI's own builds of torch")
    arguments = parser.parse_args()
    check_python()
    python = make_environment(arguments.venv.absolute(), anew=False)
    install(python, arguments.cuda)
    check_out(python)
    clone_compared(python.parent.parent)


if __name__ == '__main__':
    try:
        main()
    except SetupError as error:
        sys.exit(f'error: {error}')
