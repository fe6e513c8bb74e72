# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Write the tables of the documentation from the result files and bundles that they summarise.

``python scripts/doc_tables.py`` fills the blocks between ``<!-- NAME -->`` and ``<!-- /NAME -->``
of README.md, docs/benchmarks/README.md and the model card from ``docs/benchmarks/*.json`` and the
bundles. It needs only the standard library; a test fails if a table is out of date.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import product
import json
from pathlib import Path
import re
import statistics
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / 'docs' / 'benchmarks'
WEIGHTS = ROOT / 'depth_refiner_ros' / 'weights'
DEPTH_ROWS = (
    ('held-out rooms, smeared prior', 'rooms_smeared', 'rooms:950000:20 --prior smeared'),
    ('held-out rooms, bundled prior', 'rooms_bundled', 'rooms:950000:20'),
    ('held-out rooms, exact depth as prior', 'rooms_sensor', 'rooms:950000:20 --prior sensor'),
    ('real photographs indoors, smeared prior', 'real_smeared', 'frames.json --prior smeared'),
    ('real photographs indoors, bundled prior', 'real_bundled', 'frames.json'),
)
REFINERS = {
    'apdepth': ('', ''),
    'apdepth, quick': ('_quick', ' --refiner-weights quick'),
    'sharpdepth': ('_sharpdepth', ' --refiner sharpdepth'),
}
"""Bundled refiners, with what the names of their results end in and the options for them."""
QUICK_PRIOR = ' --prior-weights quick'
"""Beside the quick refiner, in the rows of the bundled prior."""
BOUNDED = (('apdepth', 'vae'), ('apdepth', 'tiny'), ('sharpdepth', 'vae'), ('sharpdepth', 'tiny'))

VIEW_FIGURES = (('psnr_db', 'PSNR, dB', 2), ('ssim', 'SSIM', 4))


def depth_table() -> str:
    """Return prior and refined depth against the truth, from the results of ``eval``."""
    rows = []
    for (what, name, source), (refiner, (end, option)) in product(DEPTH_ROWS, REFINERS.items()):
        result = _result(name + end)
        scene = result['per_scene'].get('indoor') or result['overall']
        if end == '_quick' and name.endswith('_bundled'):
            option = QUICK_PRIOR + option
        prior, refined, spread = scene['prior'], scene['refined'], scene['std']['refined']
        rows.append(
            (
                what,
                refiner,
                scene['frames'],
                f'{prior["abs_rel"]:.3f}',
                f'{refined["abs_rel"]:.3f} ± {spread["abs_rel"]:.3f}',
                f'{prior["dbe_acc_px"]:.2f}',
                f'{refined["dbe_acc_px"]:.2f}',
                f'{prior["dbe_compl_px"]:.1f}',
                f'{refined["dbe_compl_px"]:.1f} ± {spread["dbe_compl_px"]:.1f}',
                f'`depth-refiner eval {source}{option} --precision fp32`',
            )
        )
    head = (
        'what',
        'refiner',
        'frames',
        'AbsRel prior',
        'AbsRel refined',
        'edge accuracy prior, px',
        'refined',
        'edge completeness prior, px',
        'refined',
        'made by',
    )
    return _table(head, rows)


def degraded_table() -> str:
    """Return degraded depth before and after refinement, from ``degradations.py``."""
    rows = []
    for kind, found in _result('real_degradations').items():
        prior, refined = found['prior'], found['refined']
        spread = found['std']['refined']
        figures = [
            (
                f'{prior[name]:.{digits}f}',
                f'{refined[name]:.{digits}f} ± {spread[name]:.{digits}f}',
                f'{refined[name] / prior[name]:.2f}' if prior[name] else '–',
            )
            for name, digits in (('abs_rel', 4), ('dbe_acc_px', 2), ('dbe_compl_px', 1))
        ]
        rows.append((kind, *(cell for three in figures for cell in three)))
    head = ('kind', 'AbsRel prior', 'refined', 'ratio', 'edge accuracy prior, px', 'refined')
    return _table((*head, 'ratio', 'edge completeness prior, px', 'refined', 'ratio'), rows)


def speed_table() -> str:
    """Return the stages of a frame with the bundled networks, from the result of ``bench``."""
    found = [_result(name)['stages'] for name in ('bench_cpu', 'bench_quick')]
    rows = [
        (name, *(f'{stages[name][share]:.1f}' for stages in found for share in ('p50', 'p95')))
        for name in found[0]
    ]
    return _table(('stage', 'bundled: p50, ms', 'p95, ms', 'quick: p50, ms', 'p95, ms'), rows)


def bounds_table() -> str:
    """Return the least times by device, from the result of ``bench --bounds``."""
    found: dict[str, dict[tuple[str, str], dict[str, float]]] = {}
    for row in _result('bounds')['bounds']:
        found.setdefault(row['device'], {})[row['method'], row['codec']] = row['bound_ms']
    rows = [
        (
            device,
            *(f'{bounds[column]["refiner"]:.1f}' for column in BOUNDED),
            f'{bounds[BOUNDED[0]]["prior"]:.1f}',
        )
        for device, bounds in found.items()
    ]
    head = ('device', 'ApDepth', 'ApDepth, small codec', 'SharpDepth')
    return _table((*head, 'SharpDepth, small codec', 'prior L'), rows)


def full_size_table() -> str:
    """Return the stages at true size, from the result of ``bench --full-size``."""
    result = _result('full_size_cpu')
    rows = [
        (
            name,
            _number(row.get('gflop'), 0),
            _number(row['p50'] / 1e3, 2),
            _number(_measured(row['bound_ms']), 2, 1e-3),
            _number(_measured(row['ratio']), 2),
        )
        for name, row in result['stages'].items()
    ]
    rows += [
        (
            f'{row["name"]}, {row["steps"]} step (no prior, one encoding)',
            '–',
            f'{row["p50"] / 1e3:.2f}',
            '–',
            '–',
        )
        for row in result['diffusers']
    ]
    return _table(('stage', 'GFLOP', 's', 'least s', 'ratio'), rows)


def bundles_table() -> str:
    """Return size and parameters of the bundled networks, from their files."""
    what = {
        'prior': 'metric depth from one image and its intrinsics (`priors/network.py`)',
        'apdepth': "ApDepth's one-step UNet on unshuffled pixels (`diffusion/small.py`): "
        'prior and image in, sharp depth out',
        'apdepth_quick': 'the same with half of the operations (`refiner_weights: quick`)',
        'sharpdepth': "SharpDepth's UNet of the same kind, and its teacher for the first pass",
    }
    rows = []
    for name, text in what.items():
        files = sorted((WEIGHTS / name).glob('*/*.safetensors'))
        count = sum(map(_parameters, files)) / 1e6
        size = sum(file.stat().st_size for file in files) / 1e6
        rows.append((f'`{name}/`', text, f'{count:.1f} M', f'{size:.1f} MB'))
    return _table(('bundle', 'what', 'parameters', 'file'), rows)


