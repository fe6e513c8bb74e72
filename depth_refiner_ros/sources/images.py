"""Single images, folders of images and JSON lists of frames with depth."""

from collections.abc import Iterator, Sequence
import json
from pathlib import Path
from typing import Any

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.read import read_depth, read_rgb
import numpy as np

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm')
STEP_NS = 33_333_333
"""Images without a time are put 1/30 s apart."""


class ImageFolderSource:
    """
    An image, or the images of a folder in order of name.

    :param path: image file or folder
    :param intrinsics: camera of all images; where their size differs from it, in proportion
    :param horizontal_fov_deg: field of view instead of intrinsics; without either it is unknown
    :raises SourceError: where there is no image
    """

    def __init__(
        self,
        path: Path | str,
        intrinsics: Intrinsics | None = None,
        horizontal_fov_deg: float | None = None,
    ) -> None:
        path = Path(path)
        if intrinsics is not None and horizontal_fov_deg is not None:
            raise SourceError('give either intrinsics or a field of view, not both')
        self.name = path.name
        self.intrinsics = intrinsics
        self.horizontal_fov_deg = horizontal_fov_deg
        self.files = _image_files(path)

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Frame]:
        for index, file in enumerate(self.files):
            rgb_HW3 = read_rgb(file)
            yield Frame(
                stamp_ns=index * STEP_NS,
                rgb_HW3=rgb_HW3,
                name=file.stem,
                intrinsics=self._camera(rgb_HW3),
            )

    def _camera(self, rgb_HW3: np.ndarray) -> Intrinsics | None:
        height, width = rgb_HW3.shape[:2]
        if self.horizontal_fov_deg is not None:
            return Intrinsics.from_fov(width, height, self.horizontal_fov_deg)
        if self.intrinsics is None:
            return None
        stretch = width / height * self.intrinsics.height / self.intrinsics.width
        if not 0.99 < stretch < 1.01:
            raise SourceError(
                f"image {width}x{height} is no resize of the camera's "
                f'{self.intrinsics.width}x{self.intrinsics.height}; give the '
                'intrinsics of these images'
            )
        return self.intrinsics.resized(width, height)


class FrameListSource:
    """
    Frames that a JSON list names, each with its own camera.

    The list holds objects with ``rgb`` (file relative to the list), and optionally ``depth``,
    ``depth_scale`` (file units per metre, 1000 by default), ``fx_fy_cx_cy`` of the image and
    ``name``. Depth must be registered to the image but may have another size, as phones give it;
    it is then resampled by nearest neighbour to the size of the image, whose intrinsics hold.

    :param path: JSON file
    :param source: keep the frames whose ``source`` is this word only
    :raises SourceError: where the list cannot be read or an entry lacks something
    """

    def __init__(self, path: Path | str, *, source: str | None = None) -> None:
        self.path = Path(path)
        self.name = self.path.stem
        entries = _json_entries(self.path)
        self.entries = [
            entry for entry in entries if source is None or entry.get('source') == source
        ]
        if not self.entries:
            known = sorted({str(entry.get('source')) for entry in entries})
            raise SourceError(
                f'{path} has no frame of source {source!r}; there are: '
                f'{", ".join(known) or "none"}'
            )

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Frame]:
        for index, entry in enumerate(self.entries):
            yield self._frame(index, entry)

    def _frame(self, index: int, entry: dict[str, Any]) -> Frame:
        rgb_HW3 = read_rgb(self.path.parent / entry['rgb'])
        return Frame(
            stamp_ns=index * STEP_NS,
            rgb_HW3=rgb_HW3,
            intrinsics=self._camera(entry, rgb_HW3),
            depth_m_HW=self._depth(entry, rgb_HW3),
            name=str(entry.get('name', Path(entry['rgb']).stem)),
        )

    def _camera(self, entry: dict[str, Any], rgb_HW3: np.ndarray) -> Intrinsics | None:
        numbers = entry.get('fx_fy_cx_cy')
        if numbers is None:
            return None
        height, width = rgb_HW3.shape[:2]
        try:
            fx, fy, cx, cy = (float(number) for number in numbers)
            return Intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height)
        except (TypeError, ValueError, InputError) as error:
            raise SourceError(
                f'{self.path}, frame {entry.get("name")!r}: fx_fy_cx_cy = '
                f'{numbers} is no camera: {error}'
            ) from error

    def _depth(self, entry: dict[str, Any], rgb_HW3: np.ndarray) -> np.ndarray | None:
        if entry.get('depth') is None:
            return None
        scale = entry.get('depth_scale', 1000.0)
        if not isinstance(scale, int | float):
            raise SourceError(
                f'{self.path}, frame {entry.get("name")!r}: depth_scale = {scale!r} '
                'must be a number of file units per metre'
            )
        depth_m_HW = read_depth(self.path.parent / entry['depth'], depth_scale=scale)
        return resampled_nearest(depth_m_HW, *rgb_HW3.shape[:2])


def resampled_nearest(depth_m_HW: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return depth at another size by nearest neighbor: a mean of two surfaces is on neither."""
    if depth_m_HW.shape == (height, width):
        return depth_m_HW
    return cv2.resize(depth_m_HW, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def _image_files(path: Path) -> Sequence[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(f'there is no image or folder {path}')
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise SourceError(f'folder {path} holds no image ({" ".join(IMAGE_SUFFIXES)})')
    return files


def _json_entries(path: Path) -> list[dict[str, Any]]:
    try:
        entries = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise SourceError(f'cannot read the frame list {path}: {error.strerror}') from error
    except ValueError as error:
        raise SourceError(f'{path} is not JSON: {error}') from error
    listed = isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
    if not listed or not entries:
        raise SourceError(f'{path} must hold a list of objects with rgb, depth, depth_scale')
    for index, entry in enumerate(entries):
        if not isinstance(entry.get('rgb'), str):
            raise SourceError(f'{path}, entry {index} names no rgb file')
    return entries
