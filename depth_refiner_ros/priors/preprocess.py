# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Prepare images as each network was trained, and resize its maps back to the image's size.

===================== ===================================== ================= ====================
rule                  size at the network                   numbers           resampling in, out
===================== ===================================== ================= ====================
depth_anything        short side 518, multiples of 14       ImageNet          bicubic, bilinear ac
official_compat       the image's, up to multiples of 14    [-1, 1]           bilinear ac, both
video_depth_anything  as depth_anything; wider than 1.78,   ImageNet          bicubic, bilinear ac
                      the shorter the side
prior_depth_anything  as depth_anything, of red and blue    ImageNet          bicubic, bilinear ac
                      swapped
depth_anything_3      long side 504, multiples of 14        ImageNet          area, bilinear
pixel_perfect_depth   786,432 pixels, multiples of 16       none              area, nearest
prompt_depth_anything into 756 x 756, multiples of 14       ImageNet          bicubic, bicubic
zoedepth              mirrored borders; into 512 x 384,     0.5 +- 0.5        bilinear ac, bicubic
                      multiples of 32
depth_pro             squashed to 1536 x 1536               0.5 +- 0.5        bilinear, bilinear
metric3d              fitted into 1064 x 616, grey borders  ImageNet          bilinear, bilinear
moge2                 3600 patches of 14 x 14               ImageNet          bilinear aa, bilinear
unik3d                grey borders; 0.2 to 0.6 megapixels,  ImageNet          bilinear, bilinear
                      up to multiples of 14
infinidepth           squashed to 1024 x 768                0.5 +- 0.5 and    area; decoded at the
                                                            ImageNet          image's pixels
===================== ===================================== ================= ====================

