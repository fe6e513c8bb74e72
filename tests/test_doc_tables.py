# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables of README, benchmarks and model card match their source files."""

import json
import re

from depth_refiner_ros.apps.scoring import FIGURES
from depth_refiner_ros.core.metrics import FIGURES as AVERAGED
from depth_refiner_ros.report.numbers import METRICS
import pytest

from tests.test_packaging import ROOT
from tests.test_scripts import script

CARD = ROOT / 'depth_refiner_ros' / 'weights' / 'README.md'


def test_no_table_is_older_than_its_file(subtests):
    tables = script('doc_tables')
    for path, names in tables.PAGES.items():
        with subtests.test(page=str(path.relative_to(ROOT))):
            text = path.read_text(encoding='utf-8')
            assert tables.filled(text, names) == text, 'run python scripts/doc_tables.py'


def test_a_wrong_figure_is_seen_and_a_lost_block_refused():
    tables = script('doc_tables')
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert tables.filled(text.replace('| 20 | 0.072', '| 20 | 0.071'), ('DEPTH',)) == text
    with pytest.raises(ValueError, match='block DEPTH'):
        tables.filled(text.replace('<!-- DEPTH -->', ''), ('DEPTH',))


def test_the_card_tells_the_training_that_the_bundles_record(subtests):
    card = CARD.read_text(encoding='utf-8')
    for name in ('prior', 'apdepth', 'sharpdepth'):
        with subtests.test(name=name):
            (row,) = re.findall(rf'^\| {name}, last part \| (.*) \|$', card, re.MULTILINE)
            told = [cell.strip() for cell in row.split('|')][1:5]
            record = json.loads((CARD.parent / name / 'bundle.json').read_text())['training']
            planned = record['config']['steps']
            steps = f'{record["steps"]:,}'
            if planned != record['steps']:
                steps += f' of {planned:,}'
            expected = [steps, f'{record["samples"]:,}', str(record['hours']), str(record['seed'])]
            assert told == expected


def test_reports_summaries_and_averages_speak_of_the_same_figures():
    assert FIGURES == tuple(metric.key for metric in METRICS)
    assert set(FIGURES) < set(AVERAGED), 'delta2 and delta3 are averaged and not shown'
