# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The papers' tables as Markdown: what is printed there beside what was measured here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from training.evaluation.protocols import PROTOCOLS
from training.evaluation.published import published_tables, PublishedRow, PublishedTable
from training.evaluation.summaries import ROLES, Score, Scores, set_of

HEADINGS = {
    'abs_rel': 'AbsRel',
    'rmse_m': 'RMSE, m',
    'si_log': 'SILog',
    'delta1': 'δ1',
    'dbe_acc_px': 'edge accuracy, px',
    'dbe_compl_px': 'edge completeness, px',
}
EDGES = ('dbe_acc_px', 'dbe_compl_px')


@dataclass(frozen=True, kw_only=True)
class Line:
    """
    One method in a table.

    :param published: what the paper prints of it, None for a method of our own
    :param row: the row of evaluations that is the same, '' where none can be
    """

    name: str
    published: PublishedRow | None
    row: str
    aligned: bool


def markdown(scores: Scores) -> str:
    """Return all tables that a score fits, each with the paper's figures and ours."""
    tables = published_tables()
    used = {
        name: table
        for name, table in tables.items()
        if any(score.protocol in table.protocols for score in scores)
    }
    parts = [_table(table, scores) for table in used.values()]
    own = [score for score in scores if score.protocol == 'frames']
    if own:
        parts.append(_own(own))
    return '\n'.join(parts)


def lines_of(table: PublishedTable, scores: Scores) -> list[Line]:
    """
    Return the methods of a table: single ones in the paper's order, then sets, then our own.

    The prior, the aligned teacher and the refined depth of a set stand together, whether or not
    the paper has all three.
    """
    single: list[Line] = []
    sets: dict[tuple[str, bool], list[Line]] = {}
    for row in table.rows:
        line = Line(name=row.name, published=row, row=row.ours, aligned=row.aligned)
        if name := set_of(row.ours):
            sets.setdefault((name, row.aligned), []).append(line)
        else:
            single.append(line)
    known = {line.row for line in single}
    compared = set() if table.ablation else {row.aligned for row in table.rows}
    for aligned in sorted(compared):
        for row_name in scores.rows(aligned=aligned):
            if not _fits(table, scores, row_name, aligned):
                continue
            if name := set_of(row_name):
                sets.setdefault((name, aligned), [])
            elif row_name not in known:
                single.append(Line(name=row_name, published=None, row=row_name, aligned=aligned))
    return [*single, *(line for key, found in sets.items() for line in _trio(*key, found))]


def _trio(name: str, aligned: bool, found: list[Line]) -> Iterator[Line]:
    for role in ROLES:
        printed = [line for line in found if line.row == f'{name}/{role}']
        yield from printed
        if not printed:
            title, row = f'{name}, {role}', f'{name}/{role}'
            yield Line(name=title, published=None, row=row, aligned=aligned)


def _fits(table: PublishedTable, scores: Scores, row: str, aligned: bool) -> bool:
    return any(scores.get(protocol, row, aligned=aligned) for protocol in table.protocols)


def _table(table: PublishedTable, scores: Scores) -> str:
    edges = any(figure in EDGES for figure in table.figures)
    head = ['data set', 'method', 'fitted']
    for figure in table.figures:
        unit = ' x 100' if table.shown[figure][0] == 100 else ''
        head += [f'{HEADINGS[figure]}{unit}, paper', 'ours']
    head += ['images', 'lost', 'kept prior', *(('fallbacks', 'without edges') if edges else ())]
    rows = []
    for protocol in table.protocols:
        for line in lines_of(table, scores):
            score = scores.get(protocol, line.row, aligned=line.aligned)
            cells = [PROTOCOLS[protocol].title, line.name, 'yes' if line.aligned else 'no']
            for figure in table.figures:
                there = score if (protocol, figure) in table.columns else None
                cells += [_printed(table, line, protocol, figure), _ours(table, there, figure)]
            cells += _counts(score, protocol)
            cells += _edge_counts(score) if edges else []
            rows.append(cells)
    notes = ''.join(f'- {note}\n' for note in table.notes)
    return f'## {table.source}: {table.title}\n\n{_grid(head, rows)}\n{notes}'


def _printed(table: PublishedTable, line: Line, protocol: str, figure: str) -> str:
    if line.published is None:
        return ''
    return table.text(figure, table.printed(line.published, protocol, figure), scaled=True)


def _ours(table: PublishedTable, score: Score | None, figure: str) -> str:
    """Return mean and spread over images; '' where no file has them."""
    if score is None or score.value(figure) is None:
        return ''
    spread = score.spread(figure)
    more = '' if spread is None else f' ± {table.text(figure, spread)}'
    return f'{table.text(figure, score.value(figure))}{more}'


def _counts(score: Score | None, protocol: str) -> list[str]:
    if score is None:
        return ['', '', '']
    expected = PROTOCOLS[protocol].images
    of = f' of {expected}' if expected else ''
    return [
        f'{score.count("compared")}{of}',
        f'{score.count("lost")}',
        f'{score.count("kept_prior")}',
    ]


def _edge_counts(score: Score | None) -> list[str]:
    if score is None or not score.count('edge_frames') + score.count('edge_skipped'):
        return ['', '']
    return [f'{score.count("edge_fallbacks")}', f'{score.count("edge_skipped")}']


def _own(scores: list[Score]) -> str:
    """Return the table of own images, which no paper has."""
    decimals = {'abs_rel': 4, 'rmse_m': 3, 'si_log': 2, 'delta1': 4, **dict.fromkeys(EDGES, 2)}
    shown = {figure: (1.0, decimals[figure]) for figure in HEADINGS}
    table = PublishedTable(
        source='', title='', ablation=False, notes=[], columns=[], shown=shown, rows=[]
    )
    head = ['method', *HEADINGS.values(), 'images', 'lost', 'kept prior']
    head += ['fallbacks', 'without edges']
    rows = []
    for aligned in (False, True):
        by_row = {score.row: score for score in scores if score.aligned is aligned}
        for name in _with_sets(by_row):
            score = by_row.get(name)
            figures = [_ours(table, score, figure) for figure in HEADINGS]
            label = f'{name}, fitted' if aligned else name
            rows.append([label, *figures, *_counts(score, 'frames'), *_edge_counts(score)])
    return f'## Own images\n\n{_grid(head, rows)}'


def _with_sets(rows: Iterable[str]) -> list[str]:
    """Return the names of rows, those of each set last, with all of its roles."""
    names = list(rows)
    for name in dict.fromkeys(filter(None, map(set_of, names))):
        names = [row for row in names if set_of(row) != name]
        names += [f'{name}/{role}' for role in ROLES]
    return names


def _grid(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in lines)