*into*: the side that changes less gets its target size, and the aspect ratio is kept; *ac*:
aligned corners; *aa*: antialiased; *area*: bicubic if a side grows, see :mod:`stepped_rule`. All
as in the models' own code. UniDepth scales by itself, and InfiniDepth in :mod:`infinidepth`.
"""

from collections.abc import Callable
from dataclasses import dataclass
import math

from depth_refiner_ros.core.errors import InputError
import torch
from torch.nn import functional

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
Size = tuple[int, int]
"""Rows and columns."""


@dataclass(frozen=True, kw_only=True)
class Borders:
    """
    Pixels that are added around an image.

    :param mode: ``reflect``, or ``constant`` for the mean color
    """

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0
    mode: str = 'constant'

    def added(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        """Return an image of mean 0 with the borders added."""
        sides = (self.left, self.right, self.top, self.bottom)
        return functional.pad(image_BCHW, sides, self.mode)

    def removed(self, map_BCHW: torch.Tensor) -> torch.Tensor:
        """Return a map of the bordered size with the borders removed."""
        height, width = map_BCHW.shape[-2:]
        return map_BCHW[..., self.top : height - self.bottom, self.left : width - self.right]

    def around(self, size: Size) -> Size:
        """Return the size with borders."""
        return size[0] + self.top + self.bottom, size[1] + self.left + self.right


@dataclass(frozen=True, kw_only=True)
class InputRule:
    """
    How one network's images are prepared.

    :param size: the image's size to the size at the network, without borders added there
    :param before: borders added before the resize, by the image's size
    :param after: borders added after it, by the resized size
    :param mean_std: of each color, for an image in 0..1
    :param down: interpolation of the image
    :param antialias: also average over what it leaves out
    :param up: of the network's map
    """

    size: Callable[[Size], Size]
    before: Callable[[Size], Borders] = lambda size: Borders()
    after: Callable[[Size], Borders] = lambda size: Borders()
    mean_std: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET
    down: str = 'bilinear'
    down_corners: bool = False
    antialias: bool = False
    up: str = 'bilinear'
    up_corners: bool = False

    def prepare(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """
        Return the network's input.

        :param rgb_B3HW: color in 0..1
        """
        image_size = _size_of(rgb_B3HW)
        bordered = self.before(image_size).added(normalised(rgb_B3HW, self.mean_std))
        inner = self.size(_size_of(bordered))
        return self.after(inner).added(
            _resized(bordered, inner, self.down, self.down_corners, self.antialias)
        )

    def restore(self, map_B1hw: torch.Tensor, image_size: Size) -> torch.Tensor:
        """
        Return the network's map at the image's size.

        :param map_B1hw: map of the bordered input, at any resolution
        :raises InputError: if its aspect ratio differs from that of the input
        """
        before = self.before(image_size)
        bordered = before.around(image_size)
        inner = self.size(bordered)
        after = self.after(inner)
        _check_aspect(_size_of(map_B1hw), after.around(inner))
        if after != Borders():
            map_B1hw = after.removed(_resized(map_B1hw, after.around(inner), 'bilinear', False))
        return before.removed(_resized(map_B1hw, bordered, self.up, self.up_corners))

    def scale(self, image_size: Size) -> float:
        """Return the factor by which the rows of the image are resized."""
        bordered = self.before(image_size).around(image_size)
        return self.size(bordered)[0] / bordered[0]


def lower_bound(short_side: int, multiple: int) -> Callable[[Size], Size]:
    """
    Scale the short side to this length, rounded up to a multiple; keep the aspect ratio.

    :param short_side: in pixels; the long side is rounded to the nearest multiple
    """

    def size(image: Size) -> Size:
        scale = short_side / min(image)
        nearest = [round(side * scale / multiple) * multiple for side in image]
        rows, columns = (
            side if side >= short_side else math.ceil(short_side / multiple) * multiple
            for side in nearest
        )
        return rows, columns

    return size


def rounded_up(multiple: int) -> Callable[[Size], Size]:
    """Round each side up to the next multiple."""

    def size(image: Size) -> Size:
        rows, columns = (math.ceil(side / multiple) * multiple for side in image)
        return rows, columns

    return size


def least_change(rows: int, columns: int, multiple: int) -> Callable[[Size], Size]:
    """Match the target side that needs the smaller change; keep the aspect ratio."""

    def size(image: Size) -> Size:
        by_rows, by_columns = rows / image[0], columns / image[1]
        scale = by_columns if abs(1.0 - by_columns) < abs(1.0 - by_rows) else by_rows
        height, width = (max(1, round(side * scale / multiple)) * multiple for side in image)
        return height, width

    return size


def patched(patches: int, side: int) -> Callable[[Size], Size]:
    """Cut the image into about so many squares, by rounding rows and columns of them."""

    def size(image: Size) -> Size:
        aspect = image[1] / image[0]
        rows, columns = math.sqrt(patches / aspect), math.sqrt(patches * aspect)
        return max(1, round(rows)) * side, max(1, round(columns)) * side

    return size


def of_area(pixels: int, multiple: int) -> Callable[[Size], Size]:
    """Scale the image to this area; each side is rounded to the nearest multiple, but never 0."""

    def size(image: Size) -> Size:
        scale = math.sqrt(pixels / (image[0] * image[1]))
        rows, columns = (max(1, round(side * scale / multiple)) * multiple for side in image)
        return rows, columns

    return size


def fitted(rows: int, columns: int) -> Callable[[Size], Size]:
    """Scale the image to the largest size that fits, rounded down."""

    def size(image: Size) -> Size:
        scale = min(rows / image[0], columns / image[1])
        # The small term keeps the limiting side from falling a pixel short of its target.
        height, width = (max(1, int(side * scale + 1e-6)) for side in image)
        return height, width

    return size


def centred(rows: int, columns: int) -> Callable[[Size], Borders]:
    """Pad a fitted image to a size; an odd pixel goes below and right."""

    def borders(inner: Size) -> Borders:
        top, left = (rows - inner[0]) // 2, (columns - inner[1]) // 2
        return Borders(
            top=top, bottom=rows - inner[0] - top, left=left, right=columns - inner[1] - left
        )

    return borders


def mirrored(image: Size) -> Borders:
    """Return ZoeDepth's borders: 3 sqrt(side / 2) pixels of mirror image."""
    rows, columns = (min(int(math.sqrt(side / 2.0) * 3.0), side - 1) for side in image)
    return Borders(top=rows, bottom=rows, left=columns, right=columns, mode='reflect')


def depth_anything(short_side: int = 518) -> InputRule:
    """Return the rule of Depth Anything V2."""
    return InputRule(size=lower_bound(short_side, 14), down='bicubic', up_corners=True)


def video_depth_anything(short_side: int = 0) -> InputRule:
    """
    Return the rule of Video Depth Anything: long images get a shorter short side.

    :param short_side: in pixels, of images up to 16:9; 0 is its default size
    """

    def size(image: Size) -> Size:
        side, aspect = short_side or 518, max(image) / min(image)
        if aspect > 1.78:
            side = max(1, round(int(side * 1.777 / aspect) / 14)) * 14
        return lower_bound(side, 14)(image)

    return InputRule(size=size, down='bicubic', up_corners=True)


