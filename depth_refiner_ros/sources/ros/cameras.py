# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The cameras of a bag that has several."""

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.ros.bag_files import BagFiles
from depth_refiner_ros.sources.ros.bag_messages import BagMessages
from depth_refiner_ros.sources.ros.image import is_depth
from depth_refiner_ros.sources.ros.topic_names import (
    camera_of,
    COLOR_NAMES,
    name_rank,
    names_depth,
    namespace,
)
from depth_refiner_ros.sources.ros.topics import IMAGES, INFOS, Topic


def cameras_of(path: Path, log: Callable[[str], None]) -> list[tuple[str, str]]:
    """
    Return the topics of image and camera_info of each camera, by name.

    A camera is a color or gray image, not depth, with a camera_info in its namespace. Of several
    images of one camera the best is taken: rectified before raw, raw before compressed.

    :param log: called with one line for each image that is left out
    :raises SourceError: if the bag has no camera or cannot be read
    """
    with BagFiles(path, lambda line: None).reader() as reader:
        topics = BagMessages(reader, path).topics()
    infos = {namespace(topic.name): topic.name for topic in topics if topic.kind in INFOS}
    images = sorted(filter(_is_image, topics), key=lambda topic: camera_of(topic.name))
    found = []
    for _, group in groupby(images, key=lambda topic: camera_of(topic.name)):
        ranked = sorted(
            group, key=lambda topic: (namespace(topic.name) not in infos, *_rank(topic))
        )
        best = ranked[0]
        if namespace(best.name) in infos:
            found.append((best.name, infos[namespace(best.name)]))
            ranked = ranked[1:]
        for other in ranked:
            why = 'has no camera_info beside it' if best is other else f'beside {best.name}'
            log(f'{other.name} is left out: {why}')
    if not found:
        raise SourceError(
            f'the bag {path} has no image with a camera_info beside it; choose both with '
            'image_topic and info_topic, without all_cameras'
        )
    return found


def _is_image(topic: Topic) -> bool:
    return (
        topic.kind in IMAGES
        and not is_depth(topic.first, topic.name)
        and names_depth(topic.name) is not True
    )


def _rank(topic: Topic) -> tuple[int, bool, str]:
    return (*name_rank(topic.name, COLOR_NAMES), topic.name)
