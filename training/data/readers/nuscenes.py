# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""nuScenes: images of six cameras at the key frames, with depth of the LiDAR's sweep."""

from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_DEPTH
from depth_refiner_ros.sources.read import read_image_bytes
from depth_refiner_ros.sources.values import camera, read_text
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import LIST_SUFFIX, Rules, select, wrong_layout
from training.data.readers.nuscenes_tables import read_tables, Tables

READER = 'nuscenes'
POINT = 5
"""Values of a point: x, y, z, intensity, ring."""
NEAREST_M = 1.0
"""Nearer points are of the car itself, as the authors' devkit has it."""


class NuScenes(FileSet):
    """
    Images of 1600x900 with sparse depth; of points that fall on one pixel the nearest counts.

    The LiDAR sits above the cameras, so a few points behind near objects show through.

    :param tables: their rows are the third word of the items
    """

    def __init__(self, root: Path, items: list[Item], tables: Tables) -> None:
        super().__init__(root, items)
        self._tables = tables

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return depth of the sweep, seen by the camera."""
        path = self.root / item[1]
        data = read_image_bytes(path, UNREADABLE_DEPTH)
        if not data or len(data) % (4 * POINT):
            raise FrameError(
                UNREADABLE_DEPTH, f'{path} ({len(data)} bytes) is cut short; copy it again'
            )
        points = np.frombuffer(data, '<f4').reshape(-1, POINT)[:, :3].astype(np.float64)
        camera_from_lidar = self._tables.camera_from_lidar_N44[int(item[2])]
        seen = points @ camera_from_lidar[:3, :3].T + camera_from_lidar[:3, 3]
        return projected(seen, self._tables.fx_fy_cx_cy_N4[int(item[2])], width, height)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera; its images are rectified."""
        return camera(self._tables.fx_fy_cx_cy_N4[int(item[2])].tolist(), width, height)


def projected(
    points_m_N3: np.ndarray, fx_fy_cx_cy: np.ndarray, width: int, height: int
) -> np.ndarray:
    """Return the depth map of points in the camera's frame, NaN where there is none."""
    fx, fy, cx, cy = fx_fy_cx_cy
    x, y, z = points_m_N3[points_m_N3[:, 2] > NEAREST_M].T
    columns, rows = np.rint(fx * x / z + cx), np.rint(fy * y / z + cy)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    columns, rows, z = columns[inside].astype(int), rows[inside].astype(int), z[inside]
    depth_m_HW = np.full((height, width), np.inf, np.float32)
    np.minimum.at(depth_m_HW, (rows, columns), z.astype(np.float32))
    return np.where(np.isfinite(depth_m_HW), depth_m_HW, np.float32(np.nan))


def open_set(path: Path, split: str) -> NuScenes:
    """
    Open the images of all key frames.

    :param split: a scene such as ``scene-0103``, a list of scenes or of images, by default all
    """
    versions = sorted(path.glob('v1.0-*/sample_data.json'))
    if not versions:
        raise wrong_layout(
            READER, path / 'v1.0-trainval', 'beside samples/CAM_FRONT and LIDAR_TOP'
        )
    if len(versions) > 1:
        raise SourceError(
            f'{path} holds several versions ({", ".join(file.parent.name for file in versions)}); '
            'keep one'
        )
    tables = read_tables(versions[0].parent)
    names, scenes = tables.image_N.tolist(), tables.scene_N.tolist()
    items: list[Item] = [
        (name, lidar, str(row)) for row, (name, lidar) in enumerate(zip(names, tables.lidar_N))
    ]
    by_image = dict(zip(names, items))
    by_scene: dict[str, list[Item]] = {}
    for scene, item in zip(scenes, items):
        by_scene.setdefault(scene, []).append(item)
    rules: Rules = {'': items.copy, **{scene: found.copy for scene, found in by_scene.items()}}
    listed, _, step = split.partition('@')
    if listed.endswith(LIST_SUFFIX) and (chosen := _scenes(Path(listed).expanduser())):
        rules = {'': [item for scene in chosen for item in by_scene.get(scene, [])].copy}
        split = f'@{step}' if step else ''
    found, _ = select(READER, path, split, rules, partial(_item, by_image))
    return NuScenes(path, found, tables)


def _item(by_image: dict[str, Item], image: str) -> Item:
    if image not in by_image:
        raise SourceError(
            f'{shown(image)} is not a key frame of a camera; name samples/CAM_FRONT/....jpg'
        )
    return by_image[image]


def _scenes(path: Path) -> list[str]:
    """Return the scenes that a list names, none if it names images."""
    words = [word for line in read_text(path).splitlines() for word in line.split()[:1]]
    return words if words and all(word.startswith('scene-') for word in words) else []
