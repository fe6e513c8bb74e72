# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What all sets of image files share: one entry per image, read when it is asked for."""

from collections.abc import Sequence
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.sources.lost_frames import (
    FrameError,
    NO_CAMERA,
    UNREADABLE_DEPTH,
    WRONG_SIZE,
)
from depth_refiner_ros.sources.read import read_rgb
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np
from training.data.sample import Sample

Item = tuple[str, ...]
"""An image and the files that belong to it, relative to the root of the set."""


class FileSet:
    """
    Images in files; a reader overrides what its set has beside them.

    :param root: of the set
    :param items: see :data:`Item`; their first word names the sample
    :param left_out: images that were looked at and have no true depth, where the set needs it
    """

    def __init__(self, root: Path, items: Sequence[Item], *, left_out: int = 0) -> None:
        self.root, self.items, self.left_out = root, items, left_out

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image.

        :raises FrameError: where the image, its depth or its camera cannot be used
        """
        item = self.items[index]
        rgb_HW3 = self.rgb(item)
        height, width = rgb_HW3.shape[:2]
        try:
            camera = self.camera(item, width, height)
        except FrameError:
            raise
        except (InputError, SourceError) as error:
            raise FrameError(NO_CAMERA, f'{self.root / item[0]}: {error}') from error
        try:
            depth_m_HW = self.depth(item, width, height)
        except ValueError as error:  # an array of another shape or kind than the set's
            raise FrameError(
                UNREADABLE_DEPTH,
                f'the depth of {self.root / item[0]} cannot be used ({error}); copy it again',
            ) from error
        if depth_m_HW is not None and depth_m_HW.shape != (height, width):
            raise FrameError(
                WRONG_SIZE,
                f'{self.root / item[0]} is {width}x{height}, its depth '
                f'{depth_m_HW.shape[1]}x{depth_m_HW.shape[0]}; copy both again',
            )
        return Sample(rgb_HW3=rgb_HW3, depth_m_HW=depth_m_HW, intrinsics=camera, name=item[0])

    def rgb(self, item: Item) -> np.ndarray:
        """Return the color in the orientation of the sensor, which depth and camera share."""
        return read_rgb(self.root / item[0], BitRange(), upright=False)

    def depth(self, item: Item, width: int, height: int) -> np.ndarray | None:
        """Return depth in metres along Z, NaN where unknown; None for images alone."""
        return None

    def camera(self, item: Item, width: int, height: int) -> Intrinsics | None:
        """Return the camera of an image of this size, None if unknown."""
        return None
