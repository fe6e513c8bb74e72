# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``bench``: what it writes, and what it refuses."""

import json

from depth_refiner_ros.apps.hardware import processor
from depth_refiner_ros.bench import show as bench_show
from depth_refiner_ros.bench import sweep
from depth_refiner_ros.bench.run import steps_of
from depth_refiner_ros.core.errors import InputError
import pytest

from tests.cli.recordings import PLAIN
from tests.groups import COUNTED

SMALL = ('--width', '64', '--height', '48')


def test_configured_networks_have_counts_bounds_and_ratios(depth_refiner, tmp_path):
    ended = depth_refiner(
        'bench',
        *SMALL,
        '--frames',
        '2',
        '--threads',
        '1',
        '--precision',
        'fp32',
        '--json',
        'b.json',
        '--plots',
        'plots',
    )
    assert ended.returncode == 0, ended.stderr
    result = json.loads((tmp_path / 'b.json').read_text())
    assert result['kind'] == 'configured'
    networks = result['networks']
    assert list(networks) == ['prior', 'unet', 'align', 'cloud', 'refiner', 'frame']
    for name in ('prior', 'unet'):
        row = networks[name]
        assert row['gflop'] > 0
        assert row['weight_mb'] > 1
        bound_ms = row['bound_ms']['this CPU']
        assert row['ratio']['this CPU'] == pytest.approx(row['p50'] / bound_ms)
    assert networks['frame']['p50'] == result['stages']['total']['p50']
    assert result['speed']['torch']
    assert result['measured_on'] == result['machine']['processor'] == processor()
    assert processor().split(',')[0] in ended.stdout, 'the CPU stands beside the figures'
    assert set(result['contention']) == {'cores', 'others_share', 'load_average_before'}
    assert (tmp_path / 'plots' / 'networks.png').stat().st_size > 2000


def test_a_folder_of_plots_that_cannot_be_written_ends_bench_before_it_times(
    depth_refiner, tmp_path
):
    (tmp_path / 'file').touch()
    for place in ('file', 'file/plots'):
        ended = depth_refiner('bench', *SMALL, '--frames', '1', '--plots', place)
        assert (ended.returncode, ended.stdout) == (2, '')
        assert f'file is no folder, so that {place}/*.png cannot be written' in ended.stderr


@pytest.mark.slow
@pytest.mark.xdist_group(COUNTED)
def test_bounds_of_a_named_device(depth_refiner, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, 'SHORT_EDGES_PX', (252,))  # each is a pass of each prior
    ended = depth_refiner(
        'bench', '--bounds', '--against', 'rtx4090', '--json', 'b.json', '--plots', 'plots'
    )
    assert ended.returncode == 0, ended.stderr
    assert 'GeForce RTX' in ended.stdout
    result = json.loads((tmp_path / 'b.json').read_text())
    assert result['devices'][0]['tflop_per_s']['fp16'] == pytest.approx(165.2)
    assert [(row['method'], row['codec']) for row in result['bounds']] == [
        ('apdepth', 'vae'),
        ('apdepth', 'tiny'),
        ('sharpdepth', 'vae'),
        ('sharpdepth', 'tiny'),
    ]
    for row in result['bounds']:
        ms = row['bound_ms']
        assert ms['total'] == pytest.approx(ms['prior'] + ms['refiner'])
        assert ms['refiner'] == pytest.approx(ms['encode'] + ms['unet'] + ms['decode'])
    name = 'GeForce RTX 4090'
    loop = [row['bound_ms'][name] for row in result['steps'] if row['codec'] == 'vae']
    assert loop == sorted(loop)
    assert loop[3] - loop[2] == pytest.approx(10 * (loop[1] - loop[0]) * 4 / 3, rel=0.01)
    assert {row['prior'] for row in result['priors']} == {'S', 'B', 'L', 'G'}
    assert {path.name for path in (tmp_path / 'plots').iterdir()} == {
        'bounds_priors.png',
        'bounds_steps.png',
    }


@pytest.mark.parametrize(
    ('arguments', 'told'),
    [
        (('--bounds', '--against', 'gtx'), "device 'gtx' is unknown"),
        (('--frames', '100000', '--against', 'gtx'), "device 'gtx' is unknown"),
        (
            ('--frames', '100000', '--against', 'agx-xavier', '--precision', 'bf16'),
            'has no bf16 arithmetic',
        ),
        (('--full-size', 'apdepth', '--steps', '1,x'), "--steps '1,x' must be numbers"),
        (('--full-size', 'apdepth', '--device', 'cpu', '--precision', 'fp16'), 'fp16 is for GPUs'),
        (('--bounds', '--full-size', 'apdepth'), '--full-size has no effect with --bounds; leave'),
        (('--full-size', 'apdepth', '--graph'), '--graph has no effect with --full-size; leave'),
        (('--prior-sweep', 'S', '--codec', 'vae'), '--codec has no effect with --prior-sweep'),
        (('--steps', '1,4'), '--steps has no effect without --full-size; leave it out'),
        (('--graph', '--width', '1280'), '--graph times the nodes at 640x480 alone; leave out'),
        (('--prior-sweep', 'S,XL'), "prior size 'XL' must be one of S, B, L, G"),
    ],
)
def test_mistakes_are_told_in_one_line(depth_refiner, arguments, told):
    ended = depth_refiner('bench', *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(('text', 'steps'), [('1', (1,)), ('1, 4,10', (1, 4, 10)), ('0', ())])
def test_steps_are_read(text, steps):
    assert steps_of(text) == steps


def test_steps_that_are_none_are_refused(subtests):
    for text in ['', '0,1', '-1', '1.5', '²', '1001']:
        with subtests.test(text=text), pytest.raises(InputError, match='--steps'):
            steps_of(text)


def test_stage_table_writes_a_dash_where_nothing_is_known(capsys):
    rows = {
        'unet': {
            'calls': 2,
            'gflop': 970.0,
            'operand_mb': 2929.0,
            'p50': 3.0,
            'p95': 4.0,
            'bound_ms': {'H100': 1.5},
            'ratio': {'H100': 2.0},
        },
        'cloud': {'calls': 1, 'p50': 0.5, 'p95': 0.6, 'bound_ms': {}, 'ratio': {}},
    }
    table = bench_show.stage_table('a frame', rows)
    cells = [list(column.cells) for column in table.columns]
    assert [column.header for column in table.columns] == [
        'stage',
        'calls',
        'GFLOP',
        'MB',
        'p50, ms',
        'p95, ms',
        'least, H100',
        'ratio',
    ]
    assert [row[0] for row in cells] == [
        'unet',
        '2',
        '970',
        '2929',
        '3.00',
        '4.00',
        '1.50',
        '2.00',
    ]
    assert [row[1] for row in cells] == ['cloud', '1', '–', '–', '0.50', '0.60', '–', '–']


def test_bench_gives_each_stage_and_the_budget(depth_refiner, tmp_path):
    ended = depth_refiner('bench', *PLAIN, 'sensor', *SMALL, '--frames', '4', '--json', 'b.json')
    assert ended.returncode == 0, ended.stderr
    result = json.loads((tmp_path / 'b.json').read_text())
    assert {'convert', 'prior', 'edge filter', 'cloud', 'total'} <= set(result['stages'])
    assert all(0 <= ms['p50'] <= ms['p95'] for ms in result['stages'].values())
    limits = result['budget']
    assert limits['around_networks_limit_ms'] == pytest.approx(0.15)
    assert limits['total_limit_ms'] == pytest.approx(1000 / 8 / 100)
