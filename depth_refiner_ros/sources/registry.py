# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Open the source that a word on the command line names."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
import re
import shlex
from typing import Any
from urllib.parse import unquote, urlsplit

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.frame_list import FrameListSource
from depth_refiner_ros.sources.images import ImageFolderSource
from depth_refiner_ros.sources.names import (
    IMAGE_SUFFIXES,
    is_video,
    starts_like_video,
    UNREAD_IMAGE_SUFFIXES,
    VIDEO_SUFFIXES,
)
from depth_refiner_ros.sources.rectify import Keep, none_kept
from depth_refiner_ros.sources.ros.bag_paths import BAG_SUFFIXES, is_bag, METADATA
from depth_refiner_ros.sources.tum import MAX_GAP_S, TUM_FILES, TumSource
from depth_refiner_ros.sources.video import VideoSource

MOST_DIGITS = 9
"""Of the largest seed, and of the largest number of frames or rooms."""
WHOLE_NUMBERS = f'whole numbers of at most {MOST_DIGITS} digits'
KINDS = (
    'sim:SEED[:FRAMES[:PEOPLE]], rooms:SEED:ROOMS, places:SEED[:PLACES], a TUM folder (rgb.txt), '
    f'a bag (a file or a folder of {", ".join(BAG_SUFFIXES)}), a frame list (.json), an image or '
    f'a folder of images ({", ".join(IMAGE_SUFFIXES)}), a video ({", ".join(VIDEO_SUFFIXES)})'
)
FILE = 'file:'
ROS_1_BAG = '.bag'
ARCHIVES = ('.zip', '.tar', '.gz', '.tgz', '.bz2', '.xz', '.7z', '.rar', '.zst')
ADDRESS = re.compile(r'[a-z][a-z0-9+.-]*://', re.IGNORECASE)
BAG_ONLY = ('image_topic', 'depth_topic', 'info_topic', 'pose_topic', 'body_from_camera')
SETTINGS = {
    'image_bits': ('image_bits', 0, 1.0),
    'max_gap_s': ('pose_tolerance_ms', MAX_GAP_S, 1e3),
}
"""Option, its default, and what makes its value one of the setting that users know."""

SIMULATED = ('sim:', 'rooms:', 'places:')
SHARED: dict[Callable[..., FrameSource], tuple[str, ...]] = {
    TumSource: ('image_bits', 'max_gap_s'),
    ImageFolderSource: ('image_bits',),
    FrameListSource: ('image_bits',),
}
"""Options of recordings that sources other than bags have, too."""


def open_source(
    location: str,
    *,
    recording: Mapping[str, Any] | None = None,
    camera_file: str = '',
    keep: Keep = none_kept,
    poses: bool = True,
    log: Callable[[str], None] = lambda line: None,
    **options: Any,
) -> FrameSource:
    """
    Open a simulated camera, recording, folder or file.

    :param location: a path, ``sim:SEED[:FRAMES[:PEOPLE]]``, ``rooms:SEED:ROOMS`` or
        ``places:SEED[:PLACES]`` (one frame of each); whatever exists on disk is taken as a path
    :param recording: what to read from a recording: options of :class:`RosbagSource`; other
        sources take only those in ``SHARED``
    :param camera_file: calibration of the camera of images and videos
    :param keep: for which lenses images are kept as they are, not rectified
    :param poses: False for a command that needs no poses, whose ``pose_topic`` is none by default
    :param log: called with one line for each choice that the recording leaves to the source
    :param options: passed to the source
    :raises SourceError: if there is no such source, with what was looked for, or an option
        does not exist for that source or has no effect there
    """
    recording = recording or {}
    with _allowed(location):
        path = _existing(location)
        opener = None if path is None else _opener(path)
    exists = path is not None or location.startswith(SIMULATED)
    if camera_file and exists and opener not in WITHOUT_CAMERA:
        raise SourceError(
            f'{location} has its own camera, so camera_file = {shown(camera_file)} has no effect; '
            'leave it out'
        )
    if opener in WITH_LENSES:
        options['keep'] = keep
    if camera_file:
        options['camera_file'] = camera_file
    if path is not None and opener is _rosbag:
        return _call(opener, path, {**recording, 'log': log, **options})
    shared = () if opener is None else SHARED.get(opener, ())
    if exists:
        _check_has_effect(location, recording, shared, poses=poses)
    if path is not None and opener is not None:
        options = {**{name: recording[name] for name in shared if name in recording}, **options}
        return _call(opener, path, {'log': log, **options})
    if location.startswith('sim:'):
        return _call(_simulated, location, options)
    if location.startswith('rooms:'):
        return _call(_rooms, location, options)
    if location.startswith('places:'):
        return _call(_places, location, options)
    if location.lower().startswith(FILE):
        raise SourceError(
            f'{shown(location)} is an address; give the path instead: '
            f'{shown(unquote(urlsplit(location).path))}'
        )
    if ADDRESS.match(location):
        raise SourceError(
            f'{shown(location)} is an address, and streams and addresses are not read: download '
            'the file, or, for a live camera, run its ROS driver and refiner.launch.py on its '
            'topics'
        )
    raise SourceError(f'{shown(location)} does not exist; a source is {KINDS}')


