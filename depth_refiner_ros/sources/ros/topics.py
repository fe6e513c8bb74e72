# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choose the topics of a bag by type, by name and by their first messages."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.core.aspect import same_aspect
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.sources.ros.image import (
    held_encoding,
    image_size,
    is_colored,
    is_depth,
    is_gray,
)
from depth_refiner_ros.sources.ros.topic_names import (
    camera_of,
    COLOR_NAMES,
    color_rank,
    color_words,
    DEPTH_NAMES,
    is_pose_of_something_else,
    is_registered,
    name_rank,
    names_depth,
    namespace,
    shared_parts,
)

IMAGES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
INFOS = ('sensor_msgs/msg/CameraInfo',)
POSES = (
    'geometry_msgs/msg/PoseStamped',
    'geometry_msgs/msg/PoseWithCovarianceStamped',
    'geometry_msgs/msg/TransformStamped',
    'nav_msgs/msg/Odometry',
)
TRANSFORMS = ('tf2_msgs/msg/TFMessage',)
NONE = 'none'
"""The user's word for no topic."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """
    A topic of a bag that holds messages.

    :param kind: message type
    :param first: first message
    """

    name: str
    kind: str
    count: int
    first: Any


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    The topics of each kind, None for none.

    :param notes: lines about what was left out or chosen by name
    """

    image: str
    depth: str | None
    info: str | None
    pose: str | None
    notes: tuple[str, ...] = ()


