"""
Weight bundles: a folder of safetensors and JSON with a manifest of hashes.

Nothing is unpickled, ever. A bundle that lacks a file, holds one too many, or whose bytes differ
from its manifest is refused by name before a network is built.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
import shutil
import tempfile
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
import torch

MANIFEST = 'bundle.json'
FORMAT = 1
WEIGHTS = Path(__file__).parent / 'weights'
PICKLES = ('.bin', '.ckpt', '.pickle', '.pkl', '.pt', '.pth')


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """
    An opened, verified bundle.

    :param path: its folder
    :param kind: ``prior`` or ``refiner``
    :param manifest: what ``bundle.json`` says
    """

    path: Path
    kind: str
    manifest: Mapping[str, Any]

    @property
    def size_bytes(self) -> int:
        """Give the size of all weight files."""
        return sum((self.path / name).stat().st_size for name in self.manifest['sha256'])

    def describe(self) -> str:
        """Give one line: what it is, licence, size, where from."""
        return (f'{self.kind} {self.manifest["name"]}: {self.manifest["licence"]}, '
                f'{self.size_bytes / 1e6:.1f} MB, {self.path}')

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        """
        Read one safetensors file.

        :raises WeightsError: where it is not part of the bundle or cannot be read
        """
        if name not in self.manifest['sha256']:
            raise WeightsError(f'{self.path / name} is not listed in {MANIFEST}; '
                               'the bundle is of another kind')
        try:
            return load_file(self.path / name)
        except (SafetensorError, OSError) as error:
            raise WeightsError(f'{self.path / name} is not readable safetensors: {error}; '
                               'copy the bundle again') from error

    def json(self, name: str) -> dict[str, Any]:
        """Read one JSON file of the bundle."""
        return _read_json(self.path / name)


def open_bundle(where: str | Path, kind: str) -> Bundle:
    """
    Open a bundle and verify every file against its manifest.

    :param where: a folder, or ``bundled`` for the weights that come with the package
    :param kind: ``prior`` or ``refiner``
    :raises WeightsError: where anything is missing, changed, foreign or of another kind
    """
    path = WEIGHTS / kind if str(where) == 'bundled' else Path(where).expanduser()
    if not (path / MANIFEST).is_file():
        raise WeightsError(f'{path} holds no {MANIFEST}; name a bundle folder or use bundled')
    manifest = _read_json(path / MANIFEST)
    if manifest.get('format') != FORMAT:
        raise WeightsError(f'{path / MANIFEST}: format {manifest.get("format")!r} is not {FORMAT}')
    if manifest.get('kind') != kind:
        raise WeightsError(f'{path} is a {manifest.get("kind")!r} bundle; a {kind!r} is needed')
    for key in ('name', 'licence', 'sha256'):
        if key not in manifest:
            raise WeightsError(f'{path / MANIFEST} lacks {key!r}; export the bundle again')
    _verify(path, manifest['sha256'])
    return Bundle(path=path, kind=kind, manifest=manifest)


def write_bundle(path: Path, *, kind: str, name: str, licence: str, manifest: Mapping[str, Any],
                 tensors: Mapping[str, Mapping[str, torch.Tensor]],
                 configs: Mapping[str, Mapping[str, Any]]) -> Bundle:
    """
    Write a bundle as a whole or not at all, and open it again.

    :param manifest: further keys of ``bundle.json``
    :param tensors: file name to state dict
    :param configs: file name to JSON
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=path.parent, prefix=f'.{path.name}.'))
    try:
        for file, config in configs.items():
            (staging / file).parent.mkdir(parents=True, exist_ok=True)
            (staging / file).write_text(json.dumps(config, indent=1) + '\n')
        for file, state in tensors.items():
            (staging / file).parent.mkdir(parents=True, exist_ok=True)
            save_file({key: value.contiguous() for key, value in state.items()}, staging / file)
        hashes = {file: sha256(staging / file) for file in (*configs, *tensors)}
        head = {'format': FORMAT, 'kind': kind, 'name': name, 'licence': licence}
        (staging / MANIFEST).write_text(
            json.dumps({**head, **manifest, 'sha256': hashes}, indent=1) + '\n')
        staging.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        staging.rename(path)
    except OSError as error:
        raise WeightsError(f'cannot write the bundle {path}: {error}') from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return open_bundle(path, kind)


def sha256(path: Path) -> str:
    """Give a file's hash."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _verify(path: Path, hashes: Mapping[str, str]) -> None:
    for name, expected in hashes.items():
        file = path / name
        if Path(name).is_absolute() or '..' in Path(name).parts:
            raise WeightsError(f'{path / MANIFEST} lists {name!r} outside its folder')
        if not file.is_file():
            raise WeightsError(f'{file} is missing; copy the bundle again')
        if sha256(file) != expected:
            raise WeightsError(f'{file} differs from its sha256 in {MANIFEST} (truncated or '
                               'changed); copy the bundle again')
    for file in sorted(path.rglob('*')):
        if file.suffix in PICKLES:
            raise WeightsError(f'{file} is a pickle, which is never loaded; a bundle holds '
                               'safetensors only')


def _read_json(path: Path) -> dict[str, Any]:
    try:
        tree = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise WeightsError(f'{path} is not readable JSON: {error}') from error
    if not isinstance(tree, dict):
        raise WeightsError(f'{path} must hold a JSON object')
    return tree
