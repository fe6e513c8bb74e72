# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The images of an evaluation: a set for training, or any source of frames of the package."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.labelled import Labelled, labelled
from depth_refiner_ros.sources.lost_frames import frame_or_lost, FrameError, LostFrame
from depth_refiner_ros.sources.registry import open_source
import numpy as np
from training.data.registry import open_samples
from training.data.sample import Sample, SampleSet
from training.evaluation.config import EvaluationConfig
from training.evaluation.protocols import protocol_of


class FrameSamples:
    """
    Frames of a source by number; fast in order, a jump back reads from the start.

    :param source: whatever ``depth-refiner`` reads: frame lists, TUM folders, bags, rooms
    """

    def __init__(self, source: FrameSource) -> None:
        self._source, self._next = source, 0
        self._frames = labelled(source)

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Sample:
        """
        Read a frame, at the size of its depth.

        :raises FrameError: where it cannot be used
        """
        if index < self._next:
            self._frames, self._next = labelled(self._source), 0
        item: Labelled | LostFrame | None = None
        while self._next <= index:
            item = next(self._frames, None)
            self._next += 1
        if item is None:
            raise IndexError(index)
        if isinstance(item, LostFrame):
            raise FrameError(item.reason, item.detail)
        frame = item.frame
        return Sample(
            rgb_HW3=frame.rgb_HW3,
            depth_m_HW=frame.depth_m_HW,
            intrinsics=frame.intrinsics,
            name=frame.name,
        )


class Images:
    """
    The images of an evaluation, cropped as its protocol says.

    :raises SourceError: where they cannot be read
    """

    def __init__(self, config: EvaluationConfig) -> None:
        self._samples: SampleSet = (
            FrameSamples(open_source(config.source, log=note))
            if config.source
            else open_samples(config.data)
        )
        self._crop = protocol_of(config.protocol).crop
        self._fov_deg = config.assume_fov_deg
        self._in_set = len(self._samples)
        self._count = min(config.limit or self._in_set, self._in_set)
        if not self._count:
            raise SettingsError(f'{config.source or config.data.path} has no image to evaluate')

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image; its depth is float32 in metres, NaN where unknown.

        :raises FrameError: where it cannot be used
        """
        sample = self._crop(self._samples[index])
        height, width = sample.rgb_HW3.shape[:2]
        camera = sample.intrinsics
        if camera is None and self._fov_deg:
            camera = Intrinsics.from_fov(width, height, self._fov_deg)
        return replace(sample, depth_m_HW=_known(sample.depth_m_HW), intrinsics=camera)

    def numbered(self, config: EvaluationConfig) -> dict[str, Any]:
        """Return what changes where a number means another image than before."""
        return {'list': config.listed(), 'images_in_set': self._in_set}

    def read(self, index: int) -> Sample | LostFrame:
        """Return an image, or what is wrong with it."""
        return frame_or_lost(f'image {index}', partial(self.__getitem__, index))

    def __iter__(self) -> Iterator[Sample | LostFrame]:
        return map(self.read, range(len(self)))


def _known(depth_m_HW: np.ndarray | None) -> np.ndarray | None:
    if depth_m_HW is None:
        return None
    depth_m_HW = np.asarray(depth_m_HW, dtype=np.float32)
    return np.where(depth_m_HW > 0.0, depth_m_HW, np.float32(np.nan))
