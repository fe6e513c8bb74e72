# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Single images and folders of images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
import os
from pathlib import Path

from depth_refiner_ros.core.aspect import same_aspect
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.run_folder import LIST
from depth_refiner_ros.sources.calibration import read_camera
from depth_refiner_ros.sources.exif import ExifCameras
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import (
    COMPANION,
    frame_or_lost,
    FrameError,
    LostFrame,
    WRONG_SIZE,
)
from depth_refiner_ros.sources.names import (
    IMAGE_SUFFIXES,
    is_companion,
    is_hidden,
    is_video,
    natural_key,
    UNREAD_IMAGE_SUFFIXES,
)
from depth_refiner_ros.sources.read import decoded_rgb, read_image_bytes
from depth_refiner_ros.sources.rectify import Keep, none_kept, Rectifier
from depth_refiner_ros.sources.ros.bag_paths import is_bag
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np

STEP_NS = 33_333_333
"""Time between images, which have no stamps of their own."""


class ImageFolderSource:
    """
    An image, or the images of a folder in natural order of name (IMG_2 before IMG_10).

    Images are turned upright as their EXIF record says, unless a camera is given: it describes the
    image in the orientation of the sensor. Without one, it is derived from the EXIF focal length
    if there is one.

    :param path: image file or folder
    :param intrinsics: camera of all images; scaled to images of another size
    :param horizontal_fov_deg: field of view instead of intrinsics; without either it is unknown
    :param image_bits: bits that 16-bit images use; 0 finds them
    :param camera_file: calibration of the camera instead of both, see :mod:`calibration`
    :param keep: for which lenses images are kept as they are, not rectified
    :param log: called with one line when EXIF gives the camera, for the bits that were found, and
        for each kind of images that a folder holds and that are passed over
    :raises SourceError: if there is no image
    """

    def __init__(
        self,
        path: Path | str,
        intrinsics: Intrinsics | None = None,
        horizontal_fov_deg: float | None = None,
        *,
        image_bits: int = 0,
        camera_file: str = '',
        keep: Keep = none_kept,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        path = Path(path)
        if intrinsics is not None and horizontal_fov_deg is not None:
            raise SourceError('give either intrinsics or a field of view, not both')
        self.name = Path(os.path.abspath(path)).name  # of a link, not of its target
        self.intrinsics = intrinsics
        self._given: Camera | None = read_camera(camera_file, log) if camera_file else intrinsics
        self._keep, self._rectifiers = keep, dict[tuple[int, int], Rectifier]()
        self.horizontal_fov_deg = horizontal_fov_deg
        self.files = _image_files(path, log)
        self._exif, self._bits = ExifCameras(log), BitRange(image_bits, log)

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Frame | LostFrame]:
        for index, file in enumerate(self.files):
            yield frame_or_lost(file.stem, partial(self._frame, index, file))

    def _frame(self, index: int, file: Path) -> Frame:
        if is_companion(file):
            raise FrameError(
                COMPANION, f'{file} is a companion file of macOS, not an image; delete it'
            )
        data = read_image_bytes(file)
        rgb_HW3 = decoded_rgb(file, data, self._bits, upright=self._given is None)
        if self._given is None:
            camera = self._guessed(file, data, rgb_HW3)
            return Frame(
                stamp_ns=index * STEP_NS, rgb_HW3=rgb_HW3, name=file.stem, intrinsics=camera
            )
        rectifier = self._rectifier(self._given, file, rgb_HW3)
        return Frame(
            stamp_ns=index * STEP_NS,
            rgb_HW3=rectifier.rgb(rgb_HW3),
            name=file.stem,
            intrinsics=rectifier.pinhole,
            lens=rectifier.lens,
            seen_HW=rectifier.seen_HW,
        )

    def _guessed(self, file: Path, data: bytes, rgb_HW3: np.ndarray) -> Intrinsics | None:
        height, width = rgb_HW3.shape[:2]
        if self.horizontal_fov_deg is not None:
            return Intrinsics.from_fov(width, height, self.horizontal_fov_deg)
        return self._exif.of(file, data, rgb_HW3)

    def _rectifier(self, camera: Camera, file: Path, rgb_HW3: np.ndarray) -> Rectifier:
        height, width = rgb_HW3.shape[:2]
        if not same_aspect(width, height, camera.width, camera.height):
            raise FrameError(
                WRONG_SIZE,
                f'{file} of {width}x{height} is not a resized version of the '
                f"camera's {camera.width}x{camera.height}; give the intrinsics of these images",
            )
        if (width, height) not in self._rectifiers:
            sized = camera.resized(width, height)
            self._rectifiers = {(width, height): Rectifier(sized, self._keep)}
        return self._rectifiers[width, height]


