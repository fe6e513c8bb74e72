"""Images and maps at another size, as the published pipelines resize them."""

import torch
from torch.nn import functional

Size = tuple[int, int]
"""Rows and columns."""


def with_longest_edge(size: Size, max_edge_px: int) -> Size:
    """
    Return the size of the same aspect with this longest edge, rounded down as everybody does.

    :param max_edge_px: small images are enlarged to it; 0 keeps the size
    """
    if not max_edge_px:
        return size
    longest = max(size)
    rows, columns = (max(1, side * max_edge_px // longest) for side in size)
    return rows, columns


def resized(maps_BCHW: torch.Tensor, size: Size) -> torch.Tensor:
    """Resample bilinearly, with antialiasing where pixels become fewer."""
    if tuple(maps_BCHW.shape[-2:]) == tuple(size):
        return maps_BCHW
    fewer = size[0] < maps_BCHW.shape[-2]
    return functional.interpolate(maps_BCHW, size=size, mode='bilinear', antialias=fewer)