def _check_has_effect(
    location: str, recording: Mapping[str, Any], shared: tuple[str, ...], *, poses: bool
) -> None:
    """
    Refuse options that a source other than a bag does not have.

    :raises SourceError: naming the first of them
    """
    for name in BAG_ONLY:
        unset = ('', 'none') if name == 'pose_topic' and not poses else ('',)
        if recording.get(name, '') not in unset:
            raise SourceError(
                f'{location} is not a bag, so {name} = {shown(recording[name])} has no effect; '
                'leave it out'
            )
    for name, (setting, default, factor) in SETTINGS.items():
        value = recording.get(name, default)
        if name not in shared and value != default:
            raise SourceError(
                f'{location}: {setting} = {value * factor:g} has no effect on a source of this '
                'kind; leave it out'
            )


@contextmanager
def _allowed(target: Path | str) -> Iterator[None]:
    """Turn what may not be read into a SourceError that names it."""
    try:
        yield
    except PermissionError as error:
        raise SourceError(
            f'cannot read {error.filename or target}: {error.strerror}; check its permissions'
        ) from error


def _existing(location: str) -> Path | None:
    if not location:  # as of an unset variable of a shell; to pathlib it is the current folder
        return None
    try:
        path = user_path(location)
        return path if path.exists() else None
    except PermissionError:
        raise
    except (ValueError, RuntimeError, OSError):  # not a file name, unknown user, too long
        return None


def _opener(path: Path) -> Callable[..., FrameSource]:
    suffix = path.suffix.lower()
    if (path / 'rgb.txt').is_file():
        return TumSource
    if is_bag(path):
        return _rosbag
    if path.is_dir() or suffix in IMAGE_SUFFIXES:
        return ImageFolderSource
    if suffix == '.json':
        return FrameListSource
    if is_video(path) or starts_like_video(path):
        return VideoSource
    if suffix in UNREAD_IMAGE_SUFFIXES:
        raise SourceError(f'{path} is of a kind that is not read; convert it to PNG')
    if suffix == ROS_1_BAG:
        words = f'--src {shlex.quote(str(path))} --dst {shlex.quote(path.stem)}'
        raise SourceError(f'{path} is a bag of ROS 1; convert it: rosbags-convert {words}')
    if suffix in ARCHIVES:
        raise SourceError(f'{path} is an archive; unpack it and give what is inside')
    if holder := _holder(path):
        raise SourceError(f'{path} is only a part of the {holder} {path.parent}; give that folder')
    raise SourceError(f'the kind of {path} is unknown; a source is {KINDS}')


def _holder(path: Path) -> str:
    """Return the kind of recording whose folder a file describes, '' if it describes none."""
    if path.name == METADATA and is_bag(path.parent):
        return 'bag'
    return 'recording' if path.name in TUM_FILES and (path.parent / 'rgb.txt').is_file() else ''


def _call(
    opener: Callable[..., FrameSource], target: Path | str, options: dict[str, Any]
) -> FrameSource:
    try:
        with _allowed(target):
            return opener(target, **options)
    except TypeError as error:
        if 'unexpected keyword argument' not in str(error):
            raise
        raise SourceError(f'{target} has no such option: {error}') from error


def _rosbag(path: Path, **options: Any) -> FrameSource:
    from depth_refiner_ros.sources.ros.bag import RosbagSource  # rosbags is slow to import

    return RosbagSource(path, **options)


WITHOUT_CAMERA = (ImageFolderSource, VideoSource)
"""Sources whose camera may be given by a file."""
WITH_LENSES: tuple[Callable[..., FrameSource], ...] = (*WITHOUT_CAMERA, TumSource, _rosbag)
"""Sources whose images may be those of a lens."""


def _simulated(location: str, **options: Any) -> FrameSource:
    numbers = _whole_numbers(location)
    if not 1 <= len(numbers) <= 3:
        raise SourceError(
            f'{shown(location)} must be sim:SEED, sim:SEED:FRAMES or sim:SEED:FRAMES:PEOPLE with '
            f'{WHOLE_NUMBERS}'
        )
    from depth_refiner_ros.sources.simulated import SimulatedSource  # needs Open3D

    options |= dict(zip(('seed', 'frames', 'people'), numbers))
    return SimulatedSource(**options)


def _rooms(location: str, **options: Any) -> FrameSource:
    numbers = _whole_numbers(location)
    if len(numbers) != 2:
        raise SourceError(f'{shown(location)} must be rooms:SEED:ROOMS with {WHOLE_NUMBERS}')
    from depth_refiner_ros.sources.simulated.rooms_source import RoomsSource  # needs Open3D

    return RoomsSource(numbers[0], numbers[1], **options)


def _places(location: str, **options: Any) -> FrameSource:
    numbers = _whole_numbers(location)
    if not 1 <= len(numbers) <= 2:
        raise SourceError(
            f'{shown(location)} must be places:SEED or places:SEED:PLACES with {WHOLE_NUMBERS}'
        )
    from depth_refiner_ros.sources.simulated.places_source import PlacesSource  # needs Open3D

    return PlacesSource(*numbers, **options)


def _whole_numbers(location: str) -> list[int]:
    """Return the numbers behind the first colon, none if a word among them is not one."""
    words = location.split(':')[1:]
    if not all(word.isascii() and word.isdecimal() and len(word) <= MOST_DIGITS for word in words):
        return []
    return [int(word) for word in words]
