# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Player, refiner, fusion and recorder as processes that talk over DDS, on a recorded room."""

import signal

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.sources.registry import open_source
import numpy as np
import pytest
from std_msgs.msg import Header
import yaml

from tests.nodes.node_graph import picture

pytestmark = pytest.mark.slow
CAMERA = Intrinsics(fx=80.0, fy=80.0, cx=39.5, cy=29.5, width=80, height=60)
FRAMES = 20
WALL_M = 2.0


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    """Record a camera that moves along a wall."""
    folder = tmp_path_factory.mktemp('recording') / 'tum'
    depth = np.full((60, 80), WALL_M, np.float32)
    with SequenceWriter(folder, CAMERA) as writer:
        for number in range(FRAMES):
            pose = pose_from_quaternion((0.05 * number, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
            writer.add(1_000_000_000 + number * 50_000_000, picture(80, 60, number), depth, pose)
    return folder


def test_no_frame_is_lost_from_recording_to_mesh(probe, recording, tmp_path):
    mesh_file, kept = tmp_path / 'mesh.ply', tmp_path / 'kept'
    probe.listen(Header, 'tsdf/done')
    fusion = {'pose_source': 'pose', 'mesh_file': mesh_file, 'voxel_m': 0.04}
    model = {'prior': 'sensor', 'refiner': 'none', 'input_qos': 'reliable'}
    play = {'source': recording, 'publish_depth': True, 'lock_step': 'tsdf'}
    keep = {'folder': kept, 'layout': 'monogs', 'pose_source': 'pose', 'depth_scale': 1000.0}
    with (
        probe.run('tsdf', fusion, cold=True) as tsdf,
        probe.run('refiner', model, cold=True) as refiner,
        probe.run('recorder', keep, cold=True) as recorder,
    ):
        # Nobody waits for a recorder, so it must be there before the first frame.
        probe.wait_diagnostics('recorder', lambda seen: 'frames_written' in seen, 'a recorder')
        with probe.run('player', play, cold=True) as player:
            assert player.finish() == 0, player.output
        probe.wait(lambda: len(probe.received['tsdf/done']) == FRAMES, 'all frames')
        recorded = int(
            probe.wait_diagnostics(
                'recorder', lambda seen: int(seen['frames_written']) > FRAMES // 2, 'the recorder'
            )['frames_written']
        )
        for process in (recorder, refiner, tsdf):
            assert process.stop(signal.SIGTERM) == 0, process.output
            assert 'Traceback' not in process.output
    assert f'sent {FRAMES} frames' in player.output
    assert 'given up' not in player.output
    assert 'without output' not in player.output
    stamps = [stamp_ns_of(header) for header in probe.received['tsdf/done']]
    assert stamps == sorted(set(stamps))
    assert f'of {FRAMES} frames' in tsdf.output
    mesh = read_ply(mesh_file)
    assert np.abs(mesh.vertices_m_N3[:, 2] - WALL_M).max() < 0.005
    # 2 m of wall are in view, and the camera moves by 0.95 m; the rims are not seen twice.
    assert 2.7 < np.ptp(mesh.vertices_m_N3[:, 0]) < 2.95
    check_recording(kept, recorded)


def check_recording(folder, at_least):
    """The folder reads back as what was played, the camera and MonoGS' settings with it."""
    frames = list(open_source(str(folder)))
    assert at_least <= len(frames) <= FRAMES
    for frame in frames:
        number = (frame.stamp_ns - 1_000_000_000) // 50_000_000
        np.testing.assert_array_equal(frame.rgb_HW3, picture(80, 60, number))
        np.testing.assert_allclose(frame.depth_m_HW, WALL_M, atol=5e-4)
        assert frame.map_from_camera[0, 3] == pytest.approx(0.05 * number)
        assert frame.intrinsics == CAMERA
    calibration = yaml.safe_load((folder / 'monogs.yaml').read_text())['Dataset']['Calibration']
    assert calibration['depth_scale'] == 1000.0