def official_compat() -> InputRule:
    """Return the rule of ApDepth's code for Depth Anything V2: [-1, 1], native size."""
    return InputRule(size=rounded_up(14), mean_std=HALF, down_corners=True, up_corners=True)


def prompt_depth_anything(short_side: int = 0) -> InputRule:
    """Return the rule of Prompt Depth Anything; 0 is its default size."""
    size = lower_bound(short_side, 14) if short_side else least_change(756, 756, 14)
    return InputRule(size=size, down='bicubic', up='bicubic')


def zoedepth() -> InputRule:
    """Return the rule of ZoeDepth."""
    return InputRule(
        size=least_change(384, 512, 32),
        before=mirrored,
        mean_std=HALF,
        down_corners=True,
        up='bicubic',
    )


def depth_pro(side: int = 1536) -> InputRule:
    """Return the rule of DepthPro: any aspect becomes a square."""
    return InputRule(size=lambda image: (side, side), mean_std=HALF)


def metric3d(rows: int = 616, columns: int = 1064) -> InputRule:
    """Return the rule of Metric3D v2 with a ViT."""
    return InputRule(size=fitted(rows, columns), after=centred(rows, columns))


def moge2(patches: int = 3600, short_side: int = 0) -> InputRule:
    """
    Return the rule of MoGe-2: about so many patches at the image's aspect ratio.

    :param patches: of 14 x 14 pixels
    :param short_side: of the input in pixels instead; 0 leaves it to ``patches``
    """
    size = lower_bound(short_side, 14) if short_side else patched(patches, 14)
    return InputRule(size=size, antialias=True)


def unik3d_scale(bordered: Size) -> float:
    """Return the factor to UniK3D's size, before sides are rounded up to whole patches."""
    pixels = bordered[0] * bordered[1]
    return math.sqrt(min(600_000, max(200_000, pixels)) / pixels)


def within_aspects(least: float, most: float) -> Callable[[Size], Borders]:
    """Pad an image to the nearest of these aspect ratios; an odd pixel goes below and right."""

    def borders(image: Size) -> Borders:
        rows, columns = image
        aspect = min(most, max(least, columns / rows))
        if columns / rows > aspect:
            rows = round(columns / aspect)
        elif columns / rows < aspect:
            columns = round(rows * aspect)
        return centred(rows, columns)(image)

    return borders


def unik3d() -> InputRule:
    """Return the rule of UniK3D."""

    def size(bordered: Size) -> Size:
        scale = unik3d_scale(bordered)
        return rounded_up(14)((round(bordered[0] * scale), round(bordered[1] * scale)))

    return InputRule(size=size, before=within_aspects(0.5, 2.5))


def _check_aspect(found: Size, network: Size) -> None:
    """
    Raise unless a map has its input's aspect ratio, to a pixel: resizing would stretch it.

    :raises InputError: if it differs
    """
    if abs(found[0] * network[1] - found[1] * network[0]) > max(network):
        raise InputError(
            f'the network returned a map of {found[1]} x {found[0]} for an input of '
            f'{network[1]} x {network[0]} pixels, which would be stretched; use another prior'
        )


def normalised(
    rgb_B3HW: torch.Tensor, mean_std: tuple[tuple[float, ...], tuple[float, ...]]
) -> torch.Tensor:
    """Return an image in 0..1 less the mean, over the deviation of each color."""
    mean, std = (_per_color(values, rgb_B3HW) for values in mean_std)
    return (rgb_B3HW - mean) / std


def _per_color(values: tuple[float, ...], like_B3HW: torch.Tensor) -> torch.Tensor:
    """Return a tensor filled on the device: copying a list would synchronise every frame."""
    return torch.cat([like_B3HW.new_full((1, 1, 1, 1), value) for value in values], dim=1)


def _size_of(image_BCHW: torch.Tensor) -> Size:
    return image_BCHW.shape[-2], image_BCHW.shape[-1]


def _resized(
    image_BCHW: torch.Tensor, size: Size, mode: str, corners: bool, antialias: bool = False
) -> torch.Tensor:
    if _size_of(image_BCHW) == size:
        return image_BCHW
    if mode == 'nearest':
        return functional.interpolate(image_BCHW, size=size, mode=mode)
    return functional.interpolate(
        image_BCHW, size=size, mode=mode, align_corners=corners, antialias=antialias
    )
