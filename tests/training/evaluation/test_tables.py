# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables: the papers' figures as printed, ours only from files."""

import json
from pathlib import Path
import re

from depth_refiner_ros.core.errors import InputError
import pytest
from training.evaluation.protocols import PROTOCOLS
from training.evaluation.published import published_tables
from training.evaluation.summaries import Scores, set_of
from training.evaluation.tables import HEADINGS, lines_of, markdown

PAPERS = Path(__file__).resolve().parents[4] / 'shared/papers'
TABLES = published_tables()


def write_score(folder, protocol, row, *, align='none', value=0.5, **changes):
    """Write a summary whose every figure is one unlikely number."""
    content = {
        'row': row,
        'protocol': protocol,
        'align': align,
        **dict.fromkeys(HEADINGS, value),
        'std': dict.fromkeys(HEADINGS, value / 10),
        'images': {'compared': 641, 'lost': {'missing prediction': 11}, 'kept_prior': 3},
        'counts': {'edge_frames': 600, 'edge_fallbacks': 7, 'edge_skipped': {'sparse': 41}},
        **changes,
    }
    file = folder / 'scores' / protocol / f'{row}.json'
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return file


def lines_with(text, data_set, method):
    """Return the cells of the lines of a method on a data set."""
    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in text.splitlines()]
    return [line for line in cells if line[:2] == [data_set, method]]


def test_the_papers_have_these_tables():
    assert list(TABLES) == [
        *(f'sharpdepth_{number}' for number in (1, 2, 3, 6)),
        *(f'apdepth_{number}' for number in range(1, 7)),
    ]
    for table in TABLES.values():
        assert {len(row.values) for row in table.rows} == {len(table.columns)}
        assert set(table.protocols) <= set(PROTOCOLS)
        assert set(table.figures) <= set(HEADINGS)


@pytest.mark.parametrize(
    ('name', 'method', 'protocol', 'figure', 'printed'),
    [
        ('sharpdepth_1', 'SharpDepth', 'kitti', 'delta1', 0.97),
        ('sharpdepth_1', 'PatchRefiner', 'booster', 'abs_rel', 5.55),
        ('sharpdepth_2', 'SharpDepth', 'sintel', 'dbe_compl_px', 36.2),
        ('sharpdepth_2', 'PatchRefiner', 'unrealstereo4k', 'dbe_compl_px', 800.8),
        ('sharpdepth_2', 'Marigold', 'ibims', 'dbe_acc_px', 1.85),
        ('sharpdepth_3', 'C: w/o SDS loss', 'kitti', 'rmse_m', 2.28),
        ('sharpdepth_6', 'SharpDepth', 'kitti', 'rmse_m', 2.374),
        ('sharpdepth_6', 'UniDepth', 'nyu', 'delta1', 98.417),
        ('sharpdepth_6', 'SharpDepth', 'nuscenes', 'si_log', 25.584),
        ('apdepth_1', 'ApDepth', 'diode', 'abs_rel', 8.3),
        ('apdepth_1', 'DiverseDepth', 'diode', 'abs_rel', None),
        ('apdepth_2', 'DA2 small', 'kitti', 'abs_rel', 9.7),
        ('apdepth_6', 'both', 'kitti', 'delta1', 93.1),
    ],
)
def test_figures_of_the_papers(name, method, protocol, figure, printed):
    row = next(row for row in TABLES[name].rows if row.name == method)
    assert TABLES[name].printed(row, protocol, figure) == printed


@pytest.mark.data
@pytest.mark.skipif(
    not PAPERS.is_dir(), reason='the text of the papers is not beside the checkout'
)
def test_every_row_of_the_papers_is_in_their_text():
    for name, table in TABLES.items():
        text = (PAPERS / f'{name.split("_")[0]}.txt').read_text(encoding='utf-8')
        numbers = [
            re.findall(r'(?<![\w.])\d+\.\d+(?![\w.])', re.sub(r'</?u>', '', line))
            for line in text.splitlines()
        ]
        printed = {tuple(map(float, found[-width:])) for found in numbers for width in range(25)}
        for row in table.rows:
            values = [value for value in row.values if value is not None]
            per_line = 4 if name == 'sharpdepth_6' else len(values)
            for start in range(0, len(values), per_line):
                assert tuple(values[start : start + per_line]) in printed, (name, row.name, start)


