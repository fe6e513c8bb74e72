# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The cameras of a bag that depth is added for, and the topics that each gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import re

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.bags.additions import AddedTopic
from depth_refiner_ros.bags.messages import MessageMaker
from depth_refiner_ros.core.errors import SettingsError, SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.networks import DEPTH_PRIORS, ModelSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.rectify import Keep, none_kept
from depth_refiner_ros.sources.ros.bag import RosbagSource
from depth_refiner_ros.sources.ros.cameras import cameras_of
from depth_refiner_ros.sources.ros.topic_names import beside
from depth_refiner_ros.sources.ros.topics import NONE

NAME = re.compile(r'/?[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*')
"""Names of topics and their namespaces, as ROS allows them."""


@dataclass(frozen=True, kw_only=True)
class BagCamera:
    """
    A camera of a bag.

    :param source: its frames
    :param maker: of its messages
    :param topics: that it gets
    """

    source: RosbagSource
    maker: MessageMaker
    topics: Sequence[AddedTopic]


def bag_cameras(
    path: Path,
    settings: ModelSettings,
    recording: RecordingSettings,
    bag: BagCopySettings,
    keep: Keep = none_kept,
) -> list[BagCamera]:
    """
    Return the cameras that the options choose.

    :param keep: for which lenses images are refined as they are

    :raises SettingsError: if the options contradict each other
    :raises SourceError: if the bag cannot be read, a camera is unknown, or the bag has the topics
    """
    options = recording.bag_options() | {'keep': keep}
    if not settings.takes(DEPTH_PRIORS) and not recording.depth_topic:
        options['depth_topic'] = NONE
    _check(recording, bag)
    if not bag.all_cameras:
        return [_camera(RosbagSource(path, log=note, **options), recording, bag)]
    cameras = []
    for image, info in cameras_of(path, note):
        topics = {'image_topic': image, 'info_topic': info}
        cameras.append(_camera(RosbagSource(path, log=note, **options | topics), recording, bag))
    note(f'cameras: {", ".join(camera.source.topics.image for camera in cameras)}')
    return cameras


def _check(recording: RecordingSettings, bag: BagCopySettings) -> None:
    if not NAME.fullmatch(bag.namespace):
        raise SettingsError(
            f'namespace = {shown(bag.namespace)} is no name of ROS: letters, digits and _ between '
            'slashes'
        )
    if not bag.all_cameras:
        return
    if bag.namespace.startswith('/'):
        raise SettingsError(
            f'namespace = {shown(bag.namespace)} is one for all cameras; leave out its first /, '
            'and it is below that of each image'
        )
    for name in ('image_topic', 'info_topic'):
        if getattr(recording, name):
            raise SettingsError(
                f'{name} = {shown(getattr(recording, name))} chooses one camera, all_cameras all; '
                'leave out one of them'
            )


def _camera(source: RosbagSource, recording: RecordingSettings, bag: BagCopySettings) -> BagCamera:
    image = source.topics.image
    if source.intrinsics is None and not recording.assume_fov_deg:
        raise SourceError(
            f'the bag {source.path} has no camera_info that fits {image}, and added topics need '
            'a camera; choose its topic with info_topic, or give the field of view with '
            'assume_fov_deg'
        )
    maker = MessageMaker(source.types, bag, clouds=bag.clouds)
    below = bag.namespace
    topics = maker.topics(image, below if below.startswith('/') else beside(image, below))
    for topic in topics:
        if topic.name in source.topic_names:
            raise SourceError(
                f'the bag {source.path} has {topic.name} already; choose another namespace '
                'than that: namespace:=again'
            )
    return BagCamera(source=source, maker=maker, topics=topics)
