# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is trained: each piece differs from its file in what its study says, and nothing else."""

from dataclasses import asdict
from functools import cache
from pathlib import Path

from depth_refiner_ros.core.errors import SettingsError
import pytest
from training.evaluation.published import published_tables
from training.reproduction.pieces import config_of, Piece
from training.reproduction.plan import Job, jobs_of, PIECES, STUDIES
from training.reproduction.profiles import PROFILES

OWN = {'output', 'init_from', 'model.teacher.start', 'model.teacher.weights', 'data.priors'}
"""Where a piece lies, what it starts from, and its prior."""


def flat(tree, prefix=''):
    """Return the leaves of nested dicts by dotted name; priors count as one."""
    if not isinstance(tree, dict) or prefix == 'data.priors.':
        return {prefix[:-1]: tree}
    return {
        name: leaf
        for key, value in tree.items()
        for name, leaf in flat(value, f'{prefix}{key}.').items()
    }


@pytest.fixture(scope='module')
def keys_of():
    """Return a function for the keys of a piece under the profile ``small``, each read once."""

    @cache
    def read(name):
        return flat(asdict(config_of(PIECES[name], PROFILES['small'], 0, Path('out'))))

    return read


@pytest.fixture(scope='module')
def bare_keys_of():
    """Return a function for what a file and the profile say, without a piece."""

    @cache
    def read(config, updates):
        bare = Piece(name='bare', config=config, updates=updates)
        return flat(asdict(config_of(bare, PROFILES['small'], 0, Path('out'))))

    return read


def test_a_piece_differs_from_its_file_only_in_what_its_study_says(
    keys_of, bare_keys_of, subtests
):
    for piece in PIECES.values():
        with subtests.test(piece.name):
            plain, own = bare_keys_of(piece.config, piece.updates), keys_of(piece.name)
            changed = {key for key in own if plain.get(key) != own[key]}
            assert plain.keys() <= own.keys()
            assert changed <= OWN | set(piece.changes)
            for key, value in piece.changes.items():
                assert own[key] == value
            assert own['data.priors'] == {piece.prior: 1.0}


@pytest.mark.parametrize('profile', PROFILES.values(), ids=PROFILES)
def test_every_profile_fits_every_file(profile):
    for config, updates in {(piece.config, piece.updates) for piece in PIECES.values()}:
        bare = Piece(name='bare', config=config, updates=updates)
        assert config_of(bare, profile, 0, Path('out')).batch == profile.batch


def test_no_two_pieces_are_the_same_training(keys_of):
    seen = {}
    for piece in PIECES.values():
        tree = {key: value for key, value in keys_of(piece.name).items() if key != 'output'}
        assert seen.setdefault(str(tree), piece.name) == piece.name


def test_the_settings_of_table_3_are_those_of_the_true_size():
    folder = Path(__file__).resolve().parents[3] / 'training/configs/sharpdepth'
    assert sorted(path.stem[-1] for path in folder.glob('table3_*.yaml')) == sorted('abcdfg')
    changes = {name: PIECES[f'sharpdepth_{name}'].changes for name in 'abcdfg'}
    assert changes == {
        'a': {'loss.input': 'noise'},
        'b': {'loss.input': 'metric', 'loss.weigh': False, 'model.spec.agree_below': 1.0},
        'c': {'loss.sds': 0.0},
        'd': {'loss.reconstruction': 0.0},
        'f': {},
        'g': {'loss.difference': 'frozen'},
    }
    assert PIECES['sharpdepth_f'].teacher == 'marigold_teacher'


def test_stage_2_ends_with_the_frequency_loss_and_phase_1_where_it_begins():
    small = PROFILES['small']
    whole, first, rest, off = (
        config_of(PIECES[f'apdepth_{name}'], small, 0, Path('out'))
        for name in ('full', 'phase1', 'lambda_06', 'lambda_off')
    )
    assert whole.steps == first.steps + rest.steps == 2600
    assert whole.loss.phase2_step == first.steps == 2340
    assert first.loss.phase2_step > first.steps
    assert first.optimizer.total_steps == whole.optimizer.total_steps == whole.steps
    assert rest.loss.phase2_step == 0
    assert off.loss.phase2_step > off.steps


def test_jobs_come_after_what_they_need():
    jobs = jobs_of([], 2)
    assert len(jobs) == 2 * len(PIECES) == len(set(jobs))
    for position, job in enumerate(jobs):
        assert set(job.needs) <= set(jobs[:position])
    assert [job.seed for job in jobs] == [0] * len(PIECES) + [1] * len(PIECES)


def test_a_piece_brings_what_it_starts_from():
    assert jobs_of(['apdepth_lambda_06'], 1) == [
        Job('apdepth_stage1_conv', 0),
        Job('apdepth_phase1', 0),
        Job('apdepth_lambda_06', 0),
    ]
    assert {job.piece for job in jobs_of(['sharpdepth_[ab]'], 1)} == {
        'apdepth_stage1_conv',
        'apdepth_full',
        'sharpdepth_teacher',
        'sharpdepth_a',
        'sharpdepth_b',
    }
    assert Job('apdepth_mlp', 0) in jobs_of(['apdepth_table3'], 1)
    with pytest.raises(SettingsError, match='neither a piece nor a study; did you mean'):
        jobs_of(['sharpdepth_x'], 1)


def test_rows_and_claims_name_what_is_there():
    published = published_tables()
    for study in STUDIES:
        table = published[study.table]
        pieces = {row.piece for row in study.rows}
        names = {row.name for row in table.rows}
        assert pieces <= PIECES.keys()
        assert {row.published for row in study.rows} - {''} <= names
        assert {tuple(column.split('.')) for column in study.columns.values()} <= set(
            table.columns
        )
        for claim in study.claims:
            assert {claim.better, claim.worse} - {''} <= pieces
