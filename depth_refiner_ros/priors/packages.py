"""
Priors whose code is a package of its own: pinned by commit, imported only when asked.

Nothing of these is installed with this package: UniDepth brings torchvision, which must match
torch's build, and Metric3D is no package at all but a checkout.
"""

from collections.abc import Callable
from dataclasses import dataclass
import importlib
import importlib.metadata
import json
from pathlib import Path
from types import ModuleType

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.bundle import first_line

UNIDEPTH_COMMIT = '8d8cfe4c7ee15297099983607febf0d4f32eb3d6'
METRIC3D_COMMIT = 'eb5b6fac0dc155e4e52f576e304fbf11655ff339'


def unidepth_command() -> str:
    """Say how to install UniDepth beside any build of torch."""
    return (
        "pip install --no-deps 'unidepth @ git+https://github.com/lpiccinelli-eth/UniDepth@"
        f"{UNIDEPTH_COMMIT}' && pip install einops timm wandb matplotlib torchvision (the "
        "torchvision of torch's own build: --index-url https://download.pytorch.org/whl/cpu, "
        'or /cu130)'
    )


def metric3d_folder() -> Path:
    """Return where torch.hub keeps the checkout of Metric3D."""
    import torch.hub

    return Path(torch.hub.get_dir()) / f'YvanYin_Metric3D_{METRIC3D_COMMIT}'


def metric3d_command() -> str:
    """Say how to make the checkout of Metric3D where it is looked for."""
    folder = metric3d_folder()
    return (
        f'git clone https://github.com/YvanYin/Metric3D {folder} && git -C {folder} checkout '
        f'{METRIC3D_COMMIT} && pip install mmengine timm'
    )


def import_unidepth() -> ModuleType:
    """
    Import UniDepth's models.

    :raises WeightsError: where the package, or one that it needs, is missing
    """
    try:
        return importlib.import_module('unidepth.models')
    except (ImportError, RuntimeError) as error:
        # A torchvision of another build than torch's fails with a RuntimeError.
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


def metric3d_commit() -> str | None:
    """Return the commit of the checkout of Metric3D, or None where there is no such folder."""
    head = metric3d_folder() / '.git' / 'HEAD'
    if not head.is_file():
        return METRIC3D_COMMIT if (metric3d_folder() / 'hubconf.py').is_file() else None
    return head.read_text(encoding='utf-8').strip()


@dataclass(frozen=True, kw_only=True)
class Package:
    """
    Code that a prior needs from elsewhere.

    :param name: for people
    :param priors: who needs it
    :param commit: the one that the adapter was written for
    :param licence: of the code
    :param found: gives the commit on this machine, None where there is none
    :param command: gives what to type to get it
    """

    name: str
    priors: tuple[str, ...]
    commit: str
    licence: str
    found: Callable[[], str | None]
    command: Callable[[], str]


PACKAGES = (
    Package(
        name='UniDepth',
        priors=('unidepth_v1', 'unidepth_v2'),
        commit=UNIDEPTH_COMMIT,
        licence='CC BY-NC 4.0, NON-COMMERCIAL USE ONLY',
        found=unidepth_commit,
        command=unidepth_command,
    ),
    Package(
        name='Metric3D',
        priors=('metric3d_v2',),
        commit=METRIC3D_COMMIT,
        licence='BSD-2-Clause',
        found=metric3d_commit,
        command=metric3d_command,
    ),
)
"""What ``doctor`` looks for; none of it is needed by the other priors."""
