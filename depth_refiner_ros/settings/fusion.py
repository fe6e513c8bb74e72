# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of the fusion volume, and of the flying-pixel filter that the refiner shares."""

from dataclasses import dataclass, field

from depth_refiner_ros.settings.options import option


@dataclass(frozen=True, kw_only=True)
class EdgeFilterSettings:
    """Removal of flying pixels: points that hang between foreground and background."""

    enable: bool = option(True, 'set flying pixels to unknown', runtime=True)
    rel_jump: float = option(
        0.05,
        'relative depth jump on both sides that marks a flying pixel',
        low=0.001,
        high=1.0,
        runtime=True,
    )
    dilate_px: int = option(
        0, 'also drop this many pixels around', unit='px', low=0, high=10, runtime=True
    )


@dataclass(frozen=True, kw_only=True)
class TsdfSettings:
    """The fusion volume."""

    voxel_m: float = option(0.02, 'edge of a voxel', unit='m', low=0.002, high=1.0)
    truncation_voxels: float = option(4.0, 'truncation distance in voxels', low=1.0, high=50.0)
    truncation_spread: float = option(
        2.0,
        'truncation distance as a multiple of how far frames disagree, where that is more: '
        'depth with larger errors leaves layers instead of an average; depth is also drawn nearer '
        'by as much as that average would lie behind the surface; hold_scale measures it; '
        '0 turns both off, as a GPU does',
        low=0.0,
        high=20.0,
        runtime=True,
    )
    min_range_m: float = option(
        0.1, 'ignore nearer depth', unit='m', low=0.0, high=100.0, runtime=True
    )
    max_range_m: float = option(
        5.0, 'ignore farther depth', unit='m', low=0.1, high=200.0, runtime=True
    )
    min_confidence: float = option(
        0.3, 'ignore depth of lower confidence', low=0.0, high=1.0, runtime=True
    )
    min_weight: float = option(
        2.0, 'a surface needs this many observations', low=0.0, high=1000.0, runtime=True
    )
    hold_scale: bool = option(
        True,
        'bring each frame to the scale of those before it, as their poses show it; right depth '
        'stays as it is',
        runtime=True,
    )
    weighting: str = option(
        'precision',
        'weight of a pixel in the average: precision is confidence x cosine² to the surface / '
        'depth², at most 1; uniform is 1; a volume on a GPU is uniform',
        choices=('precision', 'uniform'),
        runtime=True,
    )
    min_trust: float = option(
        0.03,
        'a surface needs this sum of pixel weights; 1 is one sure pixel at 1 m, facing the camera',
        low=0.0,
        high=1000.0,
        runtime=True,
    )
    carve_every: int = option(
        5,
        'every n-th frame empties what earlier frames put in front of its surfaces; 0 never does',
        low=0,
        high=1000,
        runtime=True,
    )
    device: str = option('auto', 'device of the volume', choices=('auto', 'cpu', 'cuda'))
    edge_filter: EdgeFilterSettings = field(default_factory=EdgeFilterSettings)
