# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Priors whose code is a package of its own: pinned by commit, imported only when asked.

Nothing of these is installed with this package, and pip alone would put another torch in the
place of the one that is here: timm asks for torchvision, which asks for one torch only, and
mmengine would bring a second OpenCV. So what asks for such things is installed without its
dependencies, and everything else that the code imports is named.
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
from depth_refiner_ros.models.bundle import first_line
from depth_refiner_ros.priors.foreign_code import foreign_code

UNIDEPTH_COMMIT = '8d8cfe4c7ee15297099983607febf0d4f32eb3d6'
METRIC3D_COMMIT = 'eb5b6fac0dc155e4e52f576e304fbf11655ff339'
TIMM, MATPLOTLIB = 'timm==1.0.31', 'matplotlib==3.10.9'
TORCH_INDEX = 'https://download.pytorch.org/whl'
FAULTS = (ImportError, RuntimeError, AttributeError, OSError)
"""A torchvision of another build than torch's, or half a checkout, fails with the others."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """
    Code that a prior needs from elsewhere.

    :param name: for people
    :param priors: who needs it
    :param commit: the one that the adapter was written for
    :param licence: of the code
    :param found: gives the commit on this machine, None where there is none
    :param load: imports it; raises WeightsError where that fails
    :param command: gives what to type to get it
    """

    name: str
    priors: tuple[str, ...]
    commit: str
    licence: str
    found: Callable[[], str | None]
    load: Callable[[], Any]
    command: Callable[[], str]

    def fault(self) -> str:
        """Return what is wrong with it on this machine, nothing where it can be used."""
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

    :raises WeightsError: where the package, or one that it needs, is missing
    """
    try:
        with foreign_code():
            return importlib.import_module('unidepth.models')
    except FAULTS as error:
        raise WeightsError(
            f'UniDepth cannot be imported ({first_line(error)}); {unidepth_command()}'
        ) from error


def unidepth_commit() -> str | None:
    """Return the installed commit of UniDepth, ``unknown``, or None where it is not installed."""
    try:
        text = importlib.metadata.distribution('unidepth').read_text('direct_url.json')
    except importlib.metadata.PackageNotFoundError:
        return None
    return json.loads(text or '{}').get('vcs_info', {}).get('commit_id', 'unknown')


def unidepth_command() -> str:
    """Return how to install UniDepth beside the torch that is here."""
    unidepth = f"'unidepth @ git+https://github.com/lpiccinelli-eth/UniDepth@{UNIDEPTH_COMMIT}'"
    return (
        f'pip install einops==0.8.2 {MATPLOTLIB} wandb==0.28.0 && '
        f'pip install --no-deps {TIMM} {torchvision()} {unidepth}'
    )


def metric3d_network(architecture: str = 'metric3d_vit_small') -> Any:
    """
    Build a network of Metric3D's checkout, with random weights.

    :raises WeightsError: where the checkout is missing or at another commit, or a package that it
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
        # Its own loader says only that it found no function; what happened before says why.
        before = error.__context__
        why = first_line(before if isinstance(before, Exception) else error)
        raise WeightsError(f'Metric3D cannot be imported ({why}); {metric3d_command()}') from error


def metric3d_folder() -> Path:
    """Return where torch.hub keeps the checkout of Metric3D."""
    import torch.hub

    return Path(torch.hub.get_dir()) / f'YvanYin_Metric3D_{METRIC3D_COMMIT}'


def metric3d_commit() -> str | None:
    """Return the commit that the checkout of Metric3D is at, None where there is none."""
    head = metric3d_folder() / '.git' / 'HEAD'
    if not head.is_file():
        return METRIC3D_COMMIT if (metric3d_folder() / 'hubconf.py').is_file() else None
    return head.read_text(encoding='utf-8').strip()


def metric3d_checkout_command() -> str:
    """Return how to make the checkout of Metric3D where it is looked for."""
    folder = metric3d_folder()
    return (
        f'git clone https://github.com/YvanYin/Metric3D {folder} && '
        f'git -C {folder} checkout {METRIC3D_COMMIT}'
    )


def metric3d_command() -> str:
    """Return how to install what Metric3D needs beside the torch that is here, and itself."""
    return (
        f'pip install addict==2.4.0 {MATPLOTLIB} termcolor==3.3.0 yapf==0.43.0 && '
        f'pip install --no-deps mmcv-lite==2.2.0 mmengine==0.10.7 {TIMM} {torchvision()} && '
        f'{metric3d_checkout_command()}'
    )


def torchvision() -> str:
    """
    Return the torchvision of the torch that is here, and where such a build lies.

    Each release of torch has one: 2.13.0 has 0.28.0. PyPI has those of PyPI's torch; a torch from
    PyTorch's own index (2.13.0+cpu) needs its own. What pip knows tells them apart, torch itself
    calls PyPI's 2.13.0+cu130 too.
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
    licence='BSD-2-Clause',
    found=metric3d_commit,
    load=metric3d_network,
    command=metric3d_command,
)
PACKAGES = (UNIDEPTH, METRIC3D)
"""What ``doctor`` looks for; none of it is needed by the other priors."""
