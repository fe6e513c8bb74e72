# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Print hashes of seeded results: ``python scripts/seeded_numbers.py > numbers.json``.

A change that only moves or renames code must not change any line. Run it before and after, with
the same environment on the same machine, and compare the two files.
"""

from collections.abc import Iterator
import hashlib
import json
from pathlib import Path
import re
import subprocess
import sys
import tempfile

import yaml

ROOT = Path(__file__).resolve().parents[1]
MAIN = 'import sys; from depth_refiner_ros.cli.main import main; sys.exit(main())'
REFINE = ('--threads', '1', '--precision', 'fp32', '--backend', 'torch', '--panels', '0')
RUNS = {
    'refine': ('refine', 'sim:7:2', *REFINE),
    'refine_bf16': ('refine', 'sim:7:2', *REFINE, '--precision', 'bf16'),
    'refine_smeared': ('refine', 'sim:8:2', *REFINE, '--prior', 'smeared'),
    'refine_sensor': ('refine', 'sim:8:1', *REFINE, '--prior', 'sensor'),
    'refine_none': ('refine', 'sim:9:1', *REFINE, '--refiner', 'none'),
    'fuse_sensor': ('fuse', 'sim:900000:6', *REFINE[:-2], '--prior', 'sensor'),
}
SIZES = {b'float': 4, b'uchar': 1}
ROOMS = ('--rooms', '2', '--views', '1', '--first-seed', '10', '--width', '96', '--height', '96')
SMALL_DATA = ('crop_width=64', 'crop_height=48', 'width=64', 'height=64', 'min_zoom=1.0')
TRAINING = 'metric_prior_coarse', 'apdepth_small'


def run(*command: str, folder: Path) -> None:
    """Run a program of the checkout in a folder."""
    environment = {'PATH': '/usr/bin:/bin', 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1'}
    subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, check=True, stdout=sys.stderr
    )


def hashes(folder: Path, *patterns: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the digest of each file."""
    for path in sorted(path for pattern in patterns for path in folder.rglob(pattern)):
        data = path.read_bytes()
        if path.suffix == '.ply':
            data = _vertices_in_order(data)
        yield str(path.relative_to(folder)), hashlib.sha256(data).hexdigest()[:16]


def _vertices_in_order(ply: bytes) -> bytes:
    """Return the sorted vertices of a mesh, because Open3D's threads write them in any order."""
    header, _, body = ply.partition(b'end_header\n')
    count = int(re.search(rb'element vertex (\d+)', header).group(1))  # type: ignore[union-attr]
    size = sum(SIZES[kind] for kind in re.findall(rb'property (float|uchar) ', header))
    return b''.join(sorted(body[i * size : (i + 1) * size] for i in range(count)))


def trained(name: str, rooms: Path, folder: Path) -> dict[str, object]:
    """Return losses and weights of a run of two steps."""
    config = ROOT / f'training/configs/{name}.yaml'
    sets = yaml.safe_load(config.read_text())['data']
    paths = [
        f'{part}.{one}.path={rooms}' for part in ('train', 'validation') for one in sets[part]
    ]
    data = [f'data.{item}' for item in (*paths, *SMALL_DATA)]
    plain = (
        'steps=2',
        'batch=2',
        'log_every=1',
        'validate_every=2',
        'save_every=2',
        'validation_samples=2',
        'threads=1',
        f'output={folder}',
    )
    run(str(ROOT / 'training/run.py'), str(config), *data, *plain, folder=ROOT)
    rows = [json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines()]
    timed = ('seconds_per_step', 'data_seconds_per_step')
    losses = [{key: value for key, value in row.items() if key not in timed} for row in rows]
    return {'log': losses, **dict(hashes(folder, 'checkpoint/*.safetensors'))}


def main() -> None:
    """Run everything and print the digests."""
    numbers: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        for title, arguments in RUNS.items():
            run('-c', MAIN, *arguments, '--out', str(here / title), folder=here)
            numbers[title] = dict(hashes(here / title, '*.npy', '*.ply', 'trajectory.txt'))
        tool = next(ROOT.glob('training/*/render_rooms.py')).relative_to(ROOT).with_suffix('')
        run('-m', '.'.join(tool.parts), str(here / 'rooms'), *ROOMS, folder=ROOT)
        numbers['render_rooms'] = dict(hashes(here / 'rooms', '*.npy'))
        for title in TRAINING:
            numbers[title] = trained(title, here / 'rooms', here / title)
    print(json.dumps(numbers, indent=1))


if __name__ == '__main__':
    main()
