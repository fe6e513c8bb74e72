# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fusion as a process: the mesh that displays show, the scale, and the volume that is kept."""

import signal

from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.tsdf import TsdfVolume
import pytest
from std_msgs.msg import Float32
from visualization_msgs.msg import Marker, MarkerArray

from tests.nodes.node_graph import Probe
from tests.nodes.wall_scene import assert_wall, MS, PARAMETERS, Scene

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def scene(tmp_path_factory):
    parameters = {
        **PARAMETERS,
        'mesh_file': tmp_path_factory.mktemp('map') / 'mesh.ply',
        'save_at_shutdown': False,
    }
    with Probe() as probe, probe.run('tsdf', parameters) as tsdf:
        yield Scene(probe, tsdf)
        assert tsdf.stop() == 0, tsdf.output


@pytest.fixture
def empty(scene):
    """Return the scene with nothing fused yet."""
    assert scene.call('reset').success
    return scene


def test_the_mesh_is_shown(empty):
    empty.probe.listen(MarkerArray, 'mesh')
    for _ in range(3):
        empty.send()
    markers = shown_in(empty.probe)
    empty.probe.wait(lambda: markers(), 'a marker')
    for marker in markers().values():
        assert marker.header.frame_id == 'map'
        assert marker.type == Marker.TRIANGLE_LIST
        assert len(marker.points) == len(marker.colors) > 100
        assert len(marker.points) % 3 == 0
        assert all(abs(point.z - 2.0) < 0.005 for point in marker.points)
    # The wall of 2.0 x 1.5 m lies in four cells around the optical axis.
    assert len(markers()) == 4


def shown_in(probe):
    """Return a function that returns what a display shows now, by number."""

    def shown():
        markers = {}
        for array in probe.received['mesh']:
            for marker in array.markers:
                if marker.action == Marker.DELETEALL:
                    markers.clear()
                elif marker.action == Marker.DELETE:
                    del markers[marker.id]
                else:
                    markers[marker.id] = marker
        return markers

    return shown


def test_late_subscribers_get_the_mesh_and_a_reset_removes_it(empty):
    empty.probe.listen(MarkerArray, 'mesh')
    for _ in range(4):
        empty.send()
    early = shown_in(empty.probe)
    empty.probe.wait(lambda: len(early()) == 4, 'four markers')
    with Probe('late', empty.probe.namespace) as late:
        late.listen(MarkerArray, 'mesh')
        shown = shown_in(late)
        late.wait(lambda: len(shown()) == 4, 'the markers from before')
        assert empty.call('reset').success
        late.wait(lambda: not shown(), 'the deletion')


def test_a_display_that_starts_again_gets_the_mesh_once_more(probe, tmp_path):
    """Nobody listens in between, and while the display is away less than a marker's period."""
    parameters = {**PARAMETERS, 'mesh_file': tmp_path / 'mesh.ply', 'marker_period_s': 3.0}
    with probe.run('tsdf', parameters) as tsdf:
        wall = Scene(probe, tsdf)
        for _ in range(2):
            wall.send()
        for _ in range(3):
            with Probe('rviz', probe.namespace) as rviz:
                rviz.listen(MarkerArray, 'mesh')
                shown = shown_in(rviz)
                rviz.wait(lambda shown=shown: len(shown()) == 4, 'the whole mesh', 20.0)
            probe.wait(lambda: not probe.node.count_subscribers('mesh'), 'its end')
            probe.watch(0.5)
        assert tsdf.stop() == 0, tsdf.output


def test_only_what_changed_is_sent_again(empty):
    empty.probe.listen(MarkerArray, 'mesh')
    for _ in range(2):
        empty.send()
    markers = shown_in(empty.probe)
    empty.probe.wait(lambda: len(markers()) == 4, 'four markers')
    empty.status(lambda seen: seen.get('frames_fused') == '2', 'both frames')
    empty.probe.watch(0.5)
    empty.probe.received['mesh'].clear()
    empty.send(x_m=4.0)  # another part of the wall, 2 m away from the first
    empty.probe.wait(lambda: markers(), 'a marker')
    empty.probe.watch(0.5)
    points_m = [point.x for marker in markers().values() for point in marker.points]
    assert min(points_m) > 2.0


def test_a_frame_is_brought_to_the_scale_of_those_before_it(empty):
    empty.probe.listen(Float32, 'scale')
    empty.probe.wait(lambda: empty.probe.node.count_publishers('scale') > 0, 'scale')
    for depth_m in (2.0, 2.0, 2.12):
        empty.send(depth_m=depth_m)
    heard = empty.probe.received['scale']
    empty.probe.wait(lambda: len(heard) >= 3, 'three factors')
    # The consensus of 0, 0 and 6 % is 2 %.
    assert heard[-1].data == pytest.approx(1.02 / 1.06, abs=0.003)
    empty.status(lambda seen: seen.get('scale_factor') == f'{heard[-1].data:.4f}', 'the factor')


def test_a_kept_volume_goes_on_at_the_next_start(probe, tmp_path):
    parameters = {
        **PARAMETERS,
        'mesh_file': tmp_path / 'mesh.ply',
        'volume_file': tmp_path / 'map.safetensors',
        'save_at_shutdown': False,
    }
    for frames in (3, 1):
        with probe.run('tsdf', parameters) as tsdf:
            scene = Scene(probe, tsdf)
            scene.stamp_ns = frames * 1000 * MS
            for _ in range(frames):
                scene.send()
            assert scene.call('save').success, tsdf.output
            assert tsdf.stop() == 0, tsdf.output
        probe.received['tsdf/done'].clear()
    assert 'goes on after 3 frames' in tsdf.output
    volume = TsdfVolume(PARAMETERS['voxel_m'])
    volume.read(tmp_path / 'map.safetensors')
    assert volume.frames == 4
    assert_wall(volume.mesh(min_weight=4))


def test_a_node_that_was_killed_is_told_of_by_the_next(probe, tmp_path):
    parameters = {**PARAMETERS, 'mesh_file': tmp_path / 'mesh.ply'}
    with probe.run('tsdf', parameters) as tsdf:
        scene = Scene(probe, tsdf)
        for _ in range(2):
            scene.send()
        assert scene.call('save').success, tsdf.output
        scene.send()
        assert tsdf.stop(signal.SIGKILL) != 0
    assert_wall(read_ply(tmp_path / 'mesh.ply'))
    with probe.run('tsdf', parameters) as tsdf:
        # Topics are no sign that it runs: those of the killed node are still in the graph.
        probe.wait(lambda: 'the run before ended' in tsdf.output, 'the line about the last run')
        assert tsdf.stop() == 0, tsdf.output
    assert f'{tmp_path / "mesh.ply"}: the run before ended' in tsdf.output
    assert 'without saving its last 1 frame (3)' in tsdf.output
