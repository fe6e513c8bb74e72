# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether the orderings of a paper hold, seed by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import statistics
from typing import Any

from training.reproduction.studies import Claim, LOWER_IS_BETTER

ROOMS, PHOTOGRAPHS = 'figures', 'photographs'
"""Where the figures of held-out rooms and of photographs stand in what a piece writes."""
Found = Mapping[int, Mapping[str, Any]]
"""Seed to what a piece wrote."""
LEAST_SHARE = 0.01
"""Of the error that a row must save to count as better; nearer ones do not differ."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """
    One ordering by one figure.

    :param better: means over the seeds that both rows have
    :param gaps: how much better, by seed; below 0 where it is worse
    :param margin: gaps up to here are no difference: 1 % of the other's error
    """

    claim: Claim
    figure: str
    better: float | None
    worse: float | None
    gaps: Mapping[int, float]
    margin: float

    @property
    def holding(self) -> int:
        """Return the number of seeds in which it holds."""
        return sum(gap > self.margin for gap in self.gaps.values())

    @property
    def mean(self) -> float | None:
        """Return the mean gap."""
        return statistics.fmean(self.gaps.values()) if self.gaps else None

    @property
    def spread(self) -> float | None:
        """Return the standard deviation of the gaps over seeds, None below two seeds."""
        return spread_of([*self.gaps.values()])

    @property
    def text(self) -> str:
        """Return the verdict: it holds where it does in every seed."""
        if not self.gaps:
            return 'pending'
        if all(abs(gap) <= self.margin for gap in self.gaps.values()):
            return 'no difference'
        count = f'{self.holding}/{len(self.gaps)}'
        return f'holds {count}' if self.holding == len(self.gaps) else f'does not hold {count}'


def spread_of(values: Sequence[float]) -> float | None:
    """Return the standard deviation, None below two values."""
    return statistics.stdev(values) if len(values) > 1 else None


def figure_of(
    found: Mapping[str, Any], figure: str, depth: str = 'refined', images: str = ROOMS
) -> float | None:
    """
    Return a figure of a piece for the prior that counts.

    :param depth: refined, or prior for the one that it was given
    :param images: figures (of rooms), or photographs
    """
    value = found.get(images, {}).get(f'{found["prior"]}/{depth}/{figure}')
    return None if value is None else float(value)


def verdicts_of(claim: Claim, pieces: Mapping[str, Found], images: str = ROOMS) -> list[Verdict]:
    """
    Judge a claim by each of its figures.

    :param pieces: piece to what it wrote by seed
    :param images: figures (of rooms), or photographs
    """
    return [_verdict(claim, figure, pieces, images) for figure in claim.figures]


def _verdict(claim: Claim, figure: str, pieces: Mapping[str, Found], images: str) -> Verdict:
    depth = 'refined' if claim.worse else 'prior'
    mine, other = pieces.get(claim.better, {}), pieces.get(claim.worse or claim.better, {})
    pairs: dict[int, tuple[float, float]] = {}
    for seed in sorted(mine.keys() & other.keys()):
        one = figure_of(mine[seed], figure, images=images)
        two = figure_of(other[seed], figure, depth, images)
        if one is not None and two is not None:
            pairs[seed] = one, two
    sign, best = (-1.0, 0.0) if LOWER_IS_BETTER[figure] else (1.0, 1.0)
    worse = statistics.fmean(two for _, two in pairs.values()) if pairs else None
    return Verdict(
        claim=claim,
        figure=figure,
        better=statistics.fmean(one for one, _ in pairs.values()) if pairs else None,
        worse=worse,
        margin=0.0 if worse is None else LEAST_SHARE * abs(best - worse),
        gaps={seed: sign * (one - two) for seed, (one, two) in pairs.items()},
    )
