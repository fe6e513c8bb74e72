# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published depth of frames, refined one after the other in this process."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.inference import refined
from depth_refiner_ros.refiner.published_depth import published_depth
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.published import PublishedSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import frame_or_lost, LostFrame
import numpy as np

Tag = TypeVar('Tag')


@dataclass(frozen=True, kw_only=True)
class FrameDepth:
    """
    The depth of a frame as it is published.

    :param depth_m_HW: float32, see :func:`~.published_depth.published_depth`
    :param ms: time that it took
    :param clamped: number of pixels that came out behind the camera and were moved in front
    """

    depth_m_HW: np.ndarray
    ms: float
    clamped: int


class FrameRefiner:
    """
    A refiner, and what of its depth is published.

    :param log: called with what the networks say while they load and run
    :raises DepthRefinerError: if the networks cannot be loaded
    """

    def __init__(
        self,
        settings: ModelSettings,
        published: PublishedSettings,
        log: Callable[[str], None] = note,
    ) -> None:
        self._refiner = DepthRefiner.from_settings(settings, log)
        self._settings, self._published = settings, published
        self.networks = self._refiner.describe()
        """A line for each bundle, then where and how networks run."""
        self.carries_over = self._refiner.carries_over
        """Whether depth of an image depends on the images before it."""

    def results(
        self, frames: Iterable[tuple[Tag, Frame]]
    ) -> Generator[tuple[Tag, FrameDepth | LostFrame], None, None]:
        """Yield the depth of the frames of a camera, or why one is lost, each with its tag."""
        self._refiner.reset()
        for tag, frame in frames:
            yield tag, self(frame)

    def __call__(self, frame: Frame) -> FrameDepth | LostFrame:
        """Return the depth of a frame, or why it is lost."""
        return frame_or_lost(frame.name, lambda: self._depth(frame))

    def _depth(self, frame: Frame) -> FrameDepth:
        result = refined(self._refiner, self._settings, frame)
        depth_m_HW = published_depth(result, self._published)
        return FrameDepth(
            depth_m_HW=depth_m_HW.cpu().numpy(),
            ms=sum(result.timings_ms.values()),
            clamped=result.clamped,
        )
