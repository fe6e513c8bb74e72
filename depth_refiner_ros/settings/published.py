# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of the depth and clouds that others read, live and in bags."""

from dataclasses import dataclass, field
import math

from depth_refiner_ros.settings.fusion import EdgeFilterSettings
from depth_refiner_ros.settings.options import option


@dataclass(frozen=True, kw_only=True)
class PointsSettings:
    """The point cloud."""

    layout: str = option(
        'packed16',
        'bytes per point: 16 (x y z rgb) or the 32 of PCL',
        choices=('packed16', 'pcl32'),
        runtime=True,
    )
    stride: int = option(
        1, 'take every n-th row and column', unit='px', low=1, high=32, runtime=True
    )
    organized: bool = option(True, 'keep rows and columns, NaN where unknown', runtime=True)
    max_rate_hz: float = option(
        0.0,
        'publish clouds at most this often; 0 is every frame',
        unit='Hz',
        low=0.0,
        high=1000.0,
        runtime=True,
    )


@dataclass(frozen=True, kw_only=True)
class PublishedSettings:
    """What refined depth becomes before it is published or recorded."""

    min_range_m: float = option(
        0.1, 'nearer depth is -Inf (REP-117)', unit='m', low=0.0, high=100.0, runtime=True
    )
    max_range_m: float = option(
        80.0, 'farther depth is +Inf (REP-117)', unit='m', low=0.1, high=1000.0, runtime=True
    )
    out_of_range: str = option(
        'inf',
        'value of depth outside the range: signed infinity '
        '(REP-117), NaN, or 0 (then also for unknown depth)',
        choices=('inf', 'nan', 'zero'),
        runtime=True,
    )
    min_confidence: float = option(
        0.0, 'depth of lower confidence becomes unknown', low=0.0, high=1.0, runtime=True
    )
    edge_filter: EdgeFilterSettings = field(default_factory=EdgeFilterSettings)
    points: PointsSettings = field(default_factory=PointsSettings)

    @property
    def unknown_m(self) -> float:
        """Return what stands for unknown depth, NaN or 0."""
        return 0.0 if self.out_of_range == 'zero' else math.nan
