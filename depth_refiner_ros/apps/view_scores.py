# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How alike rendered and held-back views are, for prior and refined depth side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
import statistics
from typing import Any

from depth_refiner_ros.apps.lpips import LEAST_PX, Lpips
from depth_refiner_ros.apps.scoring import COMPARED
from depth_refiner_ros.mapping.splats.similarity import psnr_db, ssim
import torch


@dataclass(frozen=True)
class Figure:
    """One figure of a view: its key in JSON, its name in tables, decimals, and what is better."""

    key: str
    label: str
    decimals: int
    higher_is_better: bool


FIGURES = (
    Figure('psnr_db', 'PSNR, dB', 2, True),
    Figure('ssim', 'SSIM', 4, True),
    Figure('lpips', 'LPIPS', 4, False),
)
Scores = Mapping[str, float]
"""Figures by key; without LPIPS where that is left out."""


def scores_of(seen_HW3: torch.Tensor, true_HW3: torch.Tensor, lpips: Lpips | None) -> Scores:
    """Return the figures of a rendered view against the one held back, both in 0..1."""
    seen_HW3 = seen_HW3.clamp(0, 1)
    scores = {
        'psnr_db': psnr_db(seen_HW3, true_HW3),
        'ssim': float(ssim(seen_HW3.double(), true_HW3.double())),
    }
    if lpips is not None and min(true_HW3.shape[:2]) >= LEAST_PX:
        scores['lpips'] = lpips(seen_HW3, true_HW3)
    return scores


def summarised(per_view: Sequence[Mapping[str, Scores]]) -> dict[str, Any]:
    """
    Return means with spread over views, and those of the difference view by view.

    :param per_view: for each view the scores of each name in ``COMPARED``; at least one view
    :return: by figure: of each depth ``mean`` and ``std``; under ``difference`` (refined less
        prior) also ``better``, the number of views in which refined is better
    """
    result = {}
    for figure in FIGURES:
        if any(figure.key not in scores for view in per_view for scores in view.values()):
            continue
        columns = {name: [view[name][figure.key] for view in per_view] for name in COMPARED}
        gains = [after - before for before, after in zip(columns['prior'], columns['refined'])]
        sign = 1 if figure.higher_is_better else -1
        result[figure.key] = {
            **{name: _mean_and_std(column) for name, column in columns.items()},
            'difference': {
                **_mean_and_std(gains),
                'better': sum(sign * gain > 0 for gain in gains),
            },
        }
    return result


def table(means: Mapping[str, Any], views: int) -> list[list[str]]:
    """Return the cells of the table of a report, its head first."""
    head = ['figure', *COMPARED, 'difference', 'views in which refined is better']
    rows = [head]
    for figure in FIGURES:
        if figure.key in means:
            found = means[figure.key]
            arrow = '↑' if figure.higher_is_better else '↓'
            rows.append(
                [
                    f'{figure.label} {arrow}',
                    *(_spread(found[name], figure.decimals) for name in COMPARED),
                    _spread(found['difference'], figure.decimals, sign='+'),
                    f'{found["difference"]["better"]} of {views}',
                ]
            )
    return rows


def _spread(found: Mapping[str, float], decimals: int, sign: str = '') -> str:
    return f'{found["mean"]:{sign}.{decimals}f} ± {found["std"]:.{decimals}f}'


def _mean_and_std(values: Sequence[float]) -> dict[str, float]:
    std = statistics.stdev(values) if len(values) > 1 and all(map(math.isfinite, values)) else 0.0
    return {'mean': sum(values) / len(values), 'std': std}