class TopicChooser:
    """
    Chooses the topics that frames are made of.

    :param where: name of the bag, for messages
    :param topics: all that hold messages
    """

    def __init__(self, where: str, topics: Iterable[Topic]) -> None:
        self._where = where
        self._topics = sorted(topics, key=lambda topic: topic.name)
        self._notes: list[str] = []

    def choose(self, *, image: str, depth: str, info: str, pose: str) -> Choice:
        """
        Return the topics.

        :param image: the user's word: a topic, ``none``, or '' to find it; so for the others
        :raises SourceError: if a topic is not in the bag or has the wrong type, if names leave
            open which of several to use, or if there is no color image
        """
        color = self._color(image)
        return Choice(
            image=color.name,
            depth=self._depth(depth, color),
            info=self._info(info, color),
            pose=self._pose(pose),
            notes=tuple(self._notes),
        )

    def _color(self, wanted: str) -> Topic:
        images = self._of(IMAGES)
        if wanted:
            return self._wanted('image', wanted, images)
        colors = [topic for topic in images if not is_depth(topic.first, topic.name)]
        if not colors:
            raise SourceError(
                f'the bag {self._where} has no color image; its topics: {self._listed()}'
            )
        best = _best(colors, lambda topic: (color_rank(topic.name), is_gray(topic.first)))
        if len({camera_of(topic.name) for topic in best}) == 1:
            best = _best(best, lambda topic: name_rank(topic.name, COLOR_NAMES))
        frames = {_frame(topic) for topic in images if _may_be_depth(topic)}
        best = [topic for topic in best if _frame(topic) in frames] or best
        if len({_frame(topic) for topic in best}) == 1:  # of one lens, as rgb and left of a ZED
            best = _best(best, lambda topic: -color_words(topic.name))
        return self._single('image', best, colors)

    def _depth(self, wanted: str, color: Topic) -> str | None:
        images = [topic for topic in self._of(IMAGES) if topic is not color]
        if wanted == NONE:
            return None
        if wanted:
            return self._wanted('depth', wanted, images).name
        depths = [topic for topic in images if _may_be_depth(topic)]
        if not depths:
            self._note_no_depth(images)
        fitting = [topic for topic in depths if _covers(topic, color)]
        if depths and not fitting:
            self._notes.append(
                f'{", ".join(topic.name for topic in depths)} is left out: its size differs '
                f'from {color.name}; record depth that is registered to the color'
            )
        best = _best(
            fitting,
            lambda topic: (
                not is_registered(topic.name),
                not _of_one_frame(topic, color),
                image_size(topic.first) != image_size(color.first),
                -shared_parts(topic.name, color.name),
            ),
        )
        if len({camera_of(topic.name) for topic in best}) == 1:
            best = _best(best, lambda topic: name_rank(topic.name, DEPTH_NAMES))
        if not best:
            return None
        chosen = self._single('depth', best, fitting)
        if not (is_registered(chosen.name) or _of_one_frame(chosen, color)):
            self._notes.append(
                f'{chosen.name} is of frame {shown(_frame(chosen))}, {color.name} of '
                f'{shown(_frame(color))}: its depth fits only if it is registered to the '
                'color anyway'
            )
        return chosen.name

    def _note_no_depth(self, images: list[Topic]) -> None:
        """Note images that could be taken for depth although none of them is."""
        for topic in images:
            says, held = names_depth(topic.name), held_encoding(topic.first)
            if is_depth(topic.first, topic.name):
                self._notes.append(
                    f'{topic.name} ({shown(held)}) is left out: by its name it is no depth; if '
                    'it is, choose it with depth_topic'
                )
            elif says and not is_colored(topic.first):
                self._notes.append(
                    f'{topic.name} is left out: depth is 16UC1 (millimetres) or 32FC1 (metres), '
                    f'and it holds {shown(held)}; record it in one of them'
                )

    def _info(self, wanted: str, color: Topic) -> str | None:
        infos = self._of(INFOS)
        if wanted == NONE:
            return None
        if wanted:
            return self._wanted('info', wanted, infos).name
        best = _best(
            infos,
            lambda topic: (
                namespace(topic.name) != namespace(color.name),
                camera_of(topic.name) != camera_of(color.name),
                not _of_one_frame(topic, color),
                -shared_parts(topic.name, color.name),
            ),
        )
        beside = [topic for topic in best if namespace(topic.name) == namespace(color.name)]
        return self._single('info', best, beside or infos).name if best else None

    def _pose(self, wanted: str) -> str | None:
        if wanted == NONE:
            return None
        poses, transforms = self._of(POSES), self._of(TRANSFORMS)
        if wanted:
            return self._wanted('pose', wanted, [*poses, *transforms]).name
        best = _best(poses, lambda topic: is_pose_of_something_else(topic.name))
        best = [topic for topic in best if not is_pose_of_something_else(topic.name)]
        return self._single('pose', best, poses).name if best else None

    def _of(self, kinds: tuple[str, ...]) -> list[Topic]:
        return [topic for topic in self._topics if topic.kind in kinds]

    def _wanted(self, kind: str, wanted: str, candidates: list[Topic]) -> Topic:
        for topic in candidates:
            if topic.name.removeprefix('/') == wanted.removeprefix('/'):
                return topic
        names = ', '.join(topic.name for topic in candidates) or 'none'
        raise SourceError(
            f'{_option(kind)}: {shown(wanted)} is not among the {kind} topics of the bag '
            f'{self._where}; choose from: {names} (all: {self._listed()})'
            f'{nearest(wanted, [topic.name for topic in candidates])}'
        )

    def _single(self, kind: str, best: list[Topic], candidates: list[Topic]) -> Topic:
        names = ', '.join(topic.name for topic in best)
        if len(best) > 1:
            raise SourceError(
                f'the bag {self._where} has several {kind} topics, and their names do not tell '
                f'which to use; choose with {_option(kind)} from: {names}'
            )
        if len(candidates) > 1:
            others = ', '.join(topic.name for topic in candidates if topic is not best[0])
            self._notes.append(f'{kind} is {names}; {_option(kind)} chooses another: {others}')
        return best[0]

    def _listed(self) -> str:
        return (
            ', '.join(
                f'{topic.name} ({topic.kind.split("/")[-1]}, {topic.count})'
                for topic in self._topics
            )
            or 'none'
        )


def _best(topics: list[Topic], rank: Callable[[Topic], Any]) -> list[Topic]:
    """Return the topics of the lowest rank."""
    lowest = min((rank(topic) for topic in topics), default=None)
    return [topic for topic in topics if rank(topic) == lowest]


def _may_be_depth(topic: Topic) -> bool:
    return is_depth(topic.first, topic.name) and names_depth(topic.name) is not False


def _covers(depth: Topic, color: Topic) -> bool:
    """Whether a depth topic can share the pixel grid of the color, judging by its messages."""
    size, own_size = image_size(color.first), image_size(depth.first)
    if size is None or own_size is None or size == own_size:
        return True
    claimed = is_registered(depth.name) or _of_one_frame(depth, color)
    return claimed and same_aspect(*own_size, *size)


def _of_one_frame(topic: Topic, other: Topic) -> bool:
    return _frame(topic) == _frame(other)


def _frame(topic: Topic) -> str:
    return str(topic.first.header.frame_id).removeprefix('/')


def _option(kind: str) -> str:
    return f'{kind}_topic'
