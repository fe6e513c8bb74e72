# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""SharpDepth table 3: input of the refiner, its losses, its teacher, and the difference map."""

from training.reproduction.apdepth import FULL
from training.reproduction.pieces import Piece
from training.reproduction.studies import Claim, Row, Study

ACCURACY, EDGES = ('delta1', 'abs_rel'), ('dbe_acc_px', 'dbe_compl_px')
TEACHER, MARIGOLD, OURS = 'sharpdepth_teacher', 'marigold_teacher', 'sharpdepth_ours'


def _setting(name: str, *, teacher: str = TEACHER, **changes: object) -> Piece:
    return Piece(
        name=name,
        config='sharpdepth',
        updates='student',
        changes={key.replace('__', '.'): value for key, value in changes.items()},
        begins_from=TEACHER,
        teacher=teacher,
    )


def _claim(better: str, worse: str, figures: tuple[str, ...], text: str) -> Claim:
    names = {'ours': OURS, '': ''}
    pair = (names.get(name, f'sharpdepth_{name}') for name in (better, worse))
    return Claim(better=next(pair), worse=next(pair), figures=figures, text=text)


TABLE_3 = Study(
    name='sharpdepth_table3',
    title='SharpDepth, table 3: ablation',
    table='sharpdepth_3',
    columns={
        'delta1': 'kitti.delta1',
        'abs_rel': 'kitti.abs_rel',
        'dbe_acc_px': 'sintel.dbe_acc_px',
        'dbe_compl_px': 'sintel.dbe_compl_px',
    },
    rows=[
        Row(label='Ours (E, H)', piece=OURS, published='Ours'),
        Row(label='A: noise as input', piece='sharpdepth_a', published='A: Input Noise latent'),
        Row(label='B: metric latent as input', piece='sharpdepth_b', published='B: Input z_d'),
        Row(label='C: no distillation', piece='sharpdepth_c', published='C: w/o SDS loss'),
        Row(
            label='D: no reconstruction',
            piece='sharpdepth_d',
            published='D: w/o reconstruction loss',
        ),
        Row(label='F: Marigold teacher', piece='sharpdepth_f', published='F: Marigold teacher'),
        Row(label='G: frozen difference', piece='sharpdepth_g', published='G: Frozen Lotus'),
    ],
    claims=[
        _claim('c', 'ours', ACCURACY, 'without distillation more accurate than ours'),
        _claim('ours', 'g', ACCURACY, 'the moving average before the frozen teacher'),
        _claim('g', 'd', ACCURACY, 'without reconstruction far less accurate'),
        _claim('a', 'b', ACCURACY, 'noise before the metric latent as input'),
        _claim('ours', 'b', EDGES, 'ours sharper than with the metric latent as input'),
        _claim('ours', 'c', EDGES, 'ours sharper than without distillation'),
        _claim('ours', '', EDGES, 'ours sharper than its prior (table 2)'),
    ],
    pieces=[
        Piece(name=TEACHER, config='sharpdepth_teacher', updates='teacher', features=FULL),
        Piece(name=MARIGOLD, config='marigold_teacher', updates='teacher'),
        _setting(OURS),
        _setting('sharpdepth_a', loss__input='noise'),
        _setting(
            'sharpdepth_b', loss__input='metric', loss__weigh=False, model__spec__agree_below=1.0
        ),
        _setting('sharpdepth_c', loss__sds=0.0),
        _setting('sharpdepth_d', loss__reconstruction=0.0),
        _setting('sharpdepth_f', teacher=MARIGOLD),
        _setting('sharpdepth_g', loss__difference='frozen'),
    ],
    notes=[
        (
            'E (Lotus teacher) and H (moving average) are ours. The student of F starts from the '
            'Lotus teacher, as the others do; the paper does not say. The Lotus teacher begins '
            'with the features of the full ApDepth of its seed, as the large one does with those '
            'of Stable Diffusion; Marigold begins with random weights.'
        ),
        (
            'A and B differ in training alone, as in training/configs/sharpdepth: in use, every '
            'refiner is given the gated latent.'
        ),
    ],
)