def test_every_number_of_ours_comes_from_a_file(tmp_path):
    write_score(tmp_path, 'kitti', 'sharpdepth/refined', value=0.77131)
    text = markdown(Scores.read([tmp_path]))
    (line,) = lines_with(text, 'KITTI', 'SharpDepth')[:1]
    assert line == [
        'KITTI',
        'SharpDepth',
        'no',
        '0.97',
        '0.77 ± 0.08',
        '0.06',
        '0.77 ± 0.08',
        '641 of 652',
        '11',
        '3',
    ]
    measured = [cells for cells in text.splitlines() if '±' in cells]
    assert {tuple(cells.split(' | ')[:2]) for cells in measured} == {
        ('| KITTI', 'SharpDepth'),
        ('| KITTI', 'Ours'),
    }
    assert len(measured) == 3  # tables 1, 3 and 6
    (ours,) = lines_with(text, 'KITTI', 'Ours')
    assert ours[9:13] == [''] * 4, 'table 3 has edges of Sintel only'


def test_edge_fallbacks_and_images_without_edges_are_shown(tmp_path):
    write_score(tmp_path, 'sintel', 'sharpdepth/refined', value=2.0)
    text = markdown(Scores.read([tmp_path]))
    (line,) = lines_with(text, 'Sintel', 'SharpDepth')
    assert line[-5:] == ['641 of 1064', '11', '3', '7', '41']
    assert line[3:7] == ['1.94', '2.00 ± 0.20', '36.2', '2.0 ± 0.2']


def test_prior_aligned_and_refined_always_stand_together(tmp_path):
    write_score(tmp_path, 'nyu', 'apdepth/refined', align='depth')
    write_score(tmp_path, 'nyu', 'small/refined', align='disparity')
    scores = Scores.read([tmp_path])
    names = [line.name for line in lines_of(TABLES['apdepth_1'], scores)]
    assert names[-6:] == [
        'Depth Anything V2',
        'apdepth, aligned',
        'ApDepth',
        'small, prior',
        'small, aligned',
        'small, refined',
    ]
    text = markdown(scores)
    text = text[text.index('## ApDepth, table 1') :]
    blank = lines_with(text, 'NYUv2', 'small, aligned')[0]
    assert blank[3:] == [''] * len(blank[3:])
    assert lines_with(text, 'NYUv2', 'small, refined')[0][4] == '50.0 ± 5.0'


def test_ablations_hold_only_their_own_rows(tmp_path):
    write_score(tmp_path, 'nyu', 'lambda_1.6', align='depth')
    write_score(tmp_path, 'nyu', 'zoedepth', align='depth')
    scores = Scores.read([tmp_path])
    names = [line.name for line in lines_of(TABLES['apdepth_4'], scores)]
    assert names == [
        *(f'lambda {weight}' for weight in ('1.0', '1.6', '2.0')),
        'apdepth, prior',
        'apdepth, aligned',
        'lambda 0.6',
    ]
    assert 'zoedepth' in [line.name for line in lines_of(TABLES['apdepth_1'], scores)]


def test_aligned_and_metric_figures_are_not_mixed(tmp_path):
    write_score(tmp_path, 'kitti', 'apdepth/refined')
    text = markdown(Scores.read([tmp_path]))
    ap = text[text.index('## ApDepth, table 1') :]
    assert '±' not in ap
    sharp = text[text.index('## SharpDepth, table 1') : text.index('## SharpDepth, table 3')]
    assert lines_with(sharp, 'KITTI', 'apdepth, refined')[0][4] == '0.50 ± 0.05'


def test_own_images_have_a_table_of_their_own(tmp_path):
    write_score(tmp_path, 'frames', 'bundled/refined')
    text = markdown(Scores.read([tmp_path]))
    assert '## Own images' in text
    assert '| bundled/aligned |  |' in text
    assert '| bundled/refined | 0.5000 ± 0.0500 |' in text


def test_own_images_fitted_to_the_truth_or_not_have_lines_of_their_own(tmp_path):
    """One of the two was left out, and the other did not say which it was."""
    write_score(tmp_path / 'a', 'frames', 'mine', value=0.5)
    write_score(tmp_path / 'b', 'frames', 'mine', align='depth', value=0.25)
    text = markdown(Scores.read([tmp_path / 'a', tmp_path / 'b']))
    assert '| mine | 0.5000 ± 0.0500 |' in text
    assert '| mine, fitted | 0.2500 ± 0.0250 |' in text


def test_bad_summaries_are_named(tmp_path):
    with pytest.raises(InputError, match='has no scores'):
        Scores.read([tmp_path])
    file = write_score(tmp_path, 'nyu', 'a')
    with pytest.raises(InputError, match='both hold row a on nyu'):
        Scores.read([tmp_path, tmp_path])
    file.write_text('{"row": "a"')
    with pytest.raises(InputError, match=r'a\.json is not a summary'):
        Scores.read([tmp_path])


def test_sets():
    assert [set_of(row) for row in ('a/prior', 'a/b', 'a', 'a/refined')] == ['a', '', '', 'a']