MAP_FIGURES = (
    ('accuracy_mean_mm', 'accuracy, mm', 1),
    ('completeness_mean_mm', 'completeness, mm', 1),
    ('f_score_2cm', 'F-score at 2 cm', 3),
    ('f_score_5cm', 'at 5 cm', 3),
    ('temporal_error_percent', 'TAE, %', 2),
    ('scale_step_percent', 'scale step, %', 2),
)


def maps_table() -> str:
    """Return the meshes of one sequence fused in several ways, from ``compare_maps.py``."""
    places = _mapped_places()
    rows = []
    for what, found in places.items():
        for name in next(iter(found.values()))[0]:
            if 'min_trust' not in name:
                means = [
                    _mean_with_spread(found, name, key, digits) for key, _, digits in MAP_FIGURES
                ]
                rows.append((what, name, *means))
    return _table(('what', 'depth', *(label for _, label, _ in MAP_FIGURES)), rows)


def trust_table() -> str:
    """Return the meshes of refined depth by the trust that a surface needs, from the same."""
    ways = (
        ('equal', '', 'scale held'),
        *(('`precision`', trust, f'min_trust {trust}') for trust in ('0', '0.02')),
        ('`precision`', '0.03 (default)', 'scale held, weighed'),
        ('`precision`', '0.1', 'min_trust 0.1'),
    )
    places = _mapped_places()
    rows = [
        (
            weights,
            trust,
            *(
                ', '.join(
                    _mean_with_spread(found, f'refined, {way}', key, digits, spread=False)
                    for key, _, digits in MAP_FIGURES[:4]
                )
                for found in reversed(places.values())
            ),
        )
        for weights, trust, way in ways
    ]
    return _table(('weights', '`min_trust`', *reversed(places)), rows)


Rows = dict[str, dict[str, float]]


def _mapped_places() -> dict[str, dict[str, list[Rows]]]:
    """Return the draws of each source, the kitchen apart from the rooms."""
    draws: dict[str, list[Rows]] = defaultdict(list)
    for path in sorted(RESULTS.glob('maps/*.json')):
        result = json.loads(path.read_text(encoding='utf-8'))
        draws[result['source']].append(result['rows'])
    rooms = {source: found for source, found in draws.items() if source.startswith('simulated')}
    kitchen = {source: found for source, found in draws.items() if source not in rooms}
    return {'real kitchen': kitchen, f'{len(rooms)} rooms': rooms}


def _mean_with_spread(
    found: dict[str, list[Rows]], name: str, key: str, decimals: int, *, spread: bool = True
) -> str:
    means = [statistics.mean(draw[name][key] for draw in draws) for draws in found.values()]
    wide = f' ± {statistics.stdev(means):.{decimals}f}' if spread and len(means) > 1 else ''
    return f'{statistics.mean(means):.{decimals}f}{wide}'


