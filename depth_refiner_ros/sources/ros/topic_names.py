# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Interpret the names of topics by the conventions of image_transport and image_pipeline."""

import re

TRANSPORTS = ('compressed', 'compressedDepth', 'zstd', 'theora', 'ffmpeg')
"""Last name parts that image_transport appends to the topic of the raw image."""
COLOR_WORDS = {'color', 'colour', 'rgb', 'bgr'}
NO_COLOR_WORDS = {
    *('ir', 'infrared', 'thermal', 'lwir', 'mono', 'gray', 'grey', 'depth', 'disparity'),
    *('confidence', 'mask', 'label', 'labels', 'segmentation', 'semantic', 'heatmap'),
    *('debug', 'overlay', 'annotated', 'detections', 'costmap'),
}
"""Words in the names of image topics that are not color images of a camera."""
DEPTH_WORDS = {'depth', 'range', 'distance'}
NO_DEPTH_WORDS = {
    *('ir', 'infrared', 'nearir', 'thermal', 'lwir', 'amplitude', 'intensity', 'ambient'),
    *('reflec', 'reflectance', 'reflectivity', 'signal', 'disparity', 'confidence', 'uncertainty'),
    *('variance', 'noise', 'mask', 'label', 'labels', 'segmentation', 'semantic', 'instance'),
    *('heatmap', 'costmap', 'flow', 'normals'),
}
"""Words in the names of images that have the encodings of depth and are something else."""
NO_POSE_WORDS = {'goal', 'initialpose', 'target', 'setpoint', 'cmd', 'marker'}
"""Words in the names of pose topics that are goals, or not poses of the camera."""
COLOR_NAMES = ('image_rect_color', 'image_color', 'image_rect', 'image', 'image_raw')
"""Images of one camera, best first: in color and rectified before raw ones."""
DEPTH_NAMES = ('image_rect', 'image_rect_raw', 'image', 'image_raw')
"""Depth images of one camera, best first."""


def without_transport(topic: str) -> str:
    """Return the topic of the raw image that a compressed topic belongs to."""
    head, _, last = topic.rpartition('/')
    return head if last in TRANSPORTS and head else topic


def base_name(topic: str) -> str:
    """Return the last part of a topic's name, such as ``image_raw``, without its transport."""
    return without_transport(topic).rpartition('/')[2]


def namespace(topic: str) -> str:
    """Return the name of a topic without its last part and transport."""
    return without_transport(topic).rpartition('/')[0]


def beside(topic: str, name: str) -> str:
    """Return the name of a topic in the namespace of another, and relative if that one is."""
    head, slash, _ = without_transport(topic).rpartition('/')
    return f'{head}{slash}{name}'


def camera_of(topic: str) -> str:
    """Return the camera of an image topic; raw and rectified images share it."""
    return re.sub('_(raw|rect)(?=/|$)', '', namespace(topic))


def shared_parts(topic: str, other: str) -> int:
    """Return how many name parts two topics have in common from the start."""
    pairs = zip(topic.split('/')[1:], other.split('/')[1:])
    count = 0
    for ours, theirs in pairs:
        if ours != theirs:
            break
        count += 1
    return count


def color_rank(topic: str) -> int:
    """Return 0 if a camera's name suggests color, 2 if it suggests something else, else 1."""
    words = _words(topic)
    if words & NO_COLOR_WORDS or any(word.startswith('infra') for word in words):
        return 2
    return 0 if color_words(topic) else 1


def color_words(topic: str) -> int:
    """Return how many words of a camera's name suggest color."""
    return len(_words(namespace(topic)) & COLOR_WORDS)


def is_registered(topic: str) -> bool:
    """Whether a depth topic's name says that it is registered to the color image."""
    name = topic.lower()
    return bool(re.search('aligned|registered|depth_to_(rgb|color)', name))


def names_depth(topic: str) -> bool | None:
    """
    Return whether a topic's name says that it is depth, None if it says nothing about that.

    The last telling word counts: ``/zed/depth/confidence`` is no depth, ``/ir/depth/image`` is.
    """
    for word in reversed(_split(topic)):
        if word in DEPTH_WORDS:
            return True
        if word in NO_DEPTH_WORDS or word.startswith('infra'):
            return False
    return None


def is_pose_of_something_else(topic: str) -> bool:
    """Whether a pose topic's name says that it is not a pose of the camera or its robot."""
    return bool(_words(topic) & NO_POSE_WORDS)


def name_rank(topic: str, names: tuple[str, ...]) -> tuple[int, bool]:
    """Return the rank of a topic among the images of its camera; raw before compressed."""
    name = base_name(topic)
    place = names.index(name) if name in names else len(names)
    return place, without_transport(topic) != topic


def _words(topic: str) -> set[str]:
    return set(_split(topic))


def _split(topic: str) -> list[str]:
    return re.split('[^a-z]+', topic.lower())
