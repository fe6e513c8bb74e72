# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The camera of a recorded folder, from ``calibration.yaml``.

Three formats are read: plain words (``fx: 525.0``), that of ROS' camera_calibration, and the
settings of ORB-SLAM.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.core.lens import Camera, Lens, PANORAMA
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.core.places import exists, user_path
from depth_refiner_ros.sources import values
from depth_refiner_ros.sources.rectify import camera_of, Keep, none_kept, Rectifier

PINHOLE, SIZE = ('fx', 'fy', 'cx', 'cy'), ('width', 'height')
ANGLES = (('across_deg', 360.0), ('down_deg', 180.0))
"""Fields of view of a panorama, and their defaults."""
KEYS = (
    *(*SIZE, *PINHOLE, 'distortion', 'distortion_model', 'depth_scale'),
    *(name for name, _ in ANGLES),
)
NOTHING = ('', '~', 'null')
ORB_SLAM = ('Camera.', 'Camera1.')
Words = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """
    What the file says.

    :param rectifier: makes images of its camera pinhole images; None without a file
    :param depth_scale: PNG units per metre, None if it is not stated
    """

    rectifier: Rectifier | None = None
    depth_scale: float | None = None


def read_calibration(
    path: Path, log: Callable[[str], None], keep: Keep = none_kept
) -> Calibration:
    """
    Read a calibration; a missing file is none.

    :param log: called with one line about keys that are not read
    :param keep: for which lenses images are kept as they are
    :raises SourceError: with the file, where a value is missing or wrong, or a key looks like a
        misspelled one
    :raises InputError: if its folder may not be entered
    """
    if not exists(path):
        return Calibration()
    words = values.read_yaml_words(path)
    try:
        words = _plain(words)
        _check_keys(path, words, log)
        scale = words.get('depth_scale')
        return Calibration(rectifier=_rectifier(words, keep), depth_scale=_depth_scale(scale))
    except KeyError as error:
        raise SourceError(
            f'{path} lacks {error}; it must give {", ".join(SIZE + PINHOLE)}, or be a '
            'calibration of ROS (camera_matrix, image_width, ...) or ORB-SLAM (Camera.fx, ...)'
        ) from error
    except (InputError, SourceError) as error:
        raise SourceError(f'{path}: {error}') from error


def read_camera(path: str, log: Callable[[str], None]) -> Camera:
    """
    Return the camera of a calibration that has to be there.

    :raises SourceError: as :func:`read_calibration`, or if there is no file
    """
    rectifier = read_calibration(user_path(path), log, lambda lens: True).rectifier
    if rectifier is None:
        raise SourceError(f'no calibration {path}; correct camera_file')
    return rectifier.camera


def _plain(words: Words) -> Words:
    """Return the words of any format by the names of the plain one."""
    if 'camera_matrix' in words:
        matrix = values.numbers('camera_matrix', _data(words, 'camera_matrix'), 9)
        named = dict(zip(PINHOLE, (matrix[0], matrix[4], matrix[2], matrix[5])))
        size = {'width': words['image_width'], 'height': words['image_height']}
        distortion = _data(words, 'distortion_coefficients')
        model = words.get('distortion_model', 'plumb_bob')
        return {**named, **size, 'distortion': distortion, 'distortion_model': model}
    for start in ORB_SLAM:
        if f'{start}fx' in words:
            return _of_orb_slam(words, start)
    return words


def _of_orb_slam(words: Words, start: str) -> Words:
    fisheye = 'KannalaBrandt' in str(words.get('Camera.type', ''))
    order = ('k1', 'k2', 'k3', 'k4') if fisheye else ('k1', 'k2', 'p1', 'p2', 'k3')
    size = {key: words.get(f'Camera.{key}', words.get(f'{start}{key}')) for key in SIZE}
    scale = words.get('DepthMapFactor', words.get('RGBD.DepthMapFactor'))
    return {
        **{key: words[f'{start}{key}'] for key in PINHOLE},
        **{key: value for key, value in size.items() if value is not None},
        'distortion': [words.get(f'{start}{key}', '0') for key in order],
        'distortion_model': 'equidistant' if fisheye else 'plumb_bob',
        **({} if scale is None else {'depth_scale': scale}),
    }


def _data(words: Words, key: str) -> Any:
    """Return the numbers of a matrix, which ROS and OpenCV write as rows, cols and data."""
    matrix = words[key]
    return matrix['data'] if isinstance(matrix, dict) else matrix


def _check_keys(path: Path, words: Words, log: Callable[[str], None]) -> None:
    unknown = [key for key in words if key not in KEYS]
    for key in unknown:
        hint = nearest(key, KEYS)
        if not hint and 'dist' in str(key).lower():
            hint = '; did you mean distortion?'
        if hint:
            raise SourceError(f'{shown(key)} is not read{hint}')
    if unknown:
        log(f'{path}: {", ".join(map(shown, unknown))} not read; known are {", ".join(KEYS)}')


def _rectifier(words: Words, keep: Keep) -> Rectifier:
    if words.get('distortion_model') == PANORAMA:
        size = [values.whole_number(key, words[key], 1, values.MOST_PIXELS) for key in SIZE]
        angles = [values.number(key, words.get(key, most), 1.0, most) for key, most in ANGLES]
        return Rectifier(Lens.panorama(*size, *angles), keep)
    matrix: Intrinsics = values.camera(
        [words[key] for key in PINHOLE], words['width'], words['height']
    )
    distortion = words.get('distortion', '')
    listed = [] if distortion in NOTHING else values.numbers('distortion', distortion)
    model = values.text('distortion_model', words.get('distortion_model'), 'plumb_bob')
    return Rectifier(camera_of(matrix, listed, model=model), keep)


def _depth_scale(value: Any) -> float | None:
    if value is None:
        return None
    try:
        return values.number('depth_scale', value, *values.DEPTH_SCALES)
    except InputError as error:
        raise SourceError(f'{error} of PNG units per metre') from error