def _image_files(path: Path, log: Callable[[str], None]) -> Sequence[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(f'no image or folder {path}')
    try:
        inside = sorted(path.iterdir(), key=natural_key)
    except OSError as error:
        raise SourceError(f'cannot read the folder {path}: {error.strerror}') from error
    images = [file for file in inside if file.suffix.lower() in IMAGE_SUFFIXES]
    hidden = [file for file in images if is_hidden(file)]
    found = [file for file in images if file not in hidden]
    videos = [file for file in inside if is_video(file)]
    if not found:
        raise SourceError(f'folder {path} contains no image: {_instead(inside, videos)}')
    if hidden:
        log(
            f'{path}: {counted(len(hidden), "hidden image")} passed over, such as '
            f'{hidden[0].name}; rename those that are wanted'
        )
    if videos:
        log(
            f'{path}: {counted(len(videos), "video")} beside the images passed over; give videos '
            f'one by one, such as {videos[0]}'
        )
    if unread := list(filter(_is_unread, inside)):
        log(
            f'{path}: {counted(len(unread), "image")} of other kinds passed over, such as '
            f'{unread[0].name}; convert them to PNG'
        )
    if folders := list(filter(_is_album, inside)):
        log(
            f'{path}: {counted(len(folders), "folder")} of images inside passed over; give them '
            f'one by one, such as {folders[0]}'
        )
    return found


def _instead(inside: Sequence[Path], videos: Sequence[Path]) -> str:
    """Return what a folder without images holds, and what to give instead."""
    if not inside:
        return 'it is empty'
    if videos:
        held = counted(len(videos), 'video')
        return f'it holds {held}; give videos one by one, such as {videos[0]}'
    if folder := next(filter(_is_recording, inside), None):
        return f'give a recording inside it, such as {folder}'
    if folder := next(filter(_holds_images, inside), None):
        return f'give a folder inside it, such as {folder}'
    if unread := next(filter(_is_unread, inside), None):
        return f'{unread.name} is of a kind that is not read; convert such images to PNG'
    return f'images are {" ".join(IMAGE_SUFFIXES)}, not such as {inside[0].name}'


def _is_recording(path: Path) -> bool:
    """Whether a path is a bag or a frame list."""
    with suppress(OSError):
        return path.suffix.lower() == '.json' or is_bag(path)
    return False


def _is_unread(path: Path) -> bool:
    return (
        path.suffix.lower() in UNREAD_IMAGE_SUFFIXES and not is_companion(path) and path.is_file()
    )


def _is_album(path: Path) -> bool:
    """Whether a path is a folder of images that the user may expect to be read."""
    hidden = path.name.startswith(('.', '__MACOSX', '@eaDir'))
    return not hidden and _holds_images(path) and not (path / LIST).exists()


def _holds_images(path: Path) -> bool:
    """Whether a path is a folder of images, or a recording of them."""
    with suppress(OSError):
        return path.is_dir() and any(
            file.suffix.lower() in IMAGE_SUFFIXES or file.name == 'rgb.txt'
            for file in path.iterdir()
        )
    return False
