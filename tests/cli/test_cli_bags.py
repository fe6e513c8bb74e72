# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine``, ``fuse`` and ``eval`` on small bags: topics, cameras, stamps and poses."""

import json

from depth_refiner_ros.mapping.mesh_io import read_ply
import numpy as np
import pytest

from tests.cli.recordings import PLAIN, WALL_M
from tests.sources.ros import bags

START = 1_700_000_000 * 10**9
STEP_NS = 100_000_000
K = (60.0, 60.0, 31.5, 23.5)
RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
WALL_MM = np.full((48, 64), int(1000 * WALL_M), np.uint16)
FRAME = 'camera_optical_frame'


def wall(frames=3, *, pose=None, info=None, stamps_ns=None, image_topic='/c/color/image_raw'):
    """Return a recording of a wall 2 m in front of a camera at rest."""
    messages = []
    for step in range(frames):
        now = START + step * STEP_NS
        stamp_ns = stamps_ns[step] if stamps_ns else now
        of_frame = [
            (image_topic, bags.image(stamp_ns, RGB, 'rgb8')),
            ('/c/aligned_depth_to_color/image_raw', bags.image(stamp_ns, WALL_MM, '16UC1')),
            ('/c/color/camera_info', info or bags.camera_info(now, 64, 48, K)),
            ('/pose', pose or bags.pose(stamp_ns, 0.0)),
        ]
        for _, message in of_frame[:3]:
            message.header.frame_id = FRAME
        messages += [(topic, now, message) for topic, message in of_frame]
    return messages


@pytest.fixture
def run(depth_refiner, tmp_path):
    """Return a function that runs a command on a bag of some messages."""

    def run(command, messages, *arguments, code=0):
        bag = tmp_path / 'bag'
        if not bag.exists():
            bags.write_bag(bag, messages)
        out = [] if command == 'eval' else ['--out', tmp_path / 'out']
        ended = depth_refiner(
            command, bag, *PLAIN, 'sensor', *out, '--json', tmp_path / 'result.json', *arguments
        )
        assert ended.returncode == code, ended.stderr
        if code == 2:
            (line,) = ended.stderr.splitlines()
            return line
        return json.loads((tmp_path / 'result.json').read_text()), ended

    return run


def wall_of(tmp_path):
    """Return the vertices of the mesh that fuse wrote."""
    return read_ply(tmp_path / 'out' / 'mesh.ply').vertices_m_N3


def test_topics_are_found_and_said(run, tmp_path):
    extra = [
        ('/c/infra1/image_rect_raw', START, bags.image(START, RGB[..., 0], 'mono8')),
        ('/c/depth/image_rect_raw', START, bags.image(START, WALL_MM, '16UC1')),
        ('/c/infra1/camera_info', START, bags.camera_info(START, 64, 48, K)),
    ]
    result, ended = run('fuse', wall() + extra)
    assert result['frames_out'] == 3
    assert 'image is /c/color/image_raw; --image-topic' in ended.stderr
    assert 'depth is /c/aligned_depth_to_color/image_raw; --depth-topic' in ended.stderr
    np.testing.assert_allclose(wall_of(tmp_path)[:, 2], WALL_M, atol=2e-3)
    chosen = ('--image-topic', '/c/infra1/image_rect_raw', '--info-topic', '/c/infra1/camera_info')
    result, _ = run('refine', [], *chosen)
    assert result['frames'] == 1


def test_an_open_choice_names_the_flag_that_makes_it(run):
    messages = [*wall(image_topic='/left/image'), *wall(image_topic='/right/image')]
    line = run('refine', messages, code=2)
    assert 'choose with --image-topic from: /left/image, /right' in line
    result, _ = run('refine', [], '--image-topic', '/right/image')
    assert result['frames'] == 3
    line = run('refine', [], '--image-topic', '/front', code=2)
    assert "'/front' is not among the image topics" in line


def test_flags_of_bags_mean_nothing_elsewhere(depth_refiner):
    ended = depth_refiner('refine', 'sim:3:1', '--depth-topic', '/d')
    assert ended.returncode == 2
    assert "sim:3:1 is not a bag, so --depth-topic '/d' has no effect" in ended.stderr


def test_a_binned_camera_sees_the_wall_as_wide_as_it_is(run, tmp_path):
    full = (120.0, 120.0, 63.5, 47.5)
    run('fuse', wall(info=bags.camera_info(START, 128, 96, full, binning=(2, 2))))
    width_m = np.ptp(wall_of(tmp_path)[:, 0])
    assert width_m == pytest.approx(64 / 60 * WALL_M, abs=0.1)


def test_a_camera_that_is_not_calibrated_needs_the_flag_that_the_message_names(run, tmp_path):
    messages = wall(info=bags.camera_info(START, 64, 48, (0.0, 0.0, 0.0, 0.0)))
    result, ended = run('refine', messages)
    assert result['frames'] == 3
    assert 'assuming 60 deg across' in ended.stderr
    with pytest.raises(AssertionError, match='--assume-fov-deg'):
        run('fuse', [])
    run('fuse', [], '--assume-fov-deg', '90')
    assert np.ptp(wall_of(tmp_path)[:, 0]) == pytest.approx(2 * WALL_M, abs=0.1)


