# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What nuScenes' tables say of its camera images: camera, scene, and where the LiDAR was.

The tables of the whole set are millions of records in one JSON file, so what is needed of them is
kept in the user's cache after the first reading.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
import hashlib
import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
import zlib

from depth_refiner_ros.backends.engine_cache import default_folder
from depth_refiner_ros.core.atomic import staged_file
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.values import read_json
import numpy as np

TABLES = ('sample_data', 'calibrated_sensor', 'ego_pose', 'sensor', 'sample', 'scene')
LIDAR = 'LIDAR_TOP'
DAMAGED = (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile, zlib.error)
"""What numpy raises for an archive that is not there, or that a power cut has spoilt."""
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """
    The key frames of all cameras, in order of time within each camera.

    :param image_N: file below the root
    :param lidar_N: file of the sweep of the same key frame
    :param scene_N: name
    :param fx_fy_cx_cy_N4: camera
    :param camera_from_lidar_N44: with the car's motion between the two
    """

    image_N: np.ndarray
    lidar_N: np.ndarray
    scene_N: np.ndarray
    fx_fy_cx_cy_N4: np.ndarray
    camera_from_lidar_N44: np.ndarray


def read_tables(folder: Path) -> Tables:
    """
    Read the tables of a version such as ``v1.0-mini``, or what was kept of them.

    :raises SourceError: if one is missing or not nuScenes'
    :raises OutputError: if the cache cannot be written
    """
    files = [folder / f'{name}.json' for name in TABLES]
    for file in files:
        if not file.is_file():
            raise SourceError(f'{file} is missing; extract the metadata of nuScenes again')
    stats = [[str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    key = hashlib.sha256(json.dumps(stats).encode()).hexdigest()[:16]
    kept = default_folder() / 'tables' / f'nuscenes-{key}.npz'
    with suppress(*DAMAGED), kept.open('rb') as stream:
        return Tables(**np.load(stream, allow_pickle=False))
    columns = _columns(folder)
    with staged_file(kept) as part, part.open('wb') as out:
        np.savez_compressed(out, **columns)
    return Tables(**columns)


def _columns(folder: Path) -> dict[str, Any]:
    tables = {name: read_json(folder / f'{name}.json') for name in TABLES}
    try:
        rows = sorted(_rows(tables), key=lambda row: row[:2])
        return {
            'image_N': np.array([row[2] for row in rows]),
            'lidar_N': np.array([row[3] for row in rows]),
            'scene_N': np.array([row[4] for row in rows]),
            'fx_fy_cx_cy_N4': np.array([row[5] for row in rows]).reshape(-1, 4),
            'camera_from_lidar_N44': np.array([row[6] for row in rows]).reshape(-1, 4, 4),
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise SourceError(
            f'the tables in {folder} are not those of nuScenes ({shown(str(error))}); extract '
            'them again'
        ) from error


def _rows(tables: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    by = {name: {row['token']: row for row in tables[name]} for name in TABLES[1:]}

    def channel(data: Row) -> str:
        sensor = by['calibrated_sensor'][data['calibrated_sensor_token']]['sensor_token']
        return str(by['sensor'][sensor]['channel'])

    def world_from(data: Row) -> np.ndarray:
        calibrated = by['calibrated_sensor'][data['calibrated_sensor_token']]
        return _pose(by['ego_pose'][data['ego_pose_token']]) @ _pose(calibrated)

    key_frames = [data for data in tables['sample_data'] if data['is_key_frame']]
    lidars = {data['sample_token']: data for data in key_frames if channel(data) == LIDAR}
    for data in key_frames:
        name = channel(data)
        lidar = lidars.get(data['sample_token'])
        if not name.startswith('CAM_') or lidar is None:
            continue
        matrix = by['calibrated_sensor'][data['calibrated_sensor_token']]['camera_intrinsic']
        scene = by['scene'][by['sample'][data['sample_token']]['scene_token']]['name']
        pinhole = matrix[0][0], matrix[1][1], matrix[0][2], matrix[1][2]
        camera_from_lidar = np.linalg.inv(world_from(data)) @ world_from(lidar)
        yield (
            *(name, data['timestamp'], data['filename'], lidar['filename'], scene),
            *(pinhole, camera_from_lidar),
        )


def _pose(row: Row) -> np.ndarray:
    """Return the 4 x 4 matrix of a translation and a quaternion w, x, y, z."""
    from scipy.spatial.transform import Rotation

    w, x, y, z = row['rotation']
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat([x, y, z, w]).as_matrix()
    matrix[:3, 3] = row['translation']
    return matrix
