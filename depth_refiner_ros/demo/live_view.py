# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The newest depth of a running graph, drawn for the browser."""

from depth_refiner_ros.demo.collected import Collected, CONFIDENCE, DEPTH
from depth_refiner_ros.report.colormap import colorize, depth_limits_m, Palette
from depth_refiner_ros.report.live import LivePage
import numpy as np

TOPICS = ('image', DEPTH, CONFIDENCE)


class LiveView:
    """
    Shows image, depth and confidence of the newest frame.

    :param page: page that shows them
    """

    def __init__(self, page: LivePage) -> None:
        self._page = page
        self._shown_ns = -1

    def update(self, arrivals: Collected) -> None:
        """Draw the newest frame whose three maps have arrived, unless it is drawn already."""
        complete = set.intersection(*(set(arrivals.arrived_ns.get(topic, {})) for topic in TOPICS))
        newest_ns = max(complete, default=-1)
        if newest_ns <= self._shown_ns:
            return
        self._shown_ns = newest_ns
        rgb_HW3, depth_m_HW, confidence_HW = (
            arrivals.map_HW(topic, newest_ns) for topic in TOPICS
        )
        self._page.show(
            np.hstack(
                [
                    rgb_HW3,
                    colorize(depth_m_HW, *depth_limits_m(depth_m_HW), Palette.DEPTH),
                    colorize(confidence_HW, 0.0, 1.0, Palette.DIFFERENCE),
                ]
            )
        )
