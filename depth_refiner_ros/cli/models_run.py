"""The work of ``depth-refiner models``."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from depth_refiner_ros.bundle import MANIFEST, open_bundle
from depth_refiner_ros.cli.console import write_json
from depth_refiner_ros.core.errors import WeightsError
from rich.console import Console
from rich.table import Table

KINDS = {'prior': 'image to metric depth', 'refiner': 'sharper depth from image and prior'}


def run(folders: Sequence[Path], json: Path | None) -> None:
    """
    Print a table of bundles.

    :raises WeightsError: where a named folder holds no bundle
    """
    rows = [_row('bundled', kind) for kind in KINDS]
    rows += [_row(str(path), '') for folder in folders for path in bundle_paths(folder)]
    if json:
        write_json(json, {'bundles': rows})
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
    """Describe a bundle, or say what is wrong with it; without a kind, try each."""
    problem = ''
    for attempt in (kind,) if kind else KINDS:
        try:
            bundle = open_bundle(where, attempt)
        except WeightsError as error:
            problem = problem or str(error)
            continue
        return {'name': bundle.manifest['name'], 'kind': bundle.kind, 'path': str(bundle.path),
                'licence': bundle.manifest['licence'], 'size_mb': bundle.size_bytes / 1e6,
                'what_for': KINDS[bundle.kind], 'present': True, 'problem': ''}
    return {'name': where, 'kind': kind, 'path': where, 'licence': '', 'size_mb': None,
            'what_for': KINDS.get(kind, ''), 'present': False, 'problem': problem}
