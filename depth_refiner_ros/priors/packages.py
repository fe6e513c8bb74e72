# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Priors whose code is a separate package: pinned by commit, imported only on demand.

None of these is installed with this package, and plain pip would replace the installed torch:
timm requires torchvision, which requires one version of torch, and mmengine would bring a second
OpenCV. So such packages are installed without their dependencies, and everything else that the
code imports is listed.
"""

from collections.abc import Callable
from dataclasses import dataclass
import importlib
import importlib.metadata
import json
from pathlib import Path
import re
from types import ModuleType
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.priors.foreign_code import foreign_code

UNIDEPTH_COMMIT = '8d8cfe4c7ee15297099983607febf0d4f32eb3d6'
METRIC3D_COMMIT = 'eb5b6fac0dc155e4e52f576e304fbf11655ff339'
TIMM, MATPLOTLIB = 'timm==1.0.31', 'matplotlib==3.10.9'
TORCH_INDEX = 'https://download.pytorch.org/whl'
FAULTS = (
    *(ImportError, RuntimeError, AttributeError, OSError),
    *(ValueError, TypeError, LookupError, SyntaxError, SystemError),
)
"""
What an import raises; the others for a torchvision of another build or half a checkout, and for
code built or written for another numpy or Python.
"""


@dataclass(frozen=True, kw_only=True)
class Package:
    """
    External code that a prior needs.

    :param name: name to show
    :param priors: priors that need it
    :param commit: commit that the adapter was written for
    :param licence: of the code
    :param found: returns the commit on this machine, None if there is none
    :param load: imports it; raises WeightsError if that fails
    :param command: returns the command to install it
    """

    name: str
    priors: tuple[str, ...]
    commit: str
    licence: str
    found: Callable[[], str | None]
    load: Callable[[], Any]
    command: Callable[[], str]

    def fault(self) -> str:
        """Return what is wrong with it on this machine, empty if it can be used."""
        commit = self.found()
        if commit is None:
            return 'not installed'
        if commit != self.commit:
            return f'at {commit[:7]}, wanted {self.commit[:7]}'
        try:
            self.load()
        except WeightsError as error:
            return str(error).removesuffix(f'; {self.command()}')
        return ''


def unidepth_models() -> ModuleType:
    """
    Import UniDepth's models.

    :raises WeightsError: if the package, or one that it needs, is missing
    """
    try:
        with foreign_code():
            return importlib.import_module('unidepth.models')
    except FAULTS as error:
        raise WeightsError(
            f'UniDepth cannot be imported ({first_line(error)}); {unidepth_command()}'
        ) from error


def unidepth_commit() -> str | None:
    """Return the installed commit of UniDepth; see :func:`installed_commit`."""
    return installed_commit('unidepth')


def installed_commit(name: str) -> str | None:
    """Return the commit that pip installed from, ``unknown``, or None if it is not installed."""
    try:
        text = importlib.metadata.distribution(name).read_text('direct_url.json')
    except importlib.metadata.PackageNotFoundError:
        return None
    return json.loads(text or '{}').get('vcs_info', {}).get('commit_id', 'unknown')


def unidepth_command() -> str:
    """Return the command to install UniDepth without changing the installed torch."""
    unidepth = f"'unidepth @ git+https://github.com/lpiccinelli-eth/UniDepth@{UNIDEPTH_COMMIT}'"
    return (
        f'pip install einops==0.8.2 {MATPLOTLIB} wandb==0.28.0 && '
        f'pip install --no-deps {TIMM} {torchvision()} {unidepth}'
    )


def metric3d_network(architecture: str = 'metric3d_vit_small') -> Any:
    """
    Build a network of Metric3D's checkout, with random weights.

    :raises WeightsError: if the checkout is missing or at another commit, or a package that it
        needs is missing
    """
    commit = metric3d_commit()
    if commit != METRIC3D_COMMIT:
        found = 'not on this machine' if commit is None else f'at {commit}'
        raise WeightsError(f'the code of Metric3D is {found}; {metric3d_command()}')
    import torch.hub

    try:
        with foreign_code():
            return torch.hub.load(
                str(metric3d_folder()), architecture, source='local', pretrain=False
            )
    except FAULTS as error:
        # Its own loader only says that it found no function; the error before says why.
        before = error.__context__
        why = first_line(before if isinstance(before, Exception) else error)
        raise WeightsError(f'Metric3D cannot be imported ({why}); {metric3d_command()}') from error


def metric3d_folder() -> Path:
    """Return the folder in which torch.hub keeps the checkout of Metric3D."""
    import torch.hub

    return Path(torch.hub.get_dir()) / f'YvanYin_Metric3D_{METRIC3D_COMMIT}'


def metric3d_commit() -> str | None:
    """Return the commit of the checkout of Metric3D, None if there is none."""
    head = metric3d_folder() / '.git' / 'HEAD'
    if not head.is_file():
        return METRIC3D_COMMIT if (metric3d_folder() / 'hubconf.py').is_file() else None
    return head.read_text(encoding='utf-8').strip()


def metric3d_checkout_command() -> str:
    """Return the command to clone Metric3D into the folder where it is expected."""
    folder = metric3d_folder()
    return (
        f'git clone https://github.com/YvanYin/Metric3D {folder} && '
        f'git -C {folder} checkout {METRIC3D_COMMIT}'
    )


def metric3d_command() -> str:
    """Return the command to install Metric3D and what it needs, keeping the installed torch."""
    return (
        f'pip install addict==2.4.0 {MATPLOTLIB} termcolor==3.3.0 yapf==0.43.0 && '
        f'pip install --no-deps mmcv-lite==2.2.0 mmengine==0.10.7 {TIMM} {torchvision()} && '
        f'{metric3d_checkout_command()}'
    )


def torchvision() -> str:
    """
    Return the pip arguments for the torchvision that matches the installed torch.

    Each release of torch has one: 2.13.0 has 0.28.0. PyPI has those for PyPI's torch; a torch from
    PyTorch's own index (2.13.0+cpu) needs that of the same index. Only pip's version tells them
    apart, because torch itself reports 2.13.0+cu130 for PyPI's build, too.
    """
    release, _, build = importlib.metadata.version('torch').partition('+')
    found = re.match(r'2\.(\d+)\.(\d+)', release)
    pin = f'torchvision==0.{int(found[1]) + 15}.{found[2]}' if found else 'torchvision'
    if re.fullmatch(r'cpu|(cu|rocm)[\d.]+', build):
        pin += f' --extra-index-url {TORCH_INDEX}/{build}'
    return pin


UNIDEPTH = Package(
    name='UniDepth',
    priors=('unidepth_v1', 'unidepth_v2'),
    commit=UNIDEPTH_COMMIT,
    licence='CC BY-NC 4.0, NON-COMMERCIAL USE ONLY',
    found=unidepth_commit,
    load=unidepth_models,
    command=unidepth_command,
)
METRIC3D = Package(
    name='Metric3D',
    priors=('metric3d_v2',),
    commit=METRIC3D_COMMIT,
    licence='BSD-2-Clause; older texts of its authors say non-commercial',
    found=metric3d_commit,
    load=metric3d_network,
    command=metric3d_command,
)
PACKAGES = (UNIDEPTH, METRIC3D)
"""Packages that ``doctor`` looks for; the other priors need none of them."""
