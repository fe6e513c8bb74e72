# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video files, each frame with its presentation time from the file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
import shlex

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.stamps import NS_PER_S, stamp_text, STAMPS_END_S
from depth_refiner_ros.sources.calibration import read_camera
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import (
    FrameError,
    LostFrame,
    STAMP_OUT_OF_ORDER,
    UNREADABLE_IMAGE,
    WRONG_SIZE,
)
from depth_refiner_ros.sources.rectify import Keep, none_kept, Rectifier
import numpy as np

QUARTER_TURN_DEG = 90
READ_ERRORS = (FFmpegError, OSError)


class VideoSource:
    """
    The frames of a video file, decoded one by one.

    Stamps are the presentation times in the file, from its own start.
    Frames are turned upright as the file says, unless a camera is given: it describes the frames
    in the orientation of the sensor. Pixels that are not square (DV, HDV, AVCHD) are made so,
    unless a camera is given, which knows both of its focal lengths.

    :param path: any container that FFmpeg reads
    :param intrinsics: camera of the frames
    :param horizontal_fov_deg: field of view instead of intrinsics; without either it is unknown
    :param camera_file: calibration of the camera instead of both, see :mod:`calibration`
    :param keep: for which lenses frames are kept as they are, not rectified
    :param log: called with one line if the file is incomplete
    :raises SourceError: if the file is missing or not a video, or sizes do not fit
    """

    def __init__(
        self,
        path: Path | str,
        intrinsics: Intrinsics | None = None,
        horizontal_fov_deg: float | None = None,
        *,
        camera_file: str = '',
        keep: Keep = none_kept,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        if intrinsics is not None and horizontal_fov_deg is not None:
            raise SourceError('give either intrinsics or a field of view, not both')
        self.path = Path(path)
        self.name = self.path.stem
        self._fov_deg, self._log = horizontal_fov_deg, log
        camera = read_camera(camera_file, log) if camera_file else intrinsics
        self._rectifier = None if camera is None else Rectifier(camera, keep)
        self.intrinsics = None if self._rectifier is None else self._rectifier.intrinsics
        with self._opened() as (container, stream):
            self._check_size(stream.width, stream.height)
            self._aspect = self._pixel_aspect(stream)
            self._decode_times = self._packets(container, stream)
        if not self._decode_times:
            raise SourceError(f'{path} contains no video frame: {self._fix()}')

    def __len__(self) -> int:
        return len(self._decode_times)

    def __iter__(self) -> Iterator[Frame | LostFrame]:
        last_ns = -1
        for index, decoded in enumerate(self._decoded()):
            name = f'{self.name}_{index:06d}'
            try:
                frame = self._frame(name, decoded, last_ns)
            except FrameError as error:
                yield LostFrame(name=name, reason=error.reason, detail=f'{name}: {error}')
                continue
            last_ns = frame.stamp_ns
            yield frame

    def _frame(self, name: str, decoded: VideoFrame | str, last_ns: int) -> Frame:
        if isinstance(decoded, str):
            raise FrameError(UNREADABLE_IMAGE, f'{decoded}; copy or convert {self.path} again')
        if decoded.is_corrupt:
            raise FrameError(UNREADABLE_IMAGE, f'damaged; copy or convert {self.path} again')
        stamp_ns = _stamp_ns(decoded)
        if stamp_ns <= last_ns:
            raise FrameError(
                STAMP_OUT_OF_ORDER,
                f'{stamp_text(stamp_ns)} s is not after {stamp_text(last_ns)} s',
            )
        rgb_HW3: np.ndarray = decoded.to_ndarray(format='rgb24')
        if self._rectifier is None:
            if self._aspect != 1.0:
                height, width = rgb_HW3.shape[:2]
                square = round(width * self._aspect), height
                rgb_HW3 = cv2.resize(rgb_HW3, square, interpolation=cv2.INTER_LINEAR)
            turns = round(decoded.rotation / QUARTER_TURN_DEG)
            rgb_HW3 = np.ascontiguousarray(np.rot90(rgb_HW3, turns))
        height, width = rgb_HW3.shape[:2]
        self._check_size(width, height)
        rectifier, camera = self._rectifier, None
        if rectifier is not None:
            rgb_HW3, camera = rectifier.rgb(rgb_HW3), rectifier.pinhole
        elif self._fov_deg is not None:
            camera = Intrinsics.from_fov(width, height, self._fov_deg)
        return Frame(
            stamp_ns=stamp_ns,
            rgb_HW3=rgb_HW3,
            intrinsics=camera,
            lens=None if rectifier is None else rectifier.lens,
            seen_HW=None if rectifier is None else rectifier.seen_HW,
            name=name,
            of_video=True,
        )

    def _check_size(self, width: int, height: int) -> None:
        camera = None if self._rectifier is None else self._rectifier.camera
        if camera is not None and (camera.width, camera.height) != (width, height):
            raise FrameError(
                WRONG_SIZE,
                f'video of {width}x{height} does not fit the camera of '
                f'{camera.width}x{camera.height}',
            )

    def _pixel_aspect(self, stream: VideoStream) -> float:
        """Return the width of a pixel by its height, 1 where a camera knows it."""
        aspect = float(stream.sample_aspect_ratio or 1.0)
        if self._rectifier is not None or not aspect > 0.0 or aspect == 1.0:
            return 1.0
        self._log(
            f'pixels of {self.path} are {aspect:.4g} times as wide as high; making frames of '
            f'{stream.width}x{stream.height} {round(stream.width * aspect)} px wide'
        )
        return aspect

    def _packets(self, container: InputContainer, stream: VideoStream) -> list[int]:
        """Read all packets, because a container's own frame count is often wrong or missing."""
        times = []
        try:
            for packet in container.demux(stream):
                if packet.size and not packet.is_discard:
                    times.append(packet.dts or 0)
        except READ_ERRORS as error:
            self._log(
                f'{self.path} breaks off after {counted(len(times), "frame")}: {_reason(error)}'
            )
        return times

    def _decoded(self) -> Iterator[VideoFrame | str]:
        """Yield the frames in order of presentation, or why one could not be decoded."""
        with self._opened() as (container, stream):
            stream.thread_type = 'AUTO'
            # AVI has no presentation times; FFmpeg's guess is wrong if frames are reordered.
            times = iter(self._decode_times if container.format.name == 'avi' else ())
            for frame in self._in_order(container, stream):
                time = next(times, None)
                if isinstance(frame, VideoFrame) and time is not None:
                    frame.pts = time
                yield frame

    def _in_order(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[VideoFrame | str]:
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except READ_ERRORS:
                packet = None  # logged when the source was opened
            try:
                yield from stream.decode(packet)  # None empties the decoder
            except av.error.EOFError:
                return
            except READ_ERRORS as error:
                yield _reason(error)
            if packet is None:
                return

    def _fix(self) -> str:
        if not self.path.stat().st_size:
            return 'it is empty; copy it again'
        return (
            'it is cut short, damaged or no video; copy it again, or save what can be read with: '
            f'ffmpeg -i {shlex.quote(str(self.path))} -c copy repaired.mkv'
        )

    @contextmanager
    def _opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """Open the file as a stream of bytes, because its name may look like a URL."""
        try:
            file = self.path.open('rb')
        except OSError as error:
            raise SourceError(f'cannot open video {self.path}: {error.strerror}') from error
        with file:
            try:
                container = av.open(file, mode='r', metadata_errors='replace')
            except READ_ERRORS as error:
                raise SourceError(
                    f'{self.path} cannot be opened as a video (FFmpeg: {_reason(error)}): '
                    f'{self._fix()}'
                ) from error
            with container:
                stream = container.streams.best('video')
                if not isinstance(stream, VideoStream):
                    raise SourceError(f'{self.path} contains no video stream: {self._fix()}')
                if stream.codec_context is None:
                    raise SourceError(
                        f'{self.path} uses a codec that FFmpeg does not decode; convert it to mp4'
                    )
                yield container, stream


def _stamp_ns(frame: VideoFrame) -> int:
    """
    Return the presentation time of a frame.

    :raises FrameError: if it has none, or it does not fit into a ROS stamp
    """
    if frame.pts is None or frame.time_base is None:
        raise FrameError(STAMP_OUT_OF_ORDER, 'the file states no time for it; convert it to mp4')
    stamp_ns = round(Fraction(frame.pts) * frame.time_base * NS_PER_S)
    if not 0 <= stamp_ns < STAMPS_END_S * NS_PER_S:
        raise FrameError(
            STAMP_OUT_OF_ORDER, f'{float(stamp_ns) / NS_PER_S:g} s is not a valid stamp'
        )
    return stamp_ns


def _reason(error: OSError | FFmpegError) -> str:
    return ' '.join(str(error.strerror or error).split())
