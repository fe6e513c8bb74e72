# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which topics are chosen by default, and the message if names leave the choice open."""

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.ros.topics import Topic, TopicChooser
import numpy as np
import pytest

from tests.sources.ros import bags

RGB = np.zeros((6, 8, 3), np.uint8)
GRAY = np.zeros((6, 8), np.uint8)
MM = np.full((6, 8), 2000, np.uint16)
SMALL_MM = np.full((3, 4), 2000, np.uint16)
K = (9.0, 9.0, 3.5, 2.5)


def color():
    return bags.image(0, RGB, 'rgb8')


def gray():
    return bags.image(0, GRAY, 'mono8')


def depth(mm=MM):
    return bags.image(0, mm, '16UC1')


def meters():
    return bags.image(0, np.full((6, 8), 2.0, np.float32), '32FC1')


def info(frame=bags.FRAME):
    message = bags.camera_info(0, 8, 6, K)
    message.header.frame_id = frame
    return message


def packed(pixels, form):
    return bags.compressed(0, bags.png(pixels), form)


def choose(topics, **wanted):
    words = {'image': '', 'depth': '', 'info': '', 'pose': '', **wanted}
    made = [
        Topic(name=name, kind=first.__msgtype__, count=1, first=first)
        for name, first in topics.items()
    ]
    return TopicChooser('b', made).choose(**words)


def test_color_is_found_by_name_and_encoding(subtests):
    cases = [
        (
            {'/c/color/image_raw': color(), '/c/infra1/image_rect_raw': gray()},
            '/c/color/image_raw',
        ),
        ({'/c/rgb/image_raw': color(), '/c/ir/image_raw': gray()}, '/c/rgb/image_raw'),
        ({'/cam/image_raw': color(), '/ir/image': bags.image(0, MM, 'mono16')}, '/cam/image_raw'),
        ({'/image_raw': color(), '/image_rect_color': color()}, '/image_rect_color'),
        ({'/image_rect': color(), '/image_raw': color()}, '/image_rect'),
        ({'/image_mono': gray(), '/image_rect': gray(), '/image_raw': color()}, '/image_raw'),
        (
            {'/image_raw': color(), '/image_raw/compressed': packed(RGB, 'rgb8; png compressed')},
            '/image_raw',
        ),
        (
            {
                '/z/rgb/image_rect_color': color(),
                '/z/rgb_raw/image_raw_color': color(),
                '/z/left/image_rect_color': color(),
            },
            '/z/rgb/image_rect_color',
        ),
        ({'/front/image_raw': color(), '/left/image_raw': gray()}, '/front/image_raw'),
        ({'/cam/image_raw': color(), '/cam/debug/image': color()}, '/cam/image_raw'),
        ({'/ir/image_raw': bags.image(0, MM, 'mono16')}, '/ir/image_raw'),
        (
            {
                '/s/left/image': color(),
                '/s/right/image': of_frame(color(), 'right'),
                '/s/depth': of_frame(depth(), 'right'),
            },
            '/s/right/image',
        ),
        (
            {
                '/z/left/color/rect/image': color(),
                '/z/right/color/rect/image': of_frame(color(), 'right'),
                '/z/depth/depth_registered': depth(),
                '/z/rgb/color/rect/image': color(),
            },
            '/z/rgb/color/rect/image',
        ),
        ({'/depth/colorized/image': color()}, '/depth/colorized/image'),
    ]
    for topics, image in cases:
        with subtests.test(image=image, topics=list(topics)):
            assert choose(topics).image == image


