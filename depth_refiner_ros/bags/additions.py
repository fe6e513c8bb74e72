# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The topics and messages that a copy of a bag gets in addition."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backports import zstd
from depth_refiner_ros.bags.progress import Progress
from depth_refiner_ros.core.errors import SourceError


@dataclass(frozen=True, kw_only=True)
class AddedTopic:
    """
    A topic that is added.

    :param kind: message type
    :param definition: of the type, in ROS' own language
    :param digest: hash of the type (REP-2016)
    :param image: topic of the images that its messages belong to, whose QoS it gets
    """

    name: str
    kind: str
    definition: str
    digest: str
    image: str


class Additions:
    """
    Hands out the added messages while a bag is copied, once for each image.

    :param topics: of all cameras
    :param images: topic of the images of each camera
    :param progress: their messages, for each image in the order of its camera's topics
    :param packed: compress each message, as rosbag2 does with compression mode message
    """

    def __init__(
        self,
        topics: Sequence[AddedTopic],
        images: Sequence[str],
        progress: Progress,
        *,
        packed: bool = False,
    ) -> None:
        self._packed = packed
        self.topics = tuple(topics)
        self._cameras = {image: camera for camera, image in enumerate(images)}
        self._progress = progress
        self._seen: Counter[tuple[int, int]] = Counter()
        self.handed_out = 0
        """Number of messages handed out so far."""
        self._left = {key for key, kept in progress.kept.items() if kept.sizes}
        self._of_camera = [
            [index for index, topic in enumerate(self.topics) if topic.image == image]
            for image in images
        ]

    def is_image(self, topic: str) -> bool:
        """Whether messages belong to the images of a topic."""
        return topic in self._cameras

    def count(self, index: int) -> int:
        """Return how many messages a topic gets."""
        camera = self._cameras[self.topics[index].image]
        return sum(
            key[0] == camera and bool(kept.sizes) for key, kept in self._progress.kept.items()
        )

    def of(self, image: str, log_ns: int) -> list[tuple[int, bytes]]:
        """
        Return index of the topic and CDR bytes of the messages of an image, none if it is lost.

        :param image: its topic
        :param log_ns: time of its recording; images of the same time come in their order
        """
        camera = self._cameras[image]
        key = camera, log_ns, self._seen[camera, log_ns]
        self._seen[camera, log_ns] += 1
        kept = self._progress.kept.get(key)
        if kept is None or not kept.sizes:
            return []
        self._left.discard(key)
        self.handed_out += len(kept.sizes)
        messages = self._progress.messages(kept)
        if self._packed:
            messages = list(map(zstd.compress, messages))
        return list(zip(self._of_camera[camera], messages))

    def check_complete(self, where: str) -> None:
        """
        Check that every message was handed out.

        :param where: name of the bag, for the message
        :raises SourceError: if images that were refined were not met while copying
        """
        if self._left:
            raise SourceError(
                f'bag {where}: {len(self._left)} of its images were not found again while it was '
                'copied; it has changed meanwhile, or its index is wrong: ros2 bag reindex'
            )
