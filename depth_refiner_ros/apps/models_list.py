# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner models list``."""

from collections.abc import Iterator, Sequence
import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.places import entered_path
from depth_refiner_ros.models.bundle import BUNDLED, MANIFEST, open_bundle
from depth_refiner_ros.models.catalogue import Model, MODELS, where_found
from rich.console import Console
from rich.markup import escape
from rich.table import Table

KINDS = {'prior': 'image to metric depth', 'refiner': 'sharper depth from image and prior'}
QUICK_WAYS = {
    'prior': '; quicker: --prior-weights quick',
    'apdepth_quick': ' in half of the time: --refiner-weights quick',
}
"""Folder of a bundle that comes with the package to how it is quick; no bundle of a user's."""

TITLES = {
    'refiner': 'Refiners',
    'base': 'Starting points for training refiners',
    'prior': 'Priors',
    'encoder': 'Encoders used in training',
    'other': 'Models that the papers compare with',
}


def run(folders: Sequence[Path], json_file: Path | None) -> None:
    """
    Print a table of bundles, then one of all known models.

    :raises WeightsError: if a named folder holds neither
    """
    folders = list(map(entered_path, folders))
    known = [_known_row(model, folders) for model in MODELS]
    found = [row['path'] for row in known if row['path']]
    bundles = [_row('bundled', kind, name) for name, kind in BUNDLED.items()]
    bundles += [
        _row(str(path), _kind_of(path))
        for folder in folders
        for path in bundle_paths(folder, found)
    ]
    if json_file:
        write_json(json_file, {'bundles': bundles, 'models': known})
    _print_bundles(bundles)
    _print_known(known)


def bundle_paths(folder: Path, found: Sequence[str] = ()) -> Iterator[Path]:
    """
    Return a bundle itself, or the bundles directly inside a folder.

    :param found: folders of known releases; a folder that holds one of them needs no bundle
    :raises WeightsError: if there is neither
    """
    if (folder / MANIFEST).is_file():
        yield folder
        return
    inside = sorted(path.parent for path in folder.glob(f'*/{MANIFEST}'))
    if not inside and not any(Path(path).is_relative_to(folder) for path in found):
        raise WeightsError(
            f'{folder} neither is nor contains a bundle (a folder with {MANIFEST}) '
            'or a known release'
        )
    yield from inside


def _print_bundles(rows: Sequence[dict[str, Any]]) -> None:
    table = Table('bundle', 'kind', 'licence', 'size, MB', 'what for', 'present')
    for row in rows:
        cells = (
            row['name'],
            row['kind'],
            _licence(row),
            _size(row),
            row['what_for'],
            'yes' if row['present'] else f'no: {row["problem"]}',
        )
        table.add_row(*map(escape, cells))
    Console().print(table)


def _print_known(rows: Sequence[dict[str, Any]]) -> None:
    """Print two lines per model, so that ids are never cut and can be copied."""
    for kind, title in TITLES.items():
        say(f'\n{title}')
        for row in rows:
            if row['kind'] == kind:
                size = f'{row["size_mb"] / 1e3:.1f} GB' if row['size_mb'] else ''
                use = f'--{kind} {row["use"]}; ' if row['use'] else ''
                place = f'here: {row["path"]}' if row['present'] else f'not here ({row["get"]})'
                say(f'  {row["id"]:58}{size:>7}  {_licence(row)}')
                say(f'      {row["what_for"]}; {use}{place}')


def _licence(row: dict[str, Any]) -> str:
    return row['licence'] + (' (no commercial use)' if row['non_commercial'] else '')


def _size(row: dict[str, Any]) -> str:
    return '' if row['size_mb'] is None else f'{row["size_mb"]:.1f}'


def _known_row(model: Model, folders: Sequence[Path]) -> dict[str, Any]:
    path = where_found(model, folders)
    return {
        'id': model.id,
        'kind': model.kind,
        'use': model.use,
        'what_for': model.what_for,
        'licence': model.licence,
        'non_commercial': model.non_commercial,
        'size_mb': model.size_mb,
        'output': model.output,
        'get': model.get,
        'path': '' if path is None else str(path),
        'present': path is not None,
    }


def _row(where: str, kind: str, method: str = '') -> dict[str, Any]:
    """Return the row of a bundle, with a ``problem`` if it cannot be opened."""
    try:
        bundle = open_bundle(where, kind, method)
    except WeightsError as error:
        return {
            'name': where,
            'kind': kind,
            'path': where,
            'licence': '',
            'size_mb': None,
            'non_commercial': False,
            'source': '',
            'what_for': KINDS[kind],
            'present': False,
            'problem': str(error),
        }
    return {
        'name': bundle.manifest['name'],
        'kind': kind,
        'path': str(bundle.path),
        'licence': bundle.manifest['licence'],
        'size_mb': bundle.size_bytes / 1e6,
        'non_commercial': bundle.non_commercial,
        'source': bundle.manifest.get('source', ''),
        'what_for': KINDS[kind] + QUICK_WAYS.get(method, ''),
        'present': True,
        'problem': '',
    }


def _kind_of(path: Path) -> str:
    """Return the kind in a manifest; an unreadable one is reported when it is opened."""
    try:
        kind = json.loads((path / MANIFEST).read_text(encoding='utf-8')).get('kind')
    except (OSError, ValueError, AttributeError):
        kind = None
    return kind if kind in KINDS else 'refiner'
