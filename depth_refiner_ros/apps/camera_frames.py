# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The frames of a camera of a bag, from its images to the messages that are kept of each."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from depth_refiner_ros.apps.bag_cameras import BagCamera
from depth_refiner_ros.apps.console import tracked
from depth_refiner_ros.apps.frame_refiner import FrameDepth, FrameRefiner
from depth_refiner_ros.apps.frame_workers import DIED, FrameWorkers
from depth_refiner_ros.apps.inference import AssumedCamera
from depth_refiner_ros.apps.spread import count_taken, taken
from depth_refiner_ros.bags.progress import Key, Progress
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import LostFrame, LostFrames, NO_CAMERA
import torch


@dataclass(frozen=True)
class _Wanted:
    """A frame to refine, and the header of its image."""

    key: Key
    header: Any
    frame: Frame


class CameraFrames:
    """
    The frames of one camera.

    :param number: of the camera
    :param with_camera: gives frames a camera
    :param limit: at most so many; 0 takes all
    """

    def __init__(
        self, number: int, camera: BagCamera, with_camera: AssumedCamera, *, limit: int
    ) -> None:
        self._number, self._camera, self._limit = number, camera, limit
        self._with_camera = with_camera
        self._untold = deque[LostFrame | Key]()
        self._died: dict[Key, LostFrame] = {}

    def refine(
        self, refiner: FrameRefiner | FrameWorkers, progress: Progress, lost: LostFrames
    ) -> None:
        """
        Refine the frames that are not kept yet, and keep their messages.

        :param lost: gets the lost frames in the order of the recording, whatever the order of work
        """
        with closing(refiner.results(self._wanted(refiner, progress))) as results:
            for wanted, depth in results:
                if wanted.key not in progress.kept:
                    self._keep(wanted, depth, progress)
                self._tell(progress, lost)
        self._tell(progress, lost)

    def _wanted(
        self, refiner: FrameRefiner | FrameWorkers, progress: Progress
    ) -> Iterator[tuple[_Wanted, Frame]]:
        """Yield the frames to refine, twice for their messages and for the networks."""
        source, seen = self._camera.source, Counter[int]()
        # Kept frames are read again: what a source finds on its way, such as the range of 16-bit
        # images, is as in an unbroken run.
        pairs = taken(source.with_images(), limit=self._limit)
        total = count_taken(len(source), limit=self._limit)
        for image, frame in tracked(pairs, source.topics.image, total):
            if image is not None:
                key = self._number, image.bag_ns, seen[image.bag_ns]
                seen[image.bag_ns] += 1
            if not isinstance(frame, LostFrame):
                frame = self._seen_by_camera(frame)
            if isinstance(frame, LostFrame) or image is None:
                assert isinstance(frame, LostFrame), 'each frame has an image'
                self._untold.append(frame)
                continue
            self._untold.append(key)
            if key not in progress.kept or refiner.carries_over:
                yield _Wanted(key, image.message.header, frame), frame

    def _seen_by_camera(self, frame: Frame) -> Frame | LostFrame:
        frame = self._with_camera(frame)
        if frame.camera is not None:
            return frame
        detail = f'{frame.name} has no camera; use assume_fov_deg'
        return LostFrame(name=frame.name, reason=NO_CAMERA, detail=detail)

    def _keep(self, wanted: _Wanted, depth: FrameDepth | LostFrame, progress: Progress) -> None:
        if isinstance(depth, FrameDepth):
            assert wanted.frame.camera is not None, 'frames without one are lost'
            messages = self._camera.maker.messages(
                wanted.header,
                wanted.frame.camera,
                wanted.frame.rgb_HW3,
                torch.from_numpy(depth.depth_m_HW),
            )
            progress.add(wanted.key, {'ms': depth.ms, 'clamped': depth.clamped}, messages)
        elif depth.reason == DIED:  # another time it may live
            self._died[wanted.key] = depth
        else:
            progress.add(wanted.key, {'lost': asdict(depth)})

    def _tell(self, progress: Progress, lost: LostFrames) -> None:
        """Count the lost frames before the first one that is still at work."""
        while self._untold:
            first = self._untold[0]
            if isinstance(first, LostFrame):
                lost.add(first)
            elif first in self._died:
                lost.add(self._died[first])
            elif first not in progress.kept:
                return
            elif 'lost' in (info := progress.kept[first].info):
                lost.add(LostFrame(**info['lost']))
            self._untold.popleft()
