# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Verdicts and tables against numbers that are worked out by hand."""

import math

import pytest
from training.evaluation.published import published_tables
from training.reproduction.apdepth import TABLE_3
from training.reproduction.studies import Claim
from training.reproduction.tables import figures_table, verdict_table
from training.reproduction.verdicts import spread_of, verdicts_of


def found(abs_rel, delta1=0.9, prior=0.5):
    """Return what a piece writes."""
    return {
        'prior': 'mild',
        'figures': {
            'mild/refined/abs_rel': abs_rel,
            'mild/refined/delta1': delta1,
            'mild/prior/abs_rel': prior,
            'smeared/refined/abs_rel': 99.0,
        },
    }


PIECES = {
    'one': {0: found(0.1, 0.95), 1: found(0.2, 0.94), 2: found(0.3, 0.93)},
    'two': {0: found(0.2, 0.94), 1: found(0.4, 0.95), 2: found(0.6, 0.90)},
}


def judged(better, worse, figure='abs_rel', pieces=PIECES):
    [verdict] = verdicts_of(Claim(better=better, worse=worse, figures=[figure], text=''), pieces)
    return verdict


def test_lower_errors_are_better():
    verdict = judged('one', 'two')
    assert verdict.gaps == pytest.approx({0: 0.1, 1: 0.2, 2: 0.3})
    assert (verdict.better, verdict.worse) == pytest.approx((0.2, 0.4))
    assert verdict.mean == pytest.approx(0.2)
    assert verdict.spread == pytest.approx(0.1)
    assert verdict.text == 'holds 3/3'
    assert judged('two', 'one').text == 'does not hold 0/3'


def test_a_claim_holds_only_if_it_does_in_every_seed():
    verdict = judged('one', 'two', 'delta1')
    assert verdict.gaps == pytest.approx({0: 0.01, 1: -0.01, 2: 0.03})
    assert verdict.text == 'does not hold 2/3'


def test_rows_within_a_hundredth_of_the_error_do_not_differ():
    assert judged('one', 'one').text == 'no difference'
    pieces = {'near': {0: found(0.1002)}, 'far': {0: found(0.0985)}, 'one': {0: found(0.101)}}
    assert judged('near', 'one', pieces=pieces).text == 'no difference'
    assert judged('one', 'near', pieces=pieces).text == 'no difference'
    assert judged('far', 'one', pieces=pieces).text == 'holds 1/1'
    assert judged('one', 'far', pieces=pieces).text == 'does not hold 0/1'
    some = {'one': {0: found(0.1), 1: found(0.1)}, 'two': {0: found(0.12), 1: found(0.1001)}}
    assert judged('one', 'two', pieces=some).text == 'does not hold 1/2'
    sharp = {'one': {0: found(0.1, 0.9004)}, 'two': {0: found(0.1, 0.8996)}}
    assert judged('one', 'two', 'delta1', sharp).text == 'no difference'


def test_only_seeds_that_both_have_count():
    pieces = {'one': PIECES['one'], 'two': {1: PIECES['two'][1], 7: found(0.0)}}
    verdict = judged('one', 'two', pieces=pieces)
    assert verdict.gaps == pytest.approx({1: 0.2})
    assert verdict.better == pytest.approx(0.2)
    assert (verdict.text, verdict.spread) == ('holds 1/1', None)


def test_without_figures_a_claim_is_pending():
    verdict = judged('one', 'three')
    assert (verdict.text, verdict.mean, verdict.better) == ('pending', None, None)
    assert judged('one', 'two', 'dbe_acc_px').text == 'pending'


def test_a_piece_is_compared_with_its_own_prior():
    verdict = judged('one', '')
    assert verdict.gaps == pytest.approx({0: 0.4, 1: 0.3, 2: 0.2})
    assert verdict.text == 'holds 3/3'


def test_the_spread_is_that_of_a_sample():
    assert spread_of([1.0, 2.0, 4.0]) == pytest.approx(math.sqrt(7.0 / 3.0))
    assert spread_of([1.0]) is None


def test_tables_have_our_figures_beside_the_papers():
    pieces = {'apdepth_full': PIECES['one'], 'apdepth_mlp': PIECES['two']}
    published = published_tables()['apdepth_3']
    lines = figures_table(TABLE_3, pieces, published)
    assert lines[2:] == [
        '| MLP adapter | 3 | 0.4000 ± 0.2000 | 0.9300 ± 0.0265 | – | – | 4.7 | 96.7 |',
        '| conv adapter | 3 | 0.2000 ± 0.1000 | 0.9400 ± 0.0100 | – | – | 4.5 | 97.1 |',
        '| prior alone (smeared) | 3 | 0.5000 ± 0.0000 | – | – | – |  |  |',
    ]
    verdicts = [item for claim in TABLE_3.claims for item in verdicts_of(claim, pieces)]
    first, second = verdict_table(TABLE_3, verdicts, published)[2:]
    assert first == (
        '| convolutional adapter better than MLP | AbsRel | 0.2000 against 0.4000 | '
        '0.2000 ± 0.1000 | **holds 3/3** | 4.5 against 4.7 |'
    )
    assert second == (
        '| convolutional adapter better than MLP | δ1 | 0.9400 against 0.9300 | '
        '0.0100 ± 0.0200 | **does not hold 2/3** | 97.1 against 96.7 |'
    )
