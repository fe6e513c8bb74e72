# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags with images among messages of other types, and how to compare a copy with its bag."""

import numpy as np
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, Reader, StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from tests.sources.ros import bags

STORE = get_typestore(Stores.ROS2_HUMBLE)
STORE.register(get_types_from_msg('int32 number\nstring words\n', 'robot_msgs/msg/State'))
START, STEP_NS = 1_700_000_000 * 10**9, 100_000_000
K = (60.0, 60.0, 31.5, 23.5)
QOS = Qos(
    QosHistory.KEEP_LAST,
    7,
    QosReliability.BEST_EFFORT,
    QosDurability.VOLATILE,
    QosTime(1, 2),
    QosTime(3, 4),
    QosLiveliness.AUTOMATIC,
    QosTime(5, 6),
    False,
)
WALL_MM = np.full((48, 64), 2000, np.uint16)
IMAGE, DEPTH = '/c/color/image_raw', '/c/aligned_depth_to_color/image_raw'
SECOND = '/r/image_rect/compressed'
TOPICS = {
    '/robot/state': ('robot_msgs/msg/State', []),
    '/c/color/camera_info': ('sensor_msgs/msg/CameraInfo', [QOS]),
    IMAGE: ('sensor_msgs/msg/Image', [QOS]),
    DEPTH: ('sensor_msgs/msg/Image', []),
    '/r/camera_info': ('sensor_msgs/msg/CameraInfo', []),
    SECOND: ('sensor_msgs/msg/CompressedImage', []),
}
RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def state(number, words):
    return STORE.types['robot_msgs/msg/State'](number=number, words=words)


def messages(frames=4):
    """Yield topic, time of recording and message; images are stamped 3 ms before that."""
    for index in range(frames):
        now = START + index * STEP_NS
        stamp = now - 3_000_000
        rgb = np.roll(RGB, index, 0)
        yield '/robot/state', now - 5, state(index, 'before')
        yield '/c/color/camera_info', now, bags.camera_info(stamp, 64, 48, K)
        yield DEPTH, now, bags.image(stamp, WALL_MM, '16UC1')
        yield IMAGE, now, bags.image(stamp, rgb, 'rgb8')
        yield '/robot/state', now, state(-index, 'at the time of an image')
        yield '/r/camera_info', now + 7, bags.camera_info(stamp, 64, 48, K)
        yield SECOND, now + 9, bags.compressed(stamp, bags.png(rgb[..., ::-1]), 'png')
        yield '/robot/state', now + 10, state(7, 'long' * 50_000)


def write(folder, plugin, *, frames=4, compressed='', recorded=None):
    """Write a bag and return its storage file; '' or message, storage (MCAP) compression."""
    writer = Writer(folder, version=9, storage_plugin=StoragePlugin[plugin.upper()])
    if compressed:
        writer.set_compression(CompressionMode[compressed.upper()], CompressionFormat.ZSTD)
    with writer:
        links = {
            topic: writer.add_connection(topic, kind, typestore=STORE, offered_qos_profiles=qos)
            for topic, (kind, qos) in TOPICS.items()
        }
        for topic, bag_ns, message in recorded or messages(frames):
            data = STORE.serialize_cdr(message, message.__msgtype__)
            writer.write(links[topic], bag_ns, data)
    (storage,) = (path for path in folder.iterdir() if path.suffix in ('.db3', '.mcap'))
    return storage


def read(path):
    """Return all that a reader tells of the connections, and all messages."""
    with Reader(path) as reader:
        links = {
            link.topic: (link.msgtype, link.msgdef, link.digest, link.ext, link.msgcount)
            for link in reader.connections
        }
        found = [(link.topic, ns, bytes(data)) for link, ns, data in reader.messages()]
    return links, found


def added(copy, original):
    """Check that a copy holds its bag unchanged, and return what it has besides."""
    links, found = read(original)
    copied_links, copied = read(copy)
    assert {topic: copied_links[topic] for topic in links} == links
    assert [message for message in copied if message[0] in links] == found
    new_links = {topic: link for topic, link in copied_links.items() if topic not in links}
    return new_links, [message for message in copied if message[0] not in links]
