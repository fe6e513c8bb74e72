# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options of maps of Gaussian splats, which novel views are rendered from."""

from dataclasses import dataclass

from depth_refiner_ros.settings.options import option


@dataclass(frozen=True, kw_only=True)
class SplatSettings:
    """How splats are placed by depth, fitted to images, and judged by views held back."""

    hold_back: int = option(8, 'hold back every n-th view for the comparison', low=2, high=1000)
    width_px: int = option(
        160, 'width that images are shrunk to; 0 keeps their size', unit='px', low=0, high=10000
    )
    spacing_px: int = option(
        4, 'distance of the pixels of a shrunk image that splats begin at', unit='px', low=1
    )
    most: int = option(
        8000,
        'largest number of splats; as many views as that allows, evenly spread, give theirs, or '
        'one view a part of them',
        low=100,
    )
    steps: int = option(200, 'steps of the fit, each on one view', low=0, high=1000000)
    hold_scale: bool = option(
        True,
        'bring each depth map to the scale of those before it, as their poses show it; right '
        'depth stays as it is',
    )
    seed: int = option(0, 'seed of the order of views in the fit', low=0)
    device: str = option(
        'auto',
        'device of the splats; a GPU needs pip install gsplat, and auto takes it only then',
        choices=('auto', 'cpu', 'cuda'),
    )
    lpips_weights: str = option(
        '',
        'folder of alexnet-owt-7be5be79.pth and alex.pth, which LPIPS needs; empty takes the '
        "checkpoints of torch's hub",
    )
