# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The figures of merit as shown to users: label, decimals, meaning."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One figure of merit of a depth map."""

    key: str
    label: str
    decimals: int
    meaning: str
    higher_is_better: bool = False


METRICS = (
    Metric('abs_rel', 'AbsRel', 4, 'mean of |depth - truth| / truth'),
    Metric('rmse_m', 'RMSE, m', 3, 'root mean square error in metres'),
    Metric('si_log', 'SILog', 2, '100 x standard deviation of log depth - log truth'),
    Metric('delta1', 'δ1', 4, 'share of pixels within a factor of 1.25', higher_is_better=True),
    Metric(
        'dbe_acc_px',
        'edge accuracy, px',
        2,
        'mean distance of predicted edges to the nearest true edge',
    ),
    Metric(
        'dbe_compl_px',
        'edge completeness, px',
        2,
        'mean distance of true edges to the nearest predicted edge',
    ),
)


def number_text(value: float | None, decimals: int) -> str:
    """Return a number with this many decimals, a dash for None."""
    return '–' if value is None else f'{value:,.{decimals}f}'.replace(',', ' ')
