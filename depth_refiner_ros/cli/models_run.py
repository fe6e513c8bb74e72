"""The work of ``depth-refiner models``."""

from collections.abc import Iterator, Sequence
import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.bundle import MANIFEST, open_bundle
from depth_refiner_ros.cli.console import write_json
from depth_refiner_ros.core.errors import WeightsError
from rich.console import Console
from rich.table import Table

KINDS = {'prior': 'image to metric depth', 'refiner': 'sharper depth from image and prior'}


def run(folders: Sequence[Path], json_file: Path | None) -> None:
    """
    Print a table of bundles.

    :raises WeightsError: where a named folder holds no bundle
    """
    rows = [_row('bundled', kind) for kind in KINDS]
    rows += [_row(str(path), _kind_of(path)) for folder in folders
             for path in bundle_paths(folder)]
    if json_file:
        write_json(json_file, {'bundles': rows})
    table = Table('bundle', 'kind', 'licence', 'size, MB', 'what for', 'present')
    for row in rows:
        size = '' if row['size_mb'] is None else f'{row["size_mb"]:.1f}'
        table.add_row(row['name'], row['kind'], row['licence'], size, row['what_for'],
                      'yes' if row['present'] else f'no: {row["problem"]}')
    Console().print(table)


def bundle_paths(folder: Path) -> Iterator[Path]:
    """
    Give a bundle itself, or the bundles directly inside a folder.

    :raises WeightsError: where there is none
    """
    if (folder / MANIFEST).is_file():
        yield folder
        return
    found = sorted(path.parent for path in folder.glob(f'*/{MANIFEST}'))
    if not found:
        raise WeightsError(f'{folder} is no bundle and holds none (a folder with {MANIFEST})')
    yield from found


def _row(where: str, kind: str) -> dict[str, Any]:
    """Describe a bundle, or say what is wrong with it."""
    try:
        bundle = open_bundle(where, kind)
    except WeightsError as error:
        return {'name': where, 'kind': kind, 'path': where, 'licence': '', 'size_mb': None,
                'what_for': KINDS[kind], 'present': False, 'problem': str(error)}
    return {'name': bundle.manifest['name'], 'kind': kind, 'path': str(bundle.path),
            'licence': bundle.manifest['licence'], 'size_mb': bundle.size_bytes / 1e6,
            'what_for': KINDS[kind], 'present': True, 'problem': ''}


def _kind_of(path: Path) -> str:
    """Give the kind that a manifest claims; an unreadable one is told when it is opened."""
    try:
        kind = json.loads((path / MANIFEST).read_text(encoding='utf-8')).get('kind')
    except (OSError, ValueError, AttributeError):
        kind = None
    return kind if kind in KINDS else 'refiner'
