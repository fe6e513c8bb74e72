# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""JSON lists of frames, each with its own camera and depth."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.aspect import same_aspect
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources import values
from depth_refiner_ros.sources.exif import ExifCameras
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.images import STEP_NS
from depth_refiner_ros.sources.lost_frames import (
    frame_or_lost,
    FrameError,
    LostFrame,
    UNREADABLE_ENTRY,
    WRONG_SIZE,
)
from depth_refiner_ros.sources.names import listed_file
from depth_refiner_ros.sources.pixel_grid import on_grid
from depth_refiner_ros.sources.read import decoded_rgb, read_depth, read_image_bytes
from depth_refiner_ros.sources.sixteen_bits import BitRange

MM_PER_M = 1000.0
KEYS = (
    *('rgb', 'depth', 'depth_scale', 'fx_fy_cx_cy'),
    *('name', 'source', 'scene', 'depth_size'),
)
WANTED = (
    'rgb (a file), and optionally depth (a file), depth_scale, fx_fy_cx_cy, name, source, scene '
    'and depth_size'
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    One frame of a list, checked but not read.

    :param where: file, entry and name, for messages
    :param fx_fy_cx_cy: camera of the image in the orientation of the sensor, None if unknown
    :param depth: file, None if there is no depth
    :param depth_scale: file units per metre
    :param source: group whose errors are averaged, '' if the list does not say
    :param scene: where the frame was taken, such as ``indoor hall``, '' if the list does not say
    :param depth_size: native columns and rows of upsampled depth, None if it is not upsampled
    """

    name: str
    where: str
    rgb: Path
    fx_fy_cx_cy: list[float] | None
    depth: Path | None
    depth_scale: float
    source: str
    scene: str
    depth_size: tuple[int, int] | None


class FrameListSource:
    """
    The frames that a JSON list names.

    The list holds objects with ``rgb`` (file relative to the list), and optionally ``depth``,
    ``depth_scale`` (file units per metre, 1000 by default), ``fx_fy_cx_cy`` of the image and
    ``name``. Depth must be registered to the image but may have another size, as on phones;
    it is then resampled by nearest neighbor to the size of the image, whose intrinsics hold. An
    image with depth or intrinsics stays in the orientation of the sensor; otherwise it is
    turned upright as its EXIF record says.

    :param path: JSON file
    :param source: keep only the frames with this ``source``
    :param image_bits: bits that 16-bit images use; 0 finds them
    :param log: called with one line when EXIF gives the camera, and for the bits that were found
    :raises SourceError: if the list cannot be read or is empty
    """

    def __init__(
        self,
        path: Path | str,
        *,
        source: str | None = None,
        image_bits: int = 0,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.path = Path(path)
        self._exif, self._bits = ExifCameras(log), BitRange(image_bits, log)
        self.name = self.path.stem
        listed = values.read_json(self.path)
        if not isinstance(listed, list) or not listed:
            raise SourceError(
                f'{path} must hold a list, [{{"rgb": "a.png"}}, ...], whose objects give {WANTED}'
            )
        entries = [self._checked(index, entry) for index, entry in enumerate(listed)]
        self.entries = [
            entry
            for entry in entries
            if source is None or (isinstance(entry, Entry) and entry.source == source)
        ]
        """One entry for each frame of the list; a LostFrame for one that cannot be used."""
        if not self.entries:
            known = sorted({entry.source for entry in entries if isinstance(entry, Entry)})
            raise SourceError(
                f'{path} has no frame of source {shown(source)}; there are: '
                f'{", ".join(known) or "none"}'
            )

    @property
    def measured_depth(self) -> bool:
        """Return whether any frame has depth."""
        return any(isinstance(entry, Entry) and entry.depth is not None for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Frame | LostFrame]:
        for index, entry in enumerate(self.entries):
            if isinstance(entry, LostFrame):
                yield entry
            else:
                yield frame_or_lost(entry.name, partial(self._frame, index, entry))

    def _frame(self, index: int, entry: Entry) -> Frame:
        data = read_image_bytes(entry.rgb)
        alone = entry.depth is None and entry.fx_fy_cx_cy is None
        rgb_HW3 = decoded_rgb(entry.rgb, data, self._bits, upright=alone)
        depth_m_HW = None
        if entry.depth is not None:
            depth_m_HW = read_depth(entry.depth, depth_scale=entry.depth_scale)
            depth_m_HW = on_grid(depth_m_HW, rgb_HW3, str(entry.depth))
        _check_depth_size(entry, *rgb_HW3.shape[:2])
        camera = self._exif.of(entry.rgb, data, rgb_HW3) if entry.fx_fy_cx_cy is None else None
        return Frame(
            stamp_ns=index * STEP_NS,
            rgb_HW3=rgb_HW3,
            intrinsics=camera or _camera(entry, *rgb_HW3.shape[:2]),
            depth_m_HW=depth_m_HW,
            name=entry.name,
        )

    def _checked(self, index: int, fields: Any) -> Entry | LostFrame:
        return frame_or_lost(f'entry {index}', partial(_entry, self.path, index, fields))


def _entry(path: Path, index: int, fields: Any) -> Entry:
    """
    Check one object of the list.

    :raises FrameError: if a field is wrong; the message names it
    """
    where = f'{path}, entry {index}'
    if not isinstance(fields, dict):
        raise FrameError(UNREADABLE_ENTRY, f'{where} is not an object that gives {WANTED}')
    get = fields.get
    try:
        _check_keys(fields)
        rgb = values.file_name('rgb', get('rgb'))
        depth = None if get('depth') is None else values.file_name('depth', get('depth'))
        camera = get('fx_fy_cx_cy')
        size = get('depth_size')
        file = listed_file(path.parent, rgb)
        name = values.text('name', get('name'), file.stem)
        return Entry(
            name=name,
            where=f'{where} ({name})',
            rgb=file,
            fx_fy_cx_cy=None if camera is None else _pinhole(camera),
            depth=None if depth is None else listed_file(path.parent, depth),
            depth_scale=values.number(
                'depth_scale', get('depth_scale', MM_PER_M), *values.DEPTH_SCALES
            ),
            source=values.text('source', get('source'), ''),
            scene=values.text('scene', get('scene'), ''),
            depth_size=None if size is None else _size(size),
        )
    except InputError as error:
        raise FrameError(UNREADABLE_ENTRY, f'{where}: {error}') from error


def _check_keys(fields: dict[str, Any]) -> None:
    """
    Raise for an object without an image, and for a key whose value would be ignored by mistake.

    Lists may hold other keys. One is a mistake where it is a known one but for capitals,
    separators or two swapped letters.

    :raises InputError: with the key and the fix
    """
    for key in KEYS:
        forms = _with_swaps(_letters(key))
        wrong = next((other for other in fields if _letters(other) in forms), None)
        if wrong is not None and key not in fields:
            raise InputError(f'{shown(wrong)} is not read; did you mean {key}?')
    if 'rgb' not in fields:
        held = shown(', '.join(fields)) if fields else 'none'
        raise InputError(f'rgb, the file of the image, is missing; the keys are {held}')


def _letters(key: str) -> str:
    return ''.join(filter(str.isalnum, key.lower()))


def _with_swaps(word: str) -> set[str]:
    pairs = range(len(word) - 1)
    swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in pairs}
    return {word, *swapped}


def _pinhole(listed: Any) -> list[float]:
    if isinstance(listed, list) and len(listed) == 4:
        try:
            return values.pinhole(listed)
        except InputError as error:
            raise InputError(f'fx_fy_cx_cy: {error}') from error
    return values.numbers('fx_fy_cx_cy', listed, 4)


def _size(listed: Any) -> tuple[int, int]:
    width, height = values.numbers('depth_size', listed, 2)
    return (
        values.whole_number('depth_size', width, 1, values.MOST_PIXELS),
        values.whole_number('depth_size', height, 1, values.MOST_PIXELS),
    )


def _check_depth_size(entry: Entry, height: int, width: int) -> None:
    size = entry.depth_size
    if size and not (size[0] <= width and size[1] <= height and same_aspect(*size, width, height)):
        raise FrameError(
            WRONG_SIZE,
            f'{entry.where}: depth_size = {size[0]}x{size[1]} is not a reduced size of the image '
            f'{width}x{height}',
        )


def _camera(entry: Entry, height: int, width: int) -> Intrinsics | None:
    if entry.fx_fy_cx_cy is None:
        return None
    try:
        return values.camera(entry.fx_fy_cx_cy, width, height)
    except InputError as error:
        raise FrameError(UNREADABLE_ENTRY, f'{entry.where}: fx_fy_cx_cy: {error}') from error
