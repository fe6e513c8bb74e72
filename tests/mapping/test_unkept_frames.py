# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is left of a map whose process is killed, by processes that kill themselves."""

import signal
import subprocess
import sys

from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.mapping.unkept_frames import UnkeptFrames
import pytest

PROGRAM = """
import os, signal, sys
from pathlib import Path
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.mapping.mesh_io import write_ply
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.settings.fusion import TsdfSettings
import numpy as np
file, moment = Path(sys.argv[1]), sys.argv[2]
settings = TsdfSettings(voxel_m=0.05, min_weight=1.0, min_trust=0.0)
mapper = Mapper(settings)
mapper.count_unkept(file)
camera = Intrinsics(fx=40.0, fy=40.0, cx=19.5, cy=14.5, width=40, height=30)
def fuse(frames):
    for _ in range(frames):
        depth_m_HW = np.full((30, 40), 2.0, np.float32)
        view = PosedDepth(depth_m_HW=depth_m_HW, intrinsics=camera, map_from_camera=np.eye(4))
        mapper.add(view, None, None, settings)
def save():
    if file.suffix != '.ply':
        mapper.keep(file)
        return
    with mapper.saving(mapper.volume.frames):
        write_ply(file, mapper.mesh(settings))
def die():
    os.kill(os.getpid(), signal.SIGKILL)
replace = os.replace
def replace_and_die(part, target):
    if moment == 'after':
        replace(part, target)
    die()
fuse(2)
save()
fuse(3)
if moment != 'between':
    os.replace = replace_and_die
    save()
die()
"""


@pytest.mark.parametrize('moment', ['between', 'before', 'after'])
@pytest.mark.parametrize('name', ['map.safetensors', 'mesh.ply'])
def test_a_killed_process_leaves_a_whole_file_and_word_of_what_it_lacks(tmp_path, name, moment):
    file = tmp_path / name
    ended = subprocess.run([sys.executable, '-c', PROGRAM, file, moment], timeout=500)
    assert ended.returncode == -signal.SIGKILL
    if name == 'map.safetensors':
        volume = TsdfVolume(0.05)
        volume.read(file)
        assert volume.frames == (5 if moment == 'after' else 2)
    else:
        assert len(read_ply(file).triangles_M3) > 100
    line = UnkeptFrames(file, 0).of_last_run()
    if moment == 'after':
        assert line == ''
    else:
        assert line.endswith(
            f'{name}: the run before ended, or still runs, without saving its last '
            '3 frames (3 to 5)'
        )
    assert UnkeptFrames(file, 0).of_last_run() == ''


def test_frames_fused_while_the_map_is_saved_stay_counted(tmp_path):
    frames = UnkeptFrames(tmp_path / 'map', 0)
    frames.fused(3)
    with frames.saving(3):
        frames.fused(4)
    assert UnkeptFrames(tmp_path / 'map', 0).of_last_run().endswith('last 1 frame (4)')


def test_what_failed_to_be_saved_stays_counted(tmp_path):
    frames = UnkeptFrames(tmp_path / 'map', 10)
    frames.fused(12)
    with pytest.raises(OSError, match='full'), frames.saving(12):
        raise OSError('full')
    frames.fused(13)
    assert UnkeptFrames(tmp_path / 'map', 0).of_last_run().endswith('3 frames (11 to 13)')


def test_a_count_that_was_cut_by_a_power_cut_is_passed_over(tmp_path):
    (tmp_path / '.map.frames').write_bytes(b'123')
    assert UnkeptFrames(tmp_path / 'map', 0).of_last_run() == ''
    assert not list(tmp_path.iterdir())


def test_frames_of_a_map_that_was_emptied_are_not_those_of_the_file(tmp_path):
    frames = UnkeptFrames(tmp_path / 'map', 0)
    frames.fused(100)
    with frames.saving(100):
        pass
    frames.restart()
    frames.fused(3)
    assert UnkeptFrames(tmp_path / 'map', 0).of_last_run().endswith('3 frames (1 to 3)')
    frames.fused(4)
    with frames.saving(4):
        frames.restart()
        frames.fused(2)
    assert UnkeptFrames(tmp_path / 'map', 0).of_last_run().endswith('2 frames (1 to 2)')
