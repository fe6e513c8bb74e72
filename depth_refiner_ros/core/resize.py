# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Resize images and maps as the published pipelines do."""

from dataclasses import dataclass

from depth_refiner_ros.core.checks import check_one_of
import torch
from torch.nn import functional

Size = tuple[int, int]
"""Rows and columns."""
ROUNDINGS = ('none', 'nearest', 'down')
BACK = ('bilinear', 'antialias', 'nearest-exact')
WHITE = 255.0


def with_longest_edge(
    size: Size, max_edge_px: int, *, enlarge: bool = True, by_factor: bool = False
) -> Size:
    """
    Return the size with this longest edge and the same aspect ratio, rounded down.

    :param max_edge_px: 0 keeps the size
    :param enlarge: enlarge smaller images, too
    :param by_factor: multiply by a floating-point factor first, as Marigold's own code does; for
        some widths, the longest edge comes out one pixel short
    """
    longest = max(size)
    if not max_edge_px or (longest < max_edge_px and not enlarge):
        return size
    if by_factor:
        factor = max_edge_px / longest
        return max(1, int(size[0] * factor)), max(1, int(size[1] * factor))
    rows, columns = (max(1, side * max_edge_px // longest) for side in size)
    return rows, columns


def resized(maps_BCHW: torch.Tensor, size: Size) -> torch.Tensor:
    """Resample bilinearly, with antialiasing when shrinking."""
    if tuple(maps_BCHW.shape[-2:]) == tuple(size):
        return maps_BCHW
    fewer = size[0] < maps_BCHW.shape[-2]
    return functional.interpolate(maps_BCHW, size=size, mode='bilinear', antialias=fewer)


@dataclass(frozen=True, kw_only=True)
class View:
    """
    How images are resized for a network, and its maps are resized back.

    :param max_edge_px: see :func:`with_longest_edge`
    :param enlarge: see there
    :param by_factor: see there
    :param multiple: repeat the last row and column up to multiples of this; 1 adds nothing
    :param rounding: of the resized image to 8 bits: ``none``, ``nearest``, or ``down``
    :param back: interpolation of maps: ``bilinear``, ``antialias`` (bilinear, antialiased when
        shrinking) or ``nearest-exact``
    :raises InputError: for an unknown rounding or interpolation
    """

    max_edge_px: int = 0
    enlarge: bool = True
    by_factor: bool = False
    multiple: int = 1
    rounding: str = 'none'
    back: str = 'antialias'

    def __post_init__(self) -> None:
        check_one_of('rounding', self.rounding, ROUNDINGS)
        check_one_of('back', self.back, BACK)

    def size(self, full: Size) -> Size:
        """Return the size of an image in this view, without the padding."""
        return with_longest_edge(
            full, self.max_edge_px, enlarge=self.enlarge, by_factor=self.by_factor
        )

    def padded_size(self, full: Size) -> Size:
        """Return the size of an image in this view, with the padding."""
        rows, columns = self.size(full)
        return rows + -rows % self.multiple, columns + -columns % self.multiple

    def image(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """
        Return an image in this view.

        :param rgb_B3HW: in 0..1
        """
        size = self.size((rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]))
        if self.rounding == 'none':
            return self.padded(resized(rgb_B3HW, size))
        if self.rounding == 'nearest':
            # Resampled in 8-bit steps, as bytes are; other units round some pixels differently.
            levels = _antialiased((rgb_B3HW * WHITE).round(), size).round()
        else:
            levels = (_antialiased(rgb_B3HW, size) * WHITE).floor()
        return self.padded(levels / WHITE)

    def padded(self, maps_BCHW: torch.Tensor) -> torch.Tensor:
        """Add the padding to maps of the size without it."""
        rows, columns = maps_BCHW.shape[-2:]
        below, right = -rows % self.multiple, -columns % self.multiple
        if not (below or right):
            return maps_BCHW
        return functional.pad(maps_BCHW, (0, right, 0, below), mode='replicate')

    def restored(self, maps_BChw: torch.Tensor, full: Size) -> torch.Tensor:
        """
        Return maps of the padded view at the size of its image.

        :param maps_BChw: may be slightly smaller, from networks that drop incomplete cells
        :param full: size of the image
        """
        rows, columns = self.size(full)
        maps_BChw = maps_BChw[..., :rows, :columns]
        if self.back == 'antialias' or tuple(maps_BChw.shape[-2:]) == tuple(full):
            return resized(maps_BChw, full)
        return functional.interpolate(maps_BChw, size=full, mode=self.back)


def _antialiased(maps_BCHW: torch.Tensor, size: Size) -> torch.Tensor:
    """Resample like torchvision and diffusers, which antialias when enlarging, too."""
    if tuple(maps_BCHW.shape[-2:]) == tuple(size):
        return maps_BCHW
    return functional.interpolate(maps_BCHW, size=size, mode='bilinear', antialias=True)
