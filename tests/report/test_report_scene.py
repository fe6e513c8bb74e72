# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The recording for the 3D viewer, read back with rerun's own reader."""

import os
import sys

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import OutputError, SettingsError
from depth_refiner_ros.report.scene import SceneRecording
import numpy as np
import pytest
from rerun.chunk import RrdReader

from tests.full_disk import full_disk

CAMERA = Intrinsics(fx=50.0, fy=52.0, cx=15.5, cy=11.5, width=32, height=24)
RGB = np.full((24, 32, 3), 90, np.uint8)
DEPTH_MM = np.tile(np.arange(0, 3200, 100, dtype=np.uint16), (24, 1))
TRIANGLE = (
    np.eye(3, dtype=np.float32),
    np.array([[0, 1, 2]], np.int32),
    np.full((3, 3), 200, np.uint8),
)


def pose(x_m):
    result = np.eye(4)
    result[0, 3] = x_m
    return result


def write(path, frames=3):
    with SceneRecording(path) as scene:
        for index in range(frames):
            scene.add_frame(10**9 * (index + 1), RGB, DEPTH_MM, CAMERA, pose(0.5 * index))
        scene.add_mesh(*TRIANGLE)


def columns(path, entity):
    """Return each component of an entity: one value per logged row."""
    found = {}
    for chunk in RrdReader(path).stream():
        if str(chunk.entity_path) == entity:
            batch = chunk.to_record_batch()
            for name, values in zip(batch.schema.names, batch.columns):
                whole = values.cast('int64') if 'timestamp' in str(values.type) else values
                found.setdefault(name.split(':')[-1], []).extend(whole.to_pylist())
    return found


def test_frames_and_mesh_come_back(tmp_path):
    path = tmp_path / 'new' / 'scene.rrd'
    write(path)
    camera = columns(path, '/map/camera')
    assert [place[0] for place in camera['translation']] == [[0, 0, 0], [0.5, 0, 0], [1, 0, 0]]
    assert camera['stamp'] == [10**9, 2 * 10**9, 3 * 10**9]
    pinhole = columns(path, '/map/camera/view')
    assert pinhole['resolution'][0] == [[32.0, 24.0]]
    assert pinhole['image_from_camera'][0] == [[50, 0, 0, 0, 52, 0, 15.5, 11.5, 1]]
    depth = columns(path, '/map/camera/view/depth')
    assert depth['meter'][0] == [1000.0]
    stored = np.array(depth['buffer'][2][0], np.uint8).view(np.uint16).reshape(24, 32)
    np.testing.assert_array_equal(stored, DEPTH_MM)
    mesh = columns(path, '/map/mesh')
    assert mesh['vertex_positions'][0] == np.eye(3).tolist()
    assert mesh['triangle_indices'][0] == [[0, 1, 2]]
    assert len(columns(path, '/map/way')['strips'][0][0]) == 3
    assert [file.name for file in path.parent.iterdir()] == ['scene.rrd']


def test_one_that_broke_off_leaves_the_older_file(tmp_path):
    path = tmp_path / 'scene.rrd'
    write(path, frames=1)
    before = path.read_bytes()
    not_a_pose = np.zeros(3)
    with pytest.raises(IndexError), SceneRecording(path) as scene:
        scene.add_frame(1, RGB, DEPTH_MM, CAMERA, not_a_pose)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(OutputError, match=r'cannot make the folder .*file.*choose another'),
        SceneRecording(tmp_path / 'file' / 'scene.rrd'),
    ):
        pass


def test_a_full_disk_is_one_line_and_the_older_file_stays(tmp_path):
    path = tmp_path / 'scene.rrd'
    write(path, frames=1)
    before = path.read_bytes()
    with full_disk(len(before) + 1000), pytest.raises(OutputError, match=r'scene\.rrd.*free some'):
        write(path, frames=500)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_second_writer_is_told_of_the_first(tmp_path):
    path = tmp_path / 'scene.rrd'
    with SceneRecording(path) as scene:
        with (
            pytest.raises(
                OutputError, match=rf'scene\.rrd is being written by process {os.getpid()}'
            ),
            SceneRecording(path),
        ):
            pass
        scene.add_frame(1, RGB, DEPTH_MM, CAMERA, pose(0.0))
    assert list(tmp_path.iterdir()) == [path]
    assert columns(path, '/map/camera')['stamp'] == [1]


def test_a_folder_in_its_place_is_told_before_the_work(tmp_path):
    with pytest.raises(SettingsError, match=r'is a folder; name a file such as .*scene\.rrd'):
        SceneRecording(tmp_path)
    assert list(tmp_path.parent.glob('.*.part')) == []


def test_without_rerun_one_line_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'rerun', None)
    with pytest.raises(SettingsError, match='run: pip install'):
        SceneRecording(tmp_path / 'scene.rrd')