def test_an_impossible_camera_is_one_line(run):
    info = bags.camera_info(START, 64, 48, (1e300, 1e300, 31.5, 23.5))
    line = run('refine', wall(info=info), code=2)
    assert 'fx = 1e+300 px is implausible for 64 pixels' in line


def test_a_repeated_stamp_costs_its_frame_alone(run):
    stamps = [START, START + STEP_NS, START + STEP_NS, START + 2 * STEP_NS]
    result, ended = run('refine', wall(4, stamps_ns=stamps))
    assert (result['frames'], result['dropped']) == (3, {'repeated stamp': 1})
    assert 'it repeats the stamp of an image before it' in ended.stderr
    _, ended = run('refine', [], '--strict', code=1)
    assert '--strict' in ended.stderr


def test_a_bag_without_metadata_is_read_and_said(run, tmp_path):
    bags.write_bag(tmp_path / 'bag', wall())
    (tmp_path / 'bag' / 'metadata.yaml').unlink()
    result, ended = run('refine', [])
    assert result['frames'] == 3
    assert 'no metadata.yaml' in ended.stderr
    assert 'ros2 bag reindex' in ended.stderr


def test_depth_alone_is_no_color_image(run):
    png = bags.compressed(START, bags.png(WALL_MM), '16UC1; png compressed ')
    line = run('refine', [('/depth/image_raw/compressed', START, png)], code=2)
    assert 'has no color image; its topics: /depth/image_raw/compressed' in line


def test_png_depth_is_the_truth_that_eval_compares_with(run):
    png = bags.compressed(START, bags.png(WALL_MM), '16UC1; png compressed ')
    messages = [*wall(1)[:1], *wall(1)[2:3], ('/depth/image_raw/compressed', START, png)]
    result, _ = run('eval', messages)
    assert result['overall']['frames'] == 1
    assert result['overall']['refined']['abs_rel'] == pytest.approx(0.0, abs=1e-6)


OPTICAL = (-0.5, 0.5, -0.5, 0.5)  # x right, y down, z forward on a body of x forward, z up
MOUNT = bags.transforms(bags.transform(START, 'base_link', FRAME, (0.5, 0.0, 1.0), OPTICAL))


def test_odometry_of_the_base_is_refused_or_brought_to_the_camera(run, tmp_path):
    """The wall is 2 m in front of a camera, which is 0.5 m ahead of the base and 1 m above it."""
    messages = [message for message in wall() if message[0] != '/pose']
    messages += [
        ('/odom', now, bags.odometry(now, 0.0, child='base_link'))
        for now in (START + step * STEP_NS for step in range(3))
    ]
    line = run('fuse', messages, code=2)
    assert f"'base_link' but the images are in '{FRAME}'" in line
    assert '--body-from-camera' in line
    run('fuse', [], '--body-from-camera', '0.5 0 1 -0.5 0.5 -0.5 0.5')
    vertices = wall_of(tmp_path)
    np.testing.assert_allclose(vertices[:, 0], 0.5 + WALL_M, atol=2e-3)
    assert vertices[:, 2].mean() == pytest.approx(1.0, abs=0.05)


def test_transforms_of_the_bag_bring_odometry_to_the_camera(run, tmp_path):
    messages = [message for message in wall() if message[0] != '/pose']
    messages += [
        ('/odom', now, bags.odometry(now, 0.0, child='base_link'))
        for now in (START + step * STEP_NS for step in range(3))
    ]
    run('fuse', [*messages, ('/tf_static', START, MOUNT)])
    np.testing.assert_allclose(wall_of(tmp_path)[:, 0], 0.5 + WALL_M, atol=2e-3)


def test_what_looks_wrong_but_can_be_used_is_said_once(run):
    """Millimetres as 32FC1, and a principal point far outside of the image."""
    messages = wall(info=bags.camera_info(START, 64, 48, (900.0, 900.0, 1e4, 23.5)))
    for topic, stamp_ns, message in messages:
        if 'depth' in topic:
            metres = bags.image(stamp_ns, WALL_MM.astype(np.float32), '32FC1')
            message.encoding, message.step, message.data = '32FC1', metres.step, metres.data
    _, ended = run('refine', messages)
    assert ended.stderr.count('cx, cy = 10000, 23.5 px in an image of 64x48, outside') == 1
    assert ended.stderr.count('its median depth is 2000 m, as if millimetres were read') == 1


def test_depth_as_mono16_is_read_as_millimetres_and_that_is_said(run, tmp_path):
    messages = wall()
    for topic, _, message in messages:
        if 'depth' in topic:
            message.encoding = 'mono16'
    _, ended = run('fuse', messages, '--tsdf-min-weight', 1)
    assert ended.stderr.count('image_raw has the encoding mono16, which states no unit') == 1
    vertices = read_ply(tmp_path / 'out' / 'mesh.ply').vertices_m_N3
    np.testing.assert_allclose(vertices[:, 2], WALL_M, atol=2e-3)
