# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""An image that all depth networks interpret alike."""

import torch


def corridor(height, width):
    """Ray-cast a tiled corridor, 3 m wide and high, 20 m long, lit from the camera."""
    rows = ((torch.arange(height) - (height - 1) / 2.0) / width * 1.15)[:, None]
    columns = (torch.arange(width) - (width - 1) / 2.0) / width * 1.15
    sides = torch.maximum(rows.abs().expand(height, width), columns.abs().expand(height, width))
    depth_m = (1.5 / sides.clamp_min(1e-6)).clamp_max(20.0)
    tiles = sum(torch.floor(axis * depth_m / 0.5 + 100.0) for axis in (rows, columns))
    tiles = (tiles + torch.floor(depth_m / 0.5)) % 2.0
    color = torch.tensor([0.8, 0.7, 0.6]).view(3, 1, 1)
    return ((0.5 + 0.5 * tiles) * color / (1.0 + 0.08 * depth_m))[None]
