# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The tables of both papers that are reproduced: rows, and the orderings that they claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.reproduction.pieces import Piece

LOWER_IS_BETTER = {'abs_rel': True, 'delta1': False, 'dbe_acc_px': True, 'dbe_compl_px': True}
"""The figures of the tables, those of ``training.validation``."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """
    One line of a table.

    :param piece: whose figures it shows
    :param published: name of the line in the paper's table, '' where it has none
    """

    label: str
    piece: str
    published: str = ''


@dataclass(frozen=True, kw_only=True)
class Claim:
    """
    One row is better than another by some figures.

    :param better: a piece
    :param worse: a piece, or '' for the prior that the better one was given
    :param text: the claim in words
    """

    better: str
    worse: str
    figures: Sequence[str]
    text: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """
    One table.

    :param table: of ``training/evaluation/published.yaml``
    :param columns: figure to the paper's column that is compared with it
    :param notes: what a reader must know
    """

    name: str
    title: str
    table: str
    columns: Mapping[str, str]
    rows: Sequence[Row]
    claims: Sequence[Claim]
    pieces: Sequence[Piece]
    notes: Sequence[str] = ()
