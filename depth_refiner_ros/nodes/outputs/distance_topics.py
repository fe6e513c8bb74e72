# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Questions for distances from the map, and their answers: two topics with a cloud each.

A service would need a type that standard packages lack, and this one builds no messages.
"""

from collections import deque
from collections.abc import Callable

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.nodes.conversions.cloud import cloud_of_distances, points_from_cloud
from depth_refiner_ros.nodes.runtime.topics import Topics
import numpy as np
from sensor_msgs.msg import PointCloud2

WAITING = 10
"""Questions that may wait; then the oldest is dropped."""


class DistanceTopics:
    """
    Answers each ``distance_query`` by a ``distance`` with the same header and points.

    :param topics: makes the publisher
    :param map_frame: of the points that can be asked for
    """

    def __init__(self, topics: Topics, map_frame: str) -> None:
        self._topics, self._map_frame = topics, map_frame
        self._answers = topics.publisher(PointCloud2, 'distance')
        self._waiting: deque[PointCloud2] = deque(maxlen=WAITING)

    def subscribe(self) -> None:
        """Listen to questions; nobody has to ask."""
        self._topics.subscribe(
            PointCloud2,
            'distance_query',
            self._waiting.append,
            reliability='reliable',
            depth=WAITING,
            optional=True,
        )

    def answer(self, distance_m: Callable[[np.ndarray], np.ndarray]) -> None:
        """
        Answer the question that waits longest, if one does.

        :param distance_m: takes ``points_m_N3`` in the map frame
        :raises InputError: if it is no cloud of points in the map frame
        """
        if not self._waiting:
            return
        question = self._waiting.popleft()
        if question.header.frame_id != self._map_frame:
            raise InputError(
                f'distance_query has frame {shown(question.header.frame_id)}; give points in '
                f'map_frame, {self._map_frame}'
            )
        points_m_N3 = points_from_cloud(question)
        self._answers.publish(cloud_of_distances(question, points_m_N3, distance_m(points_m_N3)))
