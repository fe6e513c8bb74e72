# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Frames to evaluate on, with the groups that they are averaged in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import repeat

import cv2
from depth_refiner_ros.sources.frame import Frame, FrameSource
from depth_refiner_ros.sources.frame_list import Entry, FrameListSource
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.pixel_grid import resampled_nearest


@dataclass(frozen=True)
class Labelled:
    """
    A frame and the groups whose averages include it.

    :param source: group by recording or data set
    :param scene: group by place, ``indoor`` or ``outdoor``, '' if unknown
    """

    frame: Frame
    source: str
    scene: str


def labelled(source: FrameSource) -> Iterator[Labelled | LostFrame]:
    """Yield the frames of a source with their groups; a frame list states them for each frame."""
    entries = source.entries if isinstance(source, FrameListSource) else repeat(None)
    for frame, entry in zip(source, entries):
        if isinstance(frame, LostFrame):
            yield frame
        elif isinstance(entry, Entry):
            frame = _at_depth_size(frame, entry)
            yield Labelled(frame, entry.source or source.name, scene_of(entry.scene))
        else:
            yield Labelled(frame, source.name, '')


def scene_of(scene: str) -> str:
    """Return ``indoor`` or ``outdoor``, '' for ''; a tabletop counts as indoor."""
    words = scene.split()
    return '' if not words else 'outdoor' if words[0] == 'outdoor' else 'indoor'


def _at_depth_size(frame: Frame, entry: Entry) -> Frame:
    """Shrink a frame to the native size of its depth, so that no depth edge is interpolated."""
    size = entry.depth_size
    if frame.depth_m_HW is None or not size or size == frame.rgb_HW3.shape[1::-1]:
        return frame
    width, height = size
    intrinsics = frame.intrinsics
    return replace(
        frame,
        rgb_HW3=cv2.resize(frame.rgb_HW3, (width, height), interpolation=cv2.INTER_AREA),
        depth_m_HW=resampled_nearest(frame.depth_m_HW, height, width),
        intrinsics=None if intrinsics is None else intrinsics.resized(width, height),
    )
