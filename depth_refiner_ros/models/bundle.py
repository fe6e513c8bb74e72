# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Weight bundles: a folder of safetensors and JSON with a manifest of hashes.

Nothing is ever unpickled. A bundle is refused before a network is built if a file is missing,
differs from its hash or is not listed, or if a weight is not finite.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
import hashlib
import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.atomic import check_writable, staged_folder
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.licence import is_non_commercial
from depth_refiner_ros.core.messages import first_line, shown
from depth_refiner_ros.core.places import entered_path
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
import torch

MANIFEST = 'bundle.json'
FORMAT = 1
WEIGHTS = Path(__file__).resolve().parents[1] / 'weights'
BUNDLED = {
    'prior': 'prior',
    'apdepth': 'refiner',
    'apdepth_quick': 'refiner',
    'sharpdepth': 'refiner',
}
"""Folder of each bundle that comes with the package, and its kind."""
BEST, QUICK = 'bundled', 'quick'
"""What options call them: the most accurate ones, and those that take half of the time."""
PICKLES = ('.bin', '.ckpt', '.pickle', '.pkl', '.pt', '.pth')


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """
    An opened, verified bundle.

    :param path: its folder
    :param kind: ``prior`` or ``refiner``
    :param manifest: content of ``bundle.json``
    """

    path: Path
    kind: str
    manifest: Mapping[str, Any]

    @property
    def size_bytes(self) -> int:
        """Return the size of all weight files."""
        return sum((self.path / name).stat().st_size for name in self.manifest['sha256'])

    @property
    def non_commercial(self) -> bool:
        """Whether the licence rules out commercial use."""
        return is_non_commercial(self.manifest['licence'])

    def describe(self) -> str:
        """Return one line: kind, name, licence, size, place and source."""
        where = 'bundled' if self.path.parent == WEIGHTS else self.path
        use = ' (no commercial use)' if self.non_commercial else ''
        source = f', from {self.manifest["source"]}' if 'source' in self.manifest else ''
        return (
            f'{self.kind} {self.manifest["name"]}: {self.manifest["licence"]}{use}, '
            f'{self.size_bytes / 1e6:.1f} MB, {where}{source}'
        )

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        """
        Read one safetensors file.

        :raises WeightsError: if it is not part of the bundle, cannot be read, or holds a
            value that is not finite
        """
        file = self._listed(name)
        try:
            state = load_file(file)
        except (SafetensorError, OSError) as error:
            raise WeightsError(
                f'{file} is not readable safetensors: {error}; copy the bundle again'
            ) from error
        for key, value in state.items():
            if not bool(torch.isfinite(value).all()):
                raise WeightsError(
                    f'{file}: {key} holds NaN or infinite values; '
                    'export the bundle again from a sound checkpoint'
                )
        return state

    def json(self, name: str) -> dict[str, Any]:
        """
        Read one JSON file of the bundle.

        :raises WeightsError: if it is not part of the bundle or not readable
        """
        return read_json(self._listed(name))

    def _listed(self, name: str) -> Path:
        if name not in self.manifest['sha256']:
            raise WeightsError(
                f'{self.path / name} is not listed in {MANIFEST}; it is a bundle of another kind'
            )
        return self.path / name


def is_bundle(where: str | Path) -> bool:
    """Whether this names a bundle: a folder with a manifest, ``bundled`` or ``quick``."""
    return str(where) in (BEST, QUICK) or (entered_path(where) / MANIFEST).is_file()


def bundle_folder(where: str | Path, kind: str, method: str = 'apdepth') -> Path:
    """Return the folder of a bundle; see :func:`open_bundle` for the parameters."""
    if str(where) in (BEST, QUICK):
        return WEIGHTS / _bundled(kind, method, quick=str(where) == QUICK)
    return entered_path(where)


def open_bundle(where: str | Path, kind: str, method: str = 'apdepth') -> Bundle:
    """
    Open a bundle and verify every file against its manifest.

    :param where: a folder, or ``bundled`` or ``quick`` for weights that come with the package; a
        quick prior has the weights of the other
    :param kind: ``prior`` or ``refiner``
    :param method: which of the bundled refiners; the first of them, if there is none of it
    :raises WeightsError: if a file is missing, changed or unlisted, the kind differs, or there is
        no quick one
    """
    path = bundle_folder(where, kind, method)
    if not (path / MANIFEST).is_file():
        raise WeightsError(
            f'{path} has no {MANIFEST}; give a bundle folder, or use {BEST} or {QUICK}'
        )
    manifest = read_json(path / MANIFEST)
    if manifest.get('format') != FORMAT:
        raise WeightsError(
            f'{path / MANIFEST}: format {shown(manifest.get("format"))} is not '
            f'{FORMAT}; a newer bundle needs a newer version of this package'
        )
    if manifest.get('kind') != kind:
        raise WeightsError(
            f'{path} is a {shown(manifest.get("kind"))} bundle; a {shown(kind)} is needed'
        )
    for key, form in (('name', str), ('licence', str), ('sha256', dict)):
        if not isinstance(manifest.get(key), form):
            raise WeightsError(
                f'{path / MANIFEST} has no usable {shown(key)}; export the bundle again'
            )
    _verify(path, manifest['sha256'])
    return Bundle(path=path, kind=kind, manifest=manifest)


