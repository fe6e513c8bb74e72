# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Topics by option: a bag played as a camera, and topics of any name recorded."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from depth_refiner_ros.sources.ros.color import rgb_from_image
from depth_refiner_ros.sources.tum import TumSource
from geometry_msgs.msg import PoseStamped
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from tests.nodes.node_graph import camera_of, picture, slope
from tests.sources.ros import bags

pytestmark = pytest.mark.slow
START = 1_700_000_000 * 10**9
STEP_NS = 50_000_000
FRAMES = 4


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    """A base with two cameras that are not calibrated; the left one is 0.5 m ahead of it."""
    mount = bags.transforms(bags.transform(START, 'base_link', bags.FRAME, (0.5, 0.0, 0.0)))
    messages = [('/tf_static', START, mount)]
    for step in range(FRAMES):
        now = START + step * STEP_NS
        messages += [
            ('/left/image', now, bags.image(now, picture(seed=step), 'rgb8')),
            ('/right/image', now, bags.image(now, picture(seed=9), 'rgb8')),
            ('/left/camera_info', now, bags.camera_info(now, 64, 48, (0.0, 0.0, 0.0, 0.0))),
            ('/odom', now, bags.odometry(now, float(step), child='base_link')),
        ]
    return bags.write_bag(tmp_path_factory.mktemp('bags') / 'bag', messages)


def test_a_bag_is_played_by_the_topics_that_parameters_name(probe, bag):
    for kind, topic in ((Image, 'image'), (CameraInfo, 'camera_info'), (PoseStamped, 'pose')):
        probe.listen(kind, topic)
    parameters = {'source': bag, 'image_topic': '/left/image', 'assume_fov_deg': 90.0}
    with probe.run('player', {**parameters, 'rate_hz': 50.0}) as player:
        probe.wait(lambda: len(probe.received['image']) == FRAMES, 'all frames')
        assert player.finish() == 0, player.output
    probe.wait(
        lambda: all(len(messages) == FRAMES for messages in probe.received.values()), 'the rest'
    )
    for step in range(FRAMES):
        image = probe.received['image'][step]
        assert stamp_ns_of(image.header) == START + step * STEP_NS
        np.testing.assert_array_equal(rgb_from_image(image), picture(seed=step))
        camera = camera_of(probe.received['camera_info'][step])
        assert camera == Intrinsics.from_fov(64, 48, 90.0)
        assert probe.received['pose'][step].pose.position.x == step + 0.5
    assert '/left/camera_info has K = 0' in player.output


def test_a_choice_that_is_open_names_the_parameter(probe, bag):
    with probe.run('player', {'source': bag}) as player:
        assert player.finish() == 2, player.output
    assert 'choose with image_topic from: /left/image, /right/image' in player.output
    assert 'Traceback' not in player.output


@pytest.mark.parametrize('beside', ['/sensor/', '/', 'sensor/', ''])
def test_topics_of_any_name_are_recorded(probe, tmp_path, beside):
    camera = Intrinsics.from_fov(64, 48, 60.0)
    info = probe.publisher(CameraInfo, f'{beside}camera_info')
    color = probe.publisher(Image, '/eye/picture')
    depth = probe.publisher(Image, f'{beside}depth')
    pose = probe.publisher(PoseStamped, '/where')
    parameters = {
        'folder': tmp_path / 'out',
        'image_topic': '/eye/picture',
        'depth_topic': f'{beside}depth',
        'pose_source': 'pose',
        'pose_topic': '/where',
    }
    with probe.run('recorder', parameters) as recorder:
        done = probe.listen(Header, 'recorder/done')
        probe.heard_by(recorder, done)
        probe.matched(info, color, depth, pose)
        header = header_of(START, 'camera_optical_frame')
        pose.publish(PoseStamped(header=header_of(START, 'map')))
        info.publish(info_from_intrinsics(header, camera))
        color.publish(image_from_rgb(header, picture()))
        depth.publish(image_from_depth(header, slope()))
        probe.wait(lambda: probe.received['recorder/done'], 'the frame to be written')
        assert recorder.stop() == 0, recorder.output
    (frame,) = TumSource(tmp_path / 'out')
    np.testing.assert_array_equal(frame.rgb_HW3, picture())
    np.testing.assert_allclose(frame.depth_m_HW, slope(), atol=1.1e-4)
    assert frame.intrinsics == camera
    np.testing.assert_array_equal(frame.map_from_camera, np.eye(4))


def test_a_frame_from_the_future_costs_the_recorder_itself_alone(probe, tmp_path):
    camera = Intrinsics.from_fov(64, 48, 60.0)
    info = probe.publisher(CameraInfo, 'depth/camera_info')
    color = probe.publisher(Image, 'color/image')
    depth = probe.publisher(Image, 'depth/image')
    stamps = [START + step * STEP_NS for step in range(5)]
    with probe.run('recorder', {'folder': tmp_path / 'out'}) as recorder:
        done = probe.listen(Header, 'recorder/done')
        probe.heard_by(recorder, done)
        probe.matched(info, color, depth)
        for count, stamp in enumerate([*stamps[:2], START + 3600 * 10**9, *stamps[2:]], start=1):
            header = header_of(stamp, 'camera_optical_frame')
            info.publish(info_from_intrinsics(header, camera))
            color.publish(image_from_rgb(header, picture()))
            depth.publish(image_from_depth(header, slope()))
            probe.wait(
                lambda end=count: len(probe.received['recorder/done']) == end, f'frame {count}'
            )
        seen = probe.wait_diagnostics(
            'recorder', lambda seen: seen.get('frames_written') == '5', 'all frames'
        )
        assert seen['dropped_ahead'] == '1'
        assert recorder.stop() == 0, recorder.output
    assert 'stamp 1700003600.000000000 s is ahead of those after it' in recorder.output
    assert [frame.stamp_ns for frame in TumSource(tmp_path / 'out')] == stamps