def views_table() -> str:
    """Return new views of maps of splats, from the results of ``views``."""
    rows = []
    for path in sorted(RESULTS.glob('views/*.json')):
        result = json.loads(path.read_text(encoding='utf-8'))
        for key, label, decimals in VIEW_FIGURES:
            found = result['means'][key]
            cells = [
                f'{found[name]["mean"]:{sign}.{decimals}f} ± {found[name]["std"]:.{decimals}f}'
                for name, sign in (('prior', ''), ('refined', ''), ('difference', '+'))
            ]
            better = f'{found["difference"]["better"]} of {result["views_held_back"]}'
            prior = result['settings']['model']['prior']
            rows.append((result['source'], prior, label, *cells, better))
    head = ('recording', 'prior', 'figure', 'prior depth', 'refined depth', 'difference')
    return _table((*head, 'views in which refined is better'), rows)


def delivery_table() -> str:
    """Return how many large messages arrive, from ``delivery.py``."""
    result = _result('delivery')
    rows = [
        (
            'shipped' if row['shipped_profile'] else "Fast DDS' own",
            row['receiver'],
            *(
                f'{row[name]["arrived"]} of {result["messages"]}, '
                f'{_number(row[name]["p50_ms"], 0)} / {_number(row[name]["p99_ms"], 0)} ms'
                for name in ('points', 'depth/image')
            ),
        )
        for row in result['rows']
    ]
    head = ('profile', 'receiver', 'clouds of 4.9 MB, p50 / p99', 'depth of 1.2 MB, p50 / p99')
    return _table(head, rows)


def training_steps_table() -> str:
    """Return the time and memory of a training step at true size, from ``training/bench.py``."""
    rows = [
        (
            f'`{row["case"]}`',
            row['weights'],
            row['computed_in'],
            'yes' if row['recompute'] else 'no',
            f'{row["seconds_per_step"]:.1f}',
            f'{row["peak_memory_gb"]:.1f}',
        )
        for row in _result('true_size_training_cpu')
    ]
    head = ('case', 'weights', 'computed in', 'recomputed activations', 's a step', 'peak, GB')
    return _table(head, rows)


BLOCKS: dict[str, Callable[[], str]] = {
    'DEPTH': depth_table,
    'DEGRADED': degraded_table,
    'SPEED': speed_table,
    'BOUNDS': bounds_table,
    'FULL_SIZE': full_size_table,
    'BUNDLES': bundles_table,
    'MAPS': maps_table,
    'TRUST': trust_table,
    'DELIVERY': delivery_table,
    'VIEWS': views_table,
    'STEPS': training_steps_table,
}
PAGES = {
    ROOT / 'docs' / 'evaluation.md': ('DEGRADED',),
    ROOT / 'docs' / 'mapping.md': ('MAPS', 'TRUST'),
    ROOT / 'docs' / 'views.md': ('VIEWS',),
    ROOT / 'docs' / 'training.md': ('STEPS',),
    ROOT / 'README.md': ('DEPTH', 'SPEED'),
    RESULTS / 'README.md': ('BOUNDS', 'FULL_SIZE', 'DELIVERY'),
    WEIGHTS / 'README.md': ('BUNDLES', 'DEPTH'),
}


def filled(text: str, names: Sequence[str]) -> str:
    """
    Return a page with updated blocks.

    :raises ValueError: if a block is not on the page exactly once
    """
    for name in names:
        pattern = re.compile(rf'<!-- {name} -->\n.*?<!-- /{name} -->', re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f'the block {name} must be on the page once')
        block = f'<!-- {name} -->\n{BLOCKS[name]()}<!-- /{name} -->'
        text = pattern.sub(lambda _, block=block: block, text)
    return text


def main() -> None:
    """Write every page."""
    for path, names in PAGES.items():
        path.write_text(filled(path.read_text(encoding='utf-8'), names), encoding='utf-8')


def _result(name: str) -> Any:
    return json.loads((RESULTS / f'{name}.json').read_text(encoding='utf-8'))


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(map(str, line))} |\n' for line in lines)


def _measured(by_device: dict[str, float | None]) -> float | None:
    """Return the ratio to the measured limits of this machine, the last of the devices."""
    return list(by_device.values())[-1] if by_device else None


def _number(value: float | None, decimals: int, factor: float = 1.0) -> str:
    return '–' if value is None else f'{value * factor:.{decimals}f}'


def _parameters(file: Path) -> int:
    """Return the number of values in a safetensors file by its header."""
    with file.open('rb') as stream:
        size = int.from_bytes(stream.read(8), 'little')
        header = json.loads(stream.read(size))
    count = 0
    for name, tensor in header.items():
        if name != '__metadata__':
            values = 1
            for side in tensor['shape']:
                values *= side
            count += values
    return count


if __name__ == '__main__':
    main()
