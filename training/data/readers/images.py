# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Any folder of images, and those below it."""

from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.exif import exif_camera
from depth_refiner_ros.sources.names import IMAGE_SUFFIXES
from depth_refiner_ros.sources.read import decoded_rgb, read_image_bytes
from depth_refiner_ros.sources.sixteen_bits import BitRange
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import in_order, select
from training.data.sample import Sample

READER = 'images'


class Images(FileSet):
    """
    Images alone, upright as their EXIF record says, with the camera that it states.

    The range of a 16-bit image is found from that image alone, so that no order matters.
    """

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image.

        :raises FrameError: if it cannot be used
        """
        (name,) = self.items[index]
        path = self.root / name
        data = read_image_bytes(path)
        rgb_HW3 = decoded_rgb(path, data, BitRange(), upright=True)
        found = exif_camera(data, rgb_HW3.shape[1], rgb_HW3.shape[0])
        camera: Intrinsics | None = found.intrinsics if found else None
        return Sample(rgb_HW3=rgb_HW3, intrinsics=camera, name=name)


def open_set(path: Path, split: str) -> Images:
    """
    Open the images in natural order of their paths (IMG_2 before IMG_10).

    :param split: a list, by default everything
    """
    items, _ = select(READER, path, split, {'': partial(_all, path)}, lambda name: (name,))
    return Images(path, items)


def _all(path: Path) -> list[Item]:
    if not path.is_dir():
        raise SourceError(f'{path} is not a folder; reader {READER} takes a folder of images')
    found = [name for name in in_order(path, '**/*') if name.lower().endswith(IMAGE_SUFFIXES)]
    if not found:
        raise SourceError(f'{path} contains no image ({" ".join(IMAGE_SUFFIXES)})')
    return [(name,) for name in found]
