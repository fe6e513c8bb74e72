# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The figures that the papers print, from ``published.yaml``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

FILE = Path(__file__).parent / 'published.yaml'


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """
    One line of a table.

    :param ours: the row of an evaluation that is the same method, '' where none can be
    :param aligned: whether it was fitted to the true depth
    :param values: one for each column, None where nothing is printed
    """

    name: str
    ours: str
    aligned: bool
    values: Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class PublishedTable:
    """
    One table of a paper.

    :param source: paper and number
    :param ablation: whether it compares variants of one method, without other rows of ours
    :param notes: what a reader must know to compare
    :param columns: protocol and figure of each
    :param shown: factor and decimals of each figure
    """

    source: str
    title: str
    ablation: bool
    notes: Sequence[str]
    columns: Sequence[tuple[str, str]]
    shown: dict[str, tuple[float, int]]
    rows: Sequence[PublishedRow]

    @property
    def protocols(self) -> list[str]:
        """Return the data sets of the table in its order."""
        return list(dict.fromkeys(protocol for protocol, _ in self.columns))

    @property
    def figures(self) -> list[str]:
        """Return the figures of the table in its order."""
        return list(dict.fromkeys(figure for _, figure in self.columns))

    def printed(self, row: PublishedRow, protocol: str, figure: str) -> float | None:
        """Return what the paper prints, None where it prints nothing."""
        if (protocol, figure) not in self.columns:
            return None
        return row.values[self.columns.index((protocol, figure))]

    def text(self, figure: str, value: float | None, *, scaled: bool = False) -> str:
        """
        Return a number as the table shows it, '' for None.

        :param scaled: the value is printed already, with its factor
        """
        factor, decimals = self.shown[figure]
        return '' if value is None else f'{value if scaled else factor * value:.{decimals}f}'


def published_tables() -> dict[str, PublishedTable]:
    """Return the tables by name, such as ``sharpdepth_1``."""
    content = yaml.safe_load(FILE.read_text(encoding='utf-8'))
    return {
        name: PublishedTable(
            source=table['source'],
            title=table['title'],
            ablation=table.get('ablation', False),
            notes=table.get('notes', []),
            columns=[tuple(column.split('.', 1)) for column in table['columns']],
            shown={figure: tuple(shown) for figure, shown in table['shown'].items()},
            rows=[PublishedRow(**row) for row in table['rows']],
        )
        for name, table in content.items()
    }
