# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ApDepth tables 2 to 6: prior, adapter, frequency loss, encoder and training images."""

from typing import Any

from training.reproduction.pieces import Piece
from training.reproduction.studies import Claim, Row, Study

ACCURACY, EDGES = ('abs_rel', 'delta1'), ('dbe_acc_px', 'dbe_compl_px')
COLUMNS = {'abs_rel': 'nyu.abs_rel', 'delta1': 'nyu.delta1'}
CONV, MLP, NONE = (f'apdepth_stage1_{name}' for name in ('conv', 'mlp', 'none'))
FULL, PHASE1 = 'apdepth_full', 'apdepth_phase1'
END = {'optimizer.lr': 2.5e-5, 'optimizer.schedule': 'constant', 'optimizer.warmup_steps': 0}
"""The rate that the cosine schedule has where the frequency loss begins."""


def _stage1(name: str, **changes: Any) -> Piece:
    changed = {key.replace('__', '.'): value for key, value in changes.items()}
    return Piece(name=name, config='apdepth_stage1', updates='stage1', changes=changed)


def _stage2(
    name: str, *, begins_from: str = CONV, prior: str = 'smeared', without: str = ''
) -> Piece:
    changes = {f'data.train.{without}.share': 0.0} if without else {}
    return Piece(
        name=name,
        config='apdepth_stage2',
        updates='stage2',
        changes=changes,
        begins_from=begins_from,
        prior=prior,
    )


def _end(name: str, strength: float) -> Piece:
    """Return the last updates of stage 2, with this lambda; 0 goes on without frequency loss."""
    loss = {'loss.fft_strength': strength, 'loss.phase2_step': 0} if strength else {}
    return Piece(
        name=f'apdepth_lambda_{name}',
        config='apdepth_stage2',
        updates='frequency',
        changes={**END, **loss},
        begins_from=PHASE1,
    )


STAGE_1 = [
    _stage1(CONV),
    _stage1(MLP, model__adapter__kind='mlp'),
    _stage1(NONE, model__encoder__kind='none', model__encoder__weights='', loss__align=0.0),
]
TABLE_2 = Study(
    name='apdepth_table2',
    title='ApDepth, table 2: quality of the prior',
    table='apdepth_2',
    columns=COLUMNS,
    rows=[
        Row(label='predicted by the bundled prior', piece='apdepth_predicted'),
        Row(label='smeared over 18 to 30 px', piece='apdepth_strong', published='DA2 small'),
        Row(label='smeared over 6 to 18 px', piece=FULL, published='DA2 large'),
        Row(label='smeared over 3 to 6 px', piece='apdepth_mild', published='DA2 giant'),
    ],
    claims=[
        Claim(
            better='apdepth_mild',
            worse=FULL,
            figures=ACCURACY,
            text='3 to 6 px better than 6 to 18 px',
        ),
        Claim(
            better=FULL,
            worse='apdepth_strong',
            figures=ACCURACY,
            text='6 to 18 px better than 18 to 30 px',
        ),
    ],
    pieces=[
        *STAGE_1,
        _stage2(FULL),
        _stage2('apdepth_mild', prior='mild'),
        _stage2('apdepth_strong', prior='strong'),
        _stage2('apdepth_predicted', prior='predicted'),
    ],
    notes=[
        'Each row is trained with its prior and compared with it.',
        'How good the bundled prior is, its own line says; its place is no claim.',
    ],
)
TABLE_3 = Study(
    name='apdepth_table3',
    title='ApDepth, table 3: adapter of stage 1',
    table='apdepth_3',
    columns=COLUMNS,
    rows=[
        Row(label='MLP adapter', piece='apdepth_mlp', published='MLP adapter'),
        Row(label='conv adapter', piece=FULL, published='Conv adapter'),
    ],
    claims=[
        Claim(
            better=FULL,
            worse='apdepth_mlp',
            figures=ACCURACY,
            text='convolutional adapter better than MLP',
        )
    ],
    pieces=[_stage2('apdepth_mlp', begins_from=MLP)],
)
TABLE_4 = Study(
    name='apdepth_table4',
    title='ApDepth, table 4: frequency loss at the end of stage 2',
    table='apdepth_4',
    columns=COLUMNS,
    rows=[
        Row(label='without', piece='apdepth_lambda_off'),
        Row(label='lambda 0.6', piece='apdepth_lambda_06', published='lambda 0.6'),
        Row(label='lambda 1.0', piece='apdepth_lambda_10', published='lambda 1.0'),
        Row(label='lambda 1.6', piece='apdepth_lambda_16', published='lambda 1.6'),
        Row(label='lambda 2.0', piece='apdepth_lambda_20', published='lambda 2.0'),
    ],
    claims=[
        Claim(
            better='apdepth_lambda_06',
            worse='apdepth_lambda_off',
            figures=EDGES,
            text='sharper with the frequency loss',
        ),
        Claim(
            better='apdepth_lambda_06',
            worse='apdepth_lambda_20',
            figures=ACCURACY,
            text='lambda 0.6 better than 2.0',
        ),
    ],
    pieces=[
        Piece(name=PHASE1, config='apdepth_stage2', updates='phase1', begins_from=CONV),
        _end('off', 0.0),
        _end('06', 0.6),
        _end('10', 1.0),
        _end('16', 1.6),
        _end('20', 2.0),
    ],
    notes=['All rows go on from one run of stage 2 that ends where the frequency loss begins.'],
)
TABLE_5 = Study(
    name='apdepth_table5',
    title='ApDepth, table 5: encoder of stage 1',
    table='apdepth_5',
    columns=COLUMNS,
    rows=[
        Row(label='none', piece='apdepth_none', published='none'),
        Row(label="the bundled prior's encoder", piece=FULL, published='DINOv2'),
    ],
    claims=[
        Claim(
            better=FULL, worse='apdepth_none', figures=ACCURACY, text='alignment better than none'
        )
    ],
    pieces=[_stage2('apdepth_none', begins_from=NONE)],
    notes=['Without alignment, stage 1 has as many updates of the depth loss alone.'],
)
TABLE_6 = Study(
    name='apdepth_table6',
    title='ApDepth, table 6: training images',
    table='apdepth_6',
    columns=COLUMNS,
    rows=[
        Row(label='starts of camera paths', piece='apdepth_starts', published='Virtual KITTI'),
        Row(label='random views', piece='apdepth_rooms', published='Hypersim'),
        Row(label='both', piece=FULL, published='both'),
    ],
    claims=[
        Claim(better=FULL, worse=name, figures=ACCURACY, text=f'two sets better than {what}')
        for name, what in (
            ('apdepth_rooms', 'random views alone'),
            ('apdepth_starts', 'starts of paths alone'),
        )
    ],
    pieces=[
        _stage2('apdepth_rooms', without='starts'),
        _stage2('apdepth_starts', without='rooms'),
    ],
    notes=['Stage 1 has both sets in all rows, and as many updates of stage 2.'],
)
STUDIES = [TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6]