@contextmanager
def staged_bundle(
    path: Path,
    *,
    kind: str,
    name: str,
    licence: str,
    manifest: Mapping[str, Any],
    tensors: Mapping[str, Mapping[str, torch.Tensor]],
    configs: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str] | None = None,
) -> Iterator[Bundle]:
    """
    Yield a new, verified bundle; it moves to ``path`` once the block ends without an error.

    :param path: its folder; an older bundle there is replaced, and stays if the block fails
    :param manifest: further keys of ``bundle.json``
    :param tensors: file name to state dict
    :param configs: file name to JSON
    :param texts: file name to text, such as licences of others that the weights fall under
    :raises OutputError: if the folder cannot be written
    :raises WeightsError: if something other than a bundle is there
    """
    check_replaceable(path)
    with staged_folder(path) as staging:
        for file in (*configs, *tensors):
            (staging / file).parent.mkdir(parents=True, exist_ok=True)
        for file, config in configs.items():
            (staging / file).write_text(json.dumps(config, indent=1) + '\n')
        for file, state in tensors.items():
            save_tensors(state, staging / file)
        for file, text in (texts or {}).items():
            (staging / file).write_text(text, encoding='utf-8')
        hashes = {file: sha256(staging / file) for file in (*configs, *tensors, *(texts or {}))}
        head = {'format': FORMAT, 'kind': kind, 'name': name, 'licence': licence}
        (staging / MANIFEST).write_text(
            json.dumps({**head, **manifest, 'sha256': hashes}, indent=1) + '\n'
        )
        yield open_bundle(staging, kind)


def write_bundle(path: Path, **content: Any) -> Bundle:
    """Write a bundle completely or not at all; see :func:`staged_bundle` for the parameters."""
    with staged_bundle(path, **content) as staged:
        pass
    return replace(staged, path=path)


def save_tensors(tensors: Mapping[str, torch.Tensor], file: Path) -> None:
    """
    Write a safetensors file, within :func:`~depth_refiner_ros.core.atomic.staged_folder`.

    :raises OSError: if the disk is full
    """
    try:
        save_file({name: value.contiguous() for name, value in tensors.items()}, file)
    except SafetensorError as error:
        raise OSError(first_line(error)) from error


def check_replaceable(path: Path) -> None:
    """
    Refuse to write a bundle over something else, before the work whose result it is to hold.

    :raises WeightsError: if the path holds something other than a bundle
    :raises OutputError: if it cannot be written there
    """
    if path.exists() and not (path / MANIFEST).is_file():
        raise WeightsError(
            f'{path} exists and is not a bundle, so it is not replaced; choose another folder'
        )
    check_writable(path / MANIFEST)


def read_json(path: Path, fix: str = 'copy the bundle again') -> dict[str, Any]:
    """
    Read a JSON object.

    :param fix: what the user can do, for the message
    :raises WeightsError: if it is missing, broken, or not an object
    """
    try:
        tree = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise WeightsError(f'{path} is missing; {fix}') from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f'{path} is not readable JSON: {error}; {fix}') from error
    if not isinstance(tree, dict):
        raise WeightsError(f'{path} must hold a JSON object; {fix}')
    return tree


def sha256(path: Path) -> str:
    """Return a file's hash."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _bundled(kind: str, method: str, *, quick: bool) -> str:
    if kind != 'refiner':
        return kind
    known = method if BUNDLED.get(method) == kind else 'apdepth'
    if not quick:
        return known
    if f'{known}_{QUICK}' not in BUNDLED:
        raise WeightsError(
            f'there is no {QUICK} {known}; use refiner:=apdepth, or refiner_weights:={BEST}'
        )
    return f'{known}_{QUICK}'


def _verify(path: Path, hashes: Mapping[str, str]) -> None:
    for name, expected in hashes.items():
        file = path / name
        if Path(name).is_absolute() or '..' in Path(name).parts:
            raise WeightsError(f'{path / MANIFEST} lists {shown(name)} outside its folder')
        if not file.is_file():
            raise WeightsError(f'{file} is missing; copy the bundle again')
        if _hash_of(file) != expected:
            raise WeightsError(
                f'{file} differs from its sha256 in {MANIFEST} (truncated or '
                'changed); copy the bundle again'
            )
    for file in sorted(path.rglob('*')):
        if file.suffix.lower() in PICKLES:
            raise WeightsError(
                f'{file} is a pickle, which is never loaded; a bundle holds safetensors only'
            )
        if file.suffix == '.safetensors' and file.relative_to(path).as_posix() not in hashes:
            raise WeightsError(f'{file} is not listed in {MANIFEST}; copy the bundle again')


def _hash_of(file: Path) -> str:
    try:
        return sha256(file)
    except OSError as error:
        raise WeightsError(
            f'{file} is not readable: {error.strerror}; check its permissions'
        ) from error