def test_depth_is_found_by_size_and_name(subtests):
    cases = [
        (
            {'/c/aligned_depth_to_color/image_raw': depth(), '/c/depth/image_rect_raw': depth()},
            '/c/aligned_depth_to_color/image_raw',
        ),
        (
            {'/c/depth_registered/image_raw': depth(), '/c/depth/image': depth()},
            '/c/depth_registered/image_raw',
        ),
        (
            {'/c/depth/image_raw': depth(SMALL_MM), '/c/depth2/image_raw': depth()},
            '/c/depth2/image_raw',
        ),
        ({'/c/depth/image_raw': depth(), '/other/depth/image_raw': depth()}, '/c/depth/image_raw'),
        ({'/c/depth/image_raw': depth(), '/c/depth/image_rect': depth()}, '/c/depth/image_rect'),
        (
            {
                '/c/depth/image_raw': depth(),
                '/c/depth/image_raw/compressedDepth': packed(MM, '16UC1; compressedDepth png'),
            },
            '/c/depth/image_raw',
        ),
        ({'/c/depth/compressed': packed(MM, '16UC1; png compressed ')}, '/c/depth/compressed'),
        ({'/c/depth/image_raw/compressed': packed(MM, 'png')}, '/c/depth/image_raw/compressed'),
        ({'/c/depth/image': bags.image(0, MM, 'mono16')}, '/c/depth/image'),
        ({'/c/ir/image': bags.image(0, MM, 'mono16')}, None),
        (
            {'/c/confidence/confidence_map': meters(), '/d/depth_registered': meters()},
            '/d/depth_registered',
        ),
        ({'/c/depth/confidence': bags.image(0, MM, 'mono16')}, None),
        ({'/c/ir/depth/image_raw': depth()}, '/c/ir/depth/image_raw'),
        ({}, None),
    ]
    for topics, expected in cases:
        with subtests.test(depth=expected, topics=list(topics)):
            assert choose({'/c/color/image_raw': color(), **topics}).depth == expected


@pytest.mark.parametrize(
    ('name', 'message', 'told'),
    [
        ('/z/confidence/confidence_map', meters(), 'by its name it is no depth'),
        ('/stereo/disparity/image', meters(), "/stereo/disparity/image ('32FC1') is left out"),
        ('/thermal/image_raw', depth(), 'choose it with depth_topic'),
        ('/c/infra1/image_raw', depth(), "('16UC1') is left out"),
        ('/c/depth/image_raw', bags.image(0, GRAY, '8UC1'), "(metres), and it holds '8UC1'"),
        ('/c/depth/image_raw', bags.image(0, MM.view(np.int16), '16SC1'), "holds '16SC1'"),
        ('/c/depth/image/compressed', packed(GRAY, 'png'), "and it holds 'png'"),
    ],
)
def test_images_that_are_no_depth_are_left_out_with_a_line(name, message, told):
    chosen = choose({'/c/color/image_raw': color(), name: message})
    assert chosen.depth is None
    (note,) = [note for note in chosen.notes if 'left out' in note]
    assert note.startswith(name)
    assert told in note
    assert choose({'/c/color/image_raw': color(), name: message}, depth=name).depth == name


def of_frame(message, frame):
    message.header.frame_id = frame
    return message


def test_depth_of_the_frame_of_the_color_is_registered():
    topics = {
        '/c/color/image': of_frame(color(), 'color'),
        '/c/depth/image': of_frame(depth(), 'depth'),
        '/c/stereo/depth': of_frame(depth(), 'color'),
    }
    assert choose(topics).depth == '/c/stereo/depth'
    del topics['/c/stereo/depth']
    chosen = choose(topics)
    assert chosen.depth == '/c/depth/image'
    assert chosen.notes[0].startswith("/c/depth/image is of frame 'depth', /c/color/image of 'col")
    half = of_frame(depth(SMALL_MM), 'depth')
    assert choose({**topics, '/c/depth/image': half}).depth is None
    assert choose({**topics, '/c/depth/image': of_frame(half, 'color')}).depth
    topics['/c/aligned_depth_to_color/image'] = of_frame(depth(SMALL_MM), 'depth')
    assert choose(topics).depth == '/c/aligned_depth_to_color/image'


def test_depth_of_another_size_is_left_out_with_a_line():
    narrow = depth(np.full((6, 4), 2000, np.uint16))
    chosen = choose({'/c/image': color(), '/c/depth': narrow})
    assert chosen.depth is None
    (note,) = chosen.notes
    assert note.startswith('/c/depth is left out: its size differs from /c/image; ')
    assert choose({'/c/image': color(), '/c/depth': narrow}, depth='/c/depth').depth


