"""Find the source that a word on the command line means."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.images import FrameListSource, IMAGE_SUFFIXES, ImageFolderSource
from depth_refiner_ros.sources.tum import TumSource
from depth_refiner_ros.sources.video import VideoSource

VIDEO_SUFFIXES = ('.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v')
BAG_SUFFIXES = ('.mcap', '.db3')
KINDS = (
    'sim:SEED[:FRAMES], rooms:SEED:ROOMS, a TUM folder (rgb.txt), a bag (folder with '
    f'metadata.yaml, {", ".join(BAG_SUFFIXES)}), a frame list (.json), an image or a folder '
    f'of images ({", ".join(IMAGE_SUFFIXES)}), a video ({", ".join(VIDEO_SUFFIXES)})'
)


def open_source(location: str, **options: Any) -> FrameSource:
    """
    Open a simulated camera, recording, folder or file.

    :param location: ``sim:SEED[:FRAMES]``, ``rooms:SEED:ROOMS`` (one frame of each) or a path
    :param options: passed to the source
    :raises SourceError: where the word means nothing, with what was looked for, or an option
        does not exist for that source
    """
    if location.startswith('sim:'):
        return _call(_simulated, location, options)
    if location.startswith('rooms:'):
        return _call(_rooms, location, options)
    path = Path(location).expanduser()
    if not path.exists():
        raise SourceError(f'{location!r} does not exist; a source is {KINDS}')
    return _call(_opener(path), path, options)


def _opener(path: Path) -> Callable[..., FrameSource]:
    suffix = path.suffix.lower()
    if (path / 'rgb.txt').is_file():
        return TumSource
    if (path / 'metadata.yaml').is_file() or suffix in BAG_SUFFIXES:
        return _rosbag
    if path.is_dir() or suffix in IMAGE_SUFFIXES:
        return ImageFolderSource
    if suffix == '.json':
        return FrameListSource
    if suffix in VIDEO_SUFFIXES:
        return VideoSource
    raise SourceError(f'{path} is of no known kind; a source is {KINDS}')


def _call(
    opener: Callable[..., FrameSource], target: Path | str, options: dict[str, Any]
) -> FrameSource:
    try:
        return opener(target, **options)
    except TypeError as error:
        if 'unexpected keyword argument' not in str(error):
            raise
        raise SourceError(f'{target} takes no such option: {error}') from error


def _rosbag(path: Path, **options: Any) -> FrameSource:
    from depth_refiner_ros.sources.ros.bag import RosbagSource  # rosbags is slow to import

    return RosbagSource(path, **options)


def _simulated(location: str, **options: Any) -> FrameSource:
    numbers = location.split(':')[1:]
    if not 1 <= len(numbers) <= 2 or not all(number.isdigit() for number in numbers):
        raise SourceError(f'{location!r} must be sim:SEED or sim:SEED:FRAMES with whole numbers')
    from depth_refiner_ros.sources.simulated import SimulatedSource  # needs Open3D

    if len(numbers) == 2:
        options['frames'] = int(numbers[1])
    return SimulatedSource(seed=int(numbers[0]), **options)


def _rooms(location: str, **options: Any) -> FrameSource:
    numbers = location.split(':')[1:]
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
        raise SourceError(f'{location!r} must be rooms:SEED:ROOMS with whole numbers')
    from depth_refiner_ros.sources.simulated.rooms_source import RoomsSource  # needs Open3D

    return RoomsSource(int(numbers[0]), int(numbers[1]), **options)
