# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Argoverse 2's sensor set: color images of the cars' cameras."""

from functools import lru_cache, partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.sources.values import camera
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select

READER = 'argoverse2'
SPLITS = ('train', 'val', 'test')
CAMERAS = 'sensors/cameras/ring_*'
"""The seven cameras around the car; the stereo pair is left out."""
COLUMNS = ('fx_px', 'fy_px', 'cx_px', 'cy_px')


class Argoverse(FileSet):
    """Images alone; the small lens distortion is left in."""

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera of the log."""
        log, _, rest = item[0].partition('/sensors/cameras/')
        table = _table(self.root / log / 'calibration' / 'intrinsics.feather')
        name = rest.partition('/')[0]
        if name not in table:
            raise InputError(f'the calibration of {log} has no camera {name}; copy it again')
        return camera(table[name], width, height)


def open_set(path: Path, split: str) -> Argoverse:
    """
    Open the images; ``path`` holds ``train``, ``val`` and ``test``, or logs.

    :param split: one of these, a list, or by default everything
    :raises SourceError: also where pyarrow, which reads the cameras, is not installed
    """
    _library()
    parts = [name for name in SPLITS if (path / name).is_dir()]
    rules = {name: partial(_all, path, f'{name}/*') for name in parts}
    rules[''] = partial(_all, path, '*/*' if parts else '*')
    items, _ = select(READER, path, split, rules, lambda name: (name,))
    return Argoverse(path, items)


def _all(path: Path, logs: str) -> list[Item]:
    holds = 'beside calibration/intrinsics.feather of each log'
    return [(name,) for name in images_of(READER, path, f'{logs}/{CAMERAS}/*.jpg', holds)]


def _library():  # type: ignore[no-untyped-def]
    try:
        from pyarrow import feather
    except ImportError as error:
        raise SourceError(
            f'reader {READER} needs pyarrow for the cameras: pip install pyarrow, or use reader '
            'images'
        ) from error
    return feather


@lru_cache(maxsize=2048)
def _table(path: Path) -> dict[str, tuple[float, ...]]:
    if not path.is_file():
        raise InputError(f'{path} is missing; copy it again')
    try:
        columns = _library().read_table(str(path)).to_pydict()
        rows = zip(columns['sensor_name'], *(columns[name] for name in COLUMNS), strict=True)
        return {row[0]: row[1:] for row in rows}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f'{path} cannot be read ({error}); copy it again') from error