@pytest.mark.parametrize(
    ('infos', 'expected'),
    [
        ({'/c/color/camera_info': info(), '/c/camera_info': info()}, '/c/color/camera_info'),
        ({'/c/infra1/camera_info': info('ir'), '/calibration': info()}, '/calibration'),
        ({'/anything': info('other')}, '/anything'),
        ({'/c/info': info('x'), '/d/info': info('x')}, '/c/info'),
        ({}, None),
    ],
)
def test_camera_info_is_that_of_the_color(infos, expected):
    assert choose({'/c/color/image_raw/compressed': packed(RGB, 'png'), **infos}).info == expected


@pytest.mark.parametrize(
    ('poses', 'expected'),
    [
        ({'/odom': bags.odometry(0, 0.0), '/goal_pose': bags.pose(0, 0.0)}, '/odom'),
        ({'/initialpose': bags.pose(0, 0.0)}, None),
        ({'/tf': bags.transforms(), '/odom': bags.odometry(0, 0.0)}, '/odom'),
        ({'/tf': bags.transforms()}, None),
    ],
)
def test_a_pose_of_something_else_is_not_taken(poses, expected):
    assert choose({'/c/image': color(), **poses}).pose == expected


def test_transforms_can_be_asked_for_as_poses():
    topics = {'/c/image': color(), '/tf': bags.transforms(), '/odom': bags.odometry(0, 0.0)}
    assert choose(topics, pose='/tf').pose == '/tf'


@pytest.mark.parametrize(
    ('topics', 'words'),
    [
        (
            {'/front/image_raw': color(), '/rear/image_raw': color()},
            r'several image topics.*choose with image_topic from: /front/image_raw, /rear/.*',
        ),
        (
            {'/c/image': color(), '/x/depth': depth(), '/y/depth': depth()},
            'several depth topics.*depth_topic from: /x/depth, /y/depth',
        ),
        (
            {'/c/image': color(), '/x/info': info(), '/y/info': info()},
            'several info topics.*info_topic from: /x/info, /y/info',
        ),
        (
            {'/c/image': color(), '/odom': bags.odometry(0, 0.0), '/pose': bags.pose(0, 0.0)},
            'several pose topics.*pose_topic from: /odom, /pose',
        ),
    ],
)
def test_where_names_do_not_tell_the_flag_is_named(topics, words):
    with pytest.raises(SourceError, match=words):
        choose(topics)
    kind = words.split()[1]
    last = sorted(topic for topic in topics if topic != '/c/image')[-1]
    assert getattr(choose(topics, **{kind: last}), kind) == last


def test_the_user_has_the_last_word():
    topics = {
        '/c/color/image_raw': color(),
        '/c/ir/image': gray(),
        '/c/depth': depth(),
        '/c/color/camera_info': info(),
        '/other/info': info(),
        '/pose': bags.pose(0, 0.0),
    }
    chosen = choose(topics, image='c/ir/image', depth='none', info='/other/info', pose='none')
    assert (chosen.image, chosen.depth, chosen.info, chosen.pose) == (
        '/c/ir/image',
        None,
        '/other/info',
        None,
    )
    assert choose(topics, info='none').info is None
    with pytest.raises(
        SourceError,
        match=r"image_topic: '/front' is not among the image topics.*choose from: /c/color",
    ):
        choose(topics, image='/front')
    with pytest.raises(SourceError, match="'/pose' is not among the depth topics"):
        choose(topics, depth='/pose')
    with pytest.raises(SourceError, match="'none' is not among the image topics"):
        choose(topics, image='none')


def test_what_was_chosen_by_name_is_said():
    chosen = choose({'/c/color/image': color(), '/c/ir/image': gray(), '/c/depth': depth()})
    (note,) = chosen.notes
    assert note.startswith('image is /c/color/image; image_topic ')
    assert note.endswith('chooses another: /c/ir/image')
    assert choose({'/c/image': color(), '/c/camera_info': info()}).notes == ()


@pytest.mark.parametrize(
    'first', [depth(), packed(MM, '16UC1; png compressed '), packed(MM, '16UC1')]
)
def test_depth_alone_is_no_color_image(first):
    with pytest.raises(SourceError, match=r'no color image; its topics: /depth/image_raw'):
        choose({'/depth/image_raw': first})
